#include "autograd/kernels/group_norm_kernels.h"

#include "autograd/kernels/isa.h"
#include "autograd/kernels/unary_reference.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const GroupNormTables kGroupNormAvx2;
extern const GroupNormTables kGroupNormAvx512;
#endif

namespace {

template <class T>
struct Scalar {
  static T Normalised(T x, const ChannelMap<T>& map, int64_t c) {
    return (x - map.centre[c]) * map.scale[c] + map.shift[c];
  }

  static void Moments(const T* x, int64_t rows, int64_t channels, const T* centre, double* sum,
                      double* squares) {
    GradientSums(x, nullptr, rows, channels, centre, sum, squares);
  }

  static void Normalise(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map,
                        T* y) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c, ++x, ++y) *y = Normalised(*x, map, c);
    }
  }

  static void NormaliseSilu(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map,
                            T* y) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c, ++x, ++y) {
        *y = UnaryReference<UnaryOp::kSilu>(Normalised(*x, map, c), T{0});
      }
    }
  }

  // Without g, x - centre takes its place.
  static void GradientSums(const T* x, const T* g, int64_t rows, int64_t channels, const T* centre,
                           double* sum, double* dot) {
    for (int64_t c = 0; c < channels; ++c) {
      double total = 0, products = 0;
      for (int64_t i = c; i < rows * channels; i += channels) {
        const double distance = static_cast<double>(x[i]) - centre[c];
        const double term = g == nullptr ? distance : g[i];
        total += term;
        products += term * distance;
      }
      sum[c] = total;
      dot[c] = products;
    }
  }

  static void SiluGradientSums(const T* x, const T* dy, int64_t rows, int64_t channels,
                               const ChannelMap<T>& map, T* g, double* sum, double* dot) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t i = row * channels + c;
        g[i] = UnaryGradReference<UnaryOp::kSilu>(dy[i], Normalised(x[i], map, c), T{0});
      }
    }
    GradientSums(x, g, rows, channels, map.centre, sum, dot);
  }

  static void InputGradient(const T* x, const T* g, int64_t rows, int64_t channels,
                            const ChannelMap<T>& map, const T* slope, T* dx) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c, ++x, ++g, ++dx) {
        *dx = *g * map.scale[c] + ((*x - map.centre[c]) * slope[c] + map.shift[c]);
      }
    }
  }

  static constexpr GroupNormKernels<T> Make() {
    return {Moments, Normalise, NormaliseSilu, GradientSums, SiluGradientSums, InputGradient};
  }
};

constexpr GroupNormTables kGroupNormScalar = {Scalar<float>::Make(), Scalar<double>::Make()};

const GroupNormTables& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kGroupNormAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kGroupNormAvx512;
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
