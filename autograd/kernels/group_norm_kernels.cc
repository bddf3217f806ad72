#include "autograd/kernels/group_norm_kernels.h"

#include <algorithm>

#include "autograd/dtype.h"
#include "autograd/kernels/isa.h"
#include "autograd/kernels/unary_reference.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const GroupNormTables kGroupNormAvx2;
extern const GroupNormTables kGroupNormAvx512;
extern const GroupNormTables kGroupNormAvx512Bf16;
#endif

namespace {

template <class T>
T Load(T x) {
  return x;
}
float Load(BFloat16 x) { return ToFloat(x); }
template <class T>
void Store(T value, T* to) {
  *to = value;
}
void Store(float value, BFloat16* to) { *to = ToBFloat16(value); }

template <class S>
struct Scalar {
  using T = NormComputeType<S>;

  static T Normalised(S x, const ChannelMap<T>& map, int64_t c) {
    return (Load(x) - map.centre[c]) * map.scale[c] + map.shift[c];
  }

  // Calls visit(c, position in x, position in y) for every element.
  template <class Visit>
  static void ForElements(const NormBlock& block, Visit visit) {
    for (int64_t row = 0; row < block.rows; ++row) {
      for (int64_t c = 0; c < block.channels; ++c) {
        visit(c, row * block.channels + c, row * block.stride + c);
      }
    }
  }

  static void Moments(const S* x, const NormBlock& block, const S* centre, double* sum,
                      double* squares) {
    std::fill(sum, sum + block.channels, 0.0);
    std::fill(squares, squares + block.channels, 0.0);
    ForElements(block, [=](int64_t c, int64_t i, int64_t) {
      const double distance =
          static_cast<double>(Load(x[i])) - static_cast<double>(Load(centre[c]));
      sum[c] += distance;
      squares[c] += distance * distance;
    });
  }

  template <class Out>
  static void Normalise(const S* x, const NormBlock& block, const ChannelMap<T>& map, Out* y) {
    ForElements(block,
                [=](int64_t c, int64_t i, int64_t o) { Store(Normalised(x[i], map, c), y + o); });
  }

  static void NormaliseSilu(const S* x, const NormBlock& block, const ChannelMap<T>& map, S* y) {
    ForElements(block, [=](int64_t c, int64_t i, int64_t o) {
      Store(UnaryReference<UnaryOp::kSilu>(Normalised(x[i], map, c), T{0}), y + o);
    });
  }

  template <class G>
  static void GradientSums(const S* x, const G* g, const NormBlock& block, const T* centre,
                           double* sum, double* dot) {
    std::fill(sum, sum + block.channels, 0.0);
    std::fill(dot, dot + block.channels, 0.0);
    ForElements(block, [=](int64_t c, int64_t i, int64_t o) {
      const double term = static_cast<double>(Load(g[o]));
      sum[c] += term;
      dot[c] += term * (static_cast<double>(Load(x[i])) - static_cast<double>(centre[c]));
    });
  }

  static void SiluGradientSums(const S* x, const S* dy, const NormBlock& block,
                               const ChannelMap<T>& map, T* g, double* sum, double* dot) {
    ForElements(block, [=](int64_t c, int64_t i, int64_t o) {
      g[o] = UnaryGradReference<UnaryOp::kSilu>(Load(dy[o]), Normalised(x[i], map, c), T{0});
    });
    GradientSums(x, g, block, map.centre, sum, dot);
  }

  template <class G>
  static void InputGradient(const S* x, const G* g, const NormBlock& block,
                            const ChannelMap<T>& map, const T* slope, const S* pending, S* dx) {
    ForElements(block, [=](int64_t c, int64_t i, int64_t o) {
      const T by_x = (Load(x[i]) - map.centre[c]) * slope[c] + map.shift[c];
      const T own = Load(g[o]) * map.scale[c] + by_x;
      Store(pending == nullptr ? own : Load(pending[i]) + own, dx + i);
    });
  }

  static constexpr GroupNormKernels<S> Make() {
    return {Moments,         Normalise<S>,     Normalise<T>,     NormaliseSilu,   GradientSums<S>,
            GradientSums<T>, SiluGradientSums, InputGradient<S>, InputGradient<T>};
  }
};

constexpr GroupNormTables kGroupNormScalar = {Scalar<float>::Make(), Scalar<double>::Make(),
                                              Scalar<BFloat16>::Make()};

const GroupNormTables& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kGroupNormAvx2;
    case Isa::kAvx512:
      return kGroupNormAvx512;
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kGroupNormAvx512Bf16;
#endif
    default:
      return kGroupNormScalar;
  }
}

}  // namespace

const GroupNormTables& GetGroupNormTables() {
  static const GroupNormTables& tables = Choose();
  return tables;
}

const GroupNormTables& ScalarGroupNormTables() { return kGroupNormScalar; }

}  // namespace autograd::kernels
