// The loops over arrays around unary_ops.h, and the table of them. See vec_math.h for the rules of
// these headers.
#ifndef AUTOGRAD_KERNELS_UNARY_TABLE_H_
#define AUTOGRAD_KERNELS_UNARY_TABLE_H_

#include "autograd/kernels/simd_elements.h"
#include "autograd/kernels/unary.h"
#include "autograd/kernels/unary_ops.h"

namespace autograd::kernels {
namespace {

template <class V>
using VecUnary = typename V::Vec (*)(typename V::Vec x, typename V::Vec param);
template <class V>
using VecUnaryGrad = typename V::Vec (*)(typename V::Vec dy, typename V::Vec s,
                                         typename V::Vec param);

// kApply is a constant, so it is inlined. The tail goes through the same instructions as the rest.
// T is V's scalar type, or BFloat16.
template <class V, class T, VecUnary<V> kApply>
void UnaryLoop(const T* x, T* y, int64_t n, typename V::Scalar param) {
  const auto a = V::Set(param);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    StoreElements<V>(y + i, kApply(LoadElements<V>(x + i), a));
  }
  if (i < n) StoreElements<V>(y + i, kApply(LoadElements<V>(x + i, n - i), a), n - i);
}

template <class V, class T, VecUnaryGrad<V> kApply>
void UnaryGradLoop(const T* dy, const T* s, T* dx, int64_t n, typename V::Scalar param) {
  const auto a = V::Set(param);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    StoreElements<V>(dx + i, kApply(LoadElements<V>(dy + i), LoadElements<V>(s + i), a));
  }
  if (i < n) {
    const int64_t rest = n - i;
    const auto value = kApply(LoadElements<V>(dy + i, rest), LoadElements<V>(s + i, rest), a);
    StoreElements<V>(dx + i, value, rest);
  }
}

// Value and gradient of one function.
template <class V, VecUnary<V> kValue, VecUnaryGrad<V> kGrad, class T>
constexpr void Enter(UnaryOp op, UnaryFn<T>* values, UnaryGradFn<T>* grads) {
  values[static_cast<int>(op)] = UnaryLoop<V, T, kValue>;
  grads[static_cast<int>(op)] = UnaryGradLoop<V, T, kGrad>;
}

template <class V, class T>
constexpr void EnterAll(UnaryFn<T>* f, UnaryGradFn<T>* g) {
  using F = UnaryOps<V>;
  using G = UnaryGradOps<V>;
  Enter<V, F::Neg, G::Neg, T>(UnaryOp::kNeg, f, g);
  Enter<V, F::Absolute, G::Absolute, T>(UnaryOp::kAbs, f, g);
  Enter<V, F::Sign, G::Nothing, T>(UnaryOp::kSign, f, g);
  Enter<V, F::Exponential, G::Exponential, T>(UnaryOp::kExp, f, g);
  Enter<V, F::ExponentialM1, G::ExponentialM1, T>(UnaryOp::kExpm1, f, g);
  Enter<V, F::Logarithm, G::Logarithm, T>(UnaryOp::kLog, f, g);
  Enter<V, F::Logarithm1p, G::Logarithm1p, T>(UnaryOp::kLog1p, f, g);
  Enter<V, F::SquareRoot, G::SquareRoot, T>(UnaryOp::kSqrt, f, g);
  Enter<V, F::Rsqrt, G::Rsqrt, T>(UnaryOp::kRsqrt, f, g);
  Enter<V, F::Square, G::Square, T>(UnaryOp::kSquare, f, g);
  Enter<V, F::Reciprocal, G::Reciprocal, T>(UnaryOp::kReciprocal, f, g);
  Enter<V, F::Sine, G::Sine, T>(UnaryOp::kSin, f, g);
  Enter<V, F::Cosine, G::Cosine, T>(UnaryOp::kCos, f, g);
  Enter<V, F::Tangent, G::Tangent, T>(UnaryOp::kTan, f, g);
  Enter<V, F::HyperbolicTangent, G::HyperbolicTangent, T>(UnaryOp::kTanh, f, g);
  Enter<V, F::Logistic, G::Logistic, T>(UnaryOp::kSigmoid, f, g);
  Enter<V, F::SoftplusValue, G::SoftplusValue, T>(UnaryOp::kSoftplus, f, g);
  Enter<V, F::Relu, G::Relu, T>(UnaryOp::kRelu, f, g);
  Enter<V, F::Elu, G::Elu, T>(UnaryOp::kElu, f, g);
  Enter<V, F::LeakyRelu, G::LeakyRelu, T>(UnaryOp::kLeakyRelu, f, g);
  Enter<V, F::Selu, G::Selu, T>(UnaryOp::kSelu, f, g);
  Enter<V, F::GeluTanh, G::GeluTanh, T>(UnaryOp::kGeluTanh, f, g);
  Enter<V, F::GeluErf, G::GeluErf, T>(UnaryOp::kGeluErf, f, g);
  Enter<V, F::Silu, G::Silu, T>(UnaryOp::kSilu, f, g);
  Enter<V, F::ErrorFunction, G::ErrorFunction, T>(UnaryOp::kErf, f, g);
  Enter<V, F::Floor, G::Nothing, T>(UnaryOp::kFloor, f, g);
  Enter<V, F::Ceil, G::Nothing, T>(UnaryOp::kCeil, f, g);
  Enter<V, F::Round, G::Nothing, T>(UnaryOp::kRound, f, g);
}

template <class F32, class F64>
constexpr UnaryKernels MakeUnaryKernels() {
  UnaryKernels table = {};
  EnterAll<F32, float>(table.f32, table.grad_f32);
  EnterAll<F64, double>(table.f64, table.grad_f64);
  EnterAll<F32, BFloat16>(table.bf16, table.grad_bf16);
  return table;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_UNARY_TABLE_H_
