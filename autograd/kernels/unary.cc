#include "autograd/kernels/unary.h"

#include <utility>

#include "autograd/kernels/bf16_scalar.h"
#include "autograd/kernels/isa.h"
#include "autograd/kernels/unary_reference.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const UnaryKernels kUnaryAvx2;
extern const UnaryKernels kUnaryAvx512;
#endif

namespace {

template <UnaryOp kOp, class T>
void UnaryLoop(const T* x, T* y, int64_t n, ComputeType<T> param) {
  for (int64_t i = 0; i < n; ++i) y[i] = Narrow<T>(UnaryReference<kOp>(Widen(x[i]), param));
}

template <UnaryOp kOp, class T>
void UnaryGradLoop(const T* dy, const T* s, T* dx, int64_t n, ComputeType<T> param) {
  for (int64_t i = 0; i < n; ++i) {
    dx[i] = Narrow<T>(UnaryGradReference<kOp>(Widen(dy[i]), Widen(s[i]), param));
  }
}

template <int... kOps>
constexpr UnaryKernels MakeScalarKernels(std::integer_sequence<int, kOps...>) {
  return {{UnaryLoop<static_cast<UnaryOp>(kOps), float>...},
          {UnaryLoop<static_cast<UnaryOp>(kOps), double>...},
          {UnaryGradLoop<static_cast<UnaryOp>(kOps), float>...},
          {UnaryGradLoop<static_cast<UnaryOp>(kOps), double>...},
          {UnaryLoop<static_cast<UnaryOp>(kOps), BFloat16>...},
          {UnaryGradLoop<static_cast<UnaryOp>(kOps), BFloat16>...}};
}

constexpr UnaryKernels kUnaryScalar =
    MakeScalarKernels(std::make_integer_sequence<int, kNumUnaryOps>());

const UnaryKernels& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kUnaryAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kUnaryAvx512;
#endif
    default:
      return kUnaryScalar;
  }
}

}  // namespace

const UnaryKernels& GetUnaryKernels() {
  static const UnaryKernels& kernels = Choose();
  return kernels;
}

const UnaryKernels& ScalarUnaryKernels() { return kUnaryScalar; }

}  // namespace autograd::kernels
