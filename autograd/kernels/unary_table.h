// The loops over arrays around unary_ops.h, and the table of them. See vec_math.h for the rules of
// these headers.
#ifndef AUTOGRAD_KERNELS_UNARY_TABLE_H_
#define AUTOGRAD_KERNELS_UNARY_TABLE_H_

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
template <class V, VecUnary<V> kApply>
void UnaryLoop(const typename V::Scalar* x, typename V::Scalar* y, int64_t n,
               typename V::Scalar param) {
  const auto a = V::Set(param);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::Store(y + i, kApply(V::Load(x + i), a));
  if (i < n) V::StorePartial(y + i, kApply(V::LoadPartial(x + i, n - i), a), n - i);
}

template <class V, VecUnaryGrad<V> kApply>
void UnaryGradLoop(const typename V::Scalar* dy, const typename V::Scalar* s,
                   typename V::Scalar* dx, int64_t n, typename V::Scalar param) {
  const auto a = V::Set(param);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    V::Store(dx + i, kApply(V::Load(dy + i), V::Load(s + i), a));
  }
  if (i < n) {
    const int64_t rest = n - i;
    V::StorePartial(dx + i, kApply(V::LoadPartial(dy + i, rest), V::LoadPartial(s + i, rest), a),
                    rest);
  }
}

// Value and gradient of one function.
template <class V, VecUnary<V> kValue, VecUnaryGrad<V> kGrad>
constexpr void Enter(UnaryOp op, UnaryFn<typename V::Scalar>* values,
                     UnaryGradFn<typename V::Scalar>* grads) {
  values[static_cast<int>(op)] = UnaryLoop<V, kValue>;
  grads[static_cast<int>(op)] = UnaryGradLoop<V, kGrad>;
}

template <class V>
constexpr void EnterAll(UnaryFn<typename V::Scalar>* f, UnaryGradFn<typename V::Scalar>* g) {
  using F = UnaryOps<V>;
  using G = UnaryGradOps<V>;
  Enter<V, F::Neg, G::Neg>(UnaryOp::kNeg, f, g);
  Enter<V, F::Absolute, G::Absolute>(UnaryOp::kAbs, f, g);
  Enter<V, F::Sign, G::Nothing>(UnaryOp::kSign, f, g);
  Enter<V, F::Exponential, G::Exponential>(UnaryOp::kExp, f, g);
  Enter<V, F::ExponentialM1, G::ExponentialM1>(UnaryOp::kExpm1, f, g);
  Enter<V, F::Logarithm, G::Logarithm>(UnaryOp::kLog, f, g);
  Enter<V, F::Logarithm1p, G::Logarithm1p>(UnaryOp::kLog1p, f, g);
  Enter<V, F::SquareRoot, G::SquareRoot>(UnaryOp::kSqrt, f, g);
  Enter<V, F::Rsqrt, G::Rsqrt>(UnaryOp::kRsqrt, f, g);
  Enter<V, F::Square, G::Square>(UnaryOp::kSquare, f, g);
  Enter<V, F::Reciprocal, G::Reciprocal>(UnaryOp::kReciprocal, f, g);
  Enter<V, F::Sine, G::Sine>(UnaryOp::kSin, f, g);
  Enter<V, F::Cosine, G::Cosine>(UnaryOp::kCos, f, g);
  Enter<V, F::Tangent, G::Tangent>(UnaryOp::kTan, f, g);
  Enter<V, F::HyperbolicTangent, G::HyperbolicTangent>(UnaryOp::kTanh, f, g);
  Enter<V, F::Logistic, G::Logistic>(UnaryOp::kSigmoid, f, g);
  Enter<V, F::SoftplusValue, G::SoftplusValue>(UnaryOp::kSoftplus, f, g);
  Enter<V, F::Relu, G::Relu>(UnaryOp::kRelu, f, g);
  Enter<V, F::Elu, G::Elu>(UnaryOp::kElu, f, g);
  Enter<V, F::LeakyRelu, G::LeakyRelu>(UnaryOp::kLeakyRelu, f, g);
  Enter<V, F::Selu, G::Selu>(UnaryOp::kSelu, f, g);
  Enter<V, F::GeluTanh, G::GeluTanh>(UnaryOp::kGeluTanh, f, g);
  Enter<V, F::GeluErf, G::GeluErf>(UnaryOp::kGeluErf, f, g);
  Enter<V, F::Silu, G::Silu>(UnaryOp::kSilu, f, g);
  Enter<V, F::ErrorFunction, G::ErrorFunction>(UnaryOp::kErf, f, g);
  Enter<V, F::Floor, G::Nothing>(UnaryOp::kFloor, f, g);
  Enter<V, F::Ceil, G::Nothing>(UnaryOp::kCeil, f, g);
  Enter<V, F::Round, G::Nothing>(UnaryOp::kRound, f, g);
}

template <class F32, class F64>
constexpr UnaryKernels MakeUnaryKernels() {
  UnaryKernels table = {};
  EnterAll<F32>(table.f32, table.grad_f32);
  EnterAll<F64>(table.f64, table.grad_f64);
  return table;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_UNARY_TABLE_H_
