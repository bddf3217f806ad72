// The functions of unary.h and their gradients for one number, in plain C++: the scalar kernels,
// and the oracle of the tests (with T = long double).
#ifndef AUTOGRAD_KERNELS_UNARY_REFERENCE_H_
#define AUTOGRAD_KERNELS_UNARY_REFERENCE_H_

#include <cmath>

#include "autograd/kernels/unary.h"

namespace autograd::kernels {

template <class T>
T SigmoidReference(T x) {
  const T z = std::exp(-std::abs(x));
  return (std::signbit(x) ? z : T(1)) / (T(1) + z);
}

// 2 sqrt(2/pi) (x + 0.044715 x^3), the argument of GELU's sigmoid.
template <class T>
T GeluInnerReference(T x) {
  constexpr T kScale = T(1.5957691216057307117597842397375L);
  return kScale * x * (T(1) + T(0.044715L) * x * x);
}

// f(x), a being param. Factors that multiply an underflowed 0 are clamped, so that infinities give
// the limit.
template <UnaryOp kOp, class T>
T UnaryReference(T x, [[maybe_unused]] T a) {
  using enum UnaryOp;
  [[maybe_unused]] constexpr T kRootHalf = T(0.70710678118654752440084436210485L);
  if constexpr (kOp == kNeg) return -x;
  if constexpr (kOp == kAbs) return std::abs(x);
  if constexpr (kOp == kSign) return x < 0 ? T(-1) : x > 0 ? T(1) : x;
  if constexpr (kOp == kExp) return std::exp(x);
  if constexpr (kOp == kExpm1) return std::expm1(x);
  if constexpr (kOp == kLog) return std::log(x);
  if constexpr (kOp == kLog1p) return std::log1p(x);
  if constexpr (kOp == kSqrt) return std::sqrt(x);
  if constexpr (kOp == kRsqrt) return T(1) / std::sqrt(x);
  if constexpr (kOp == kSquare) return x * x;
  if constexpr (kOp == kReciprocal) return T(1) / x;
  if constexpr (kOp == kSin) return std::sin(x);
  if constexpr (kOp == kCos) return std::cos(x);
  if constexpr (kOp == kTan) return std::tan(x);
  if constexpr (kOp == kTanh) return std::tanh(x);
  if constexpr (kOp == kSigmoid) return SigmoidReference(x);
  if constexpr (kOp == kSoftplus) return (x < 0 ? T(0) : x) + std::log1p(std::exp(-std::abs(x)));
  if constexpr (kOp == kRelu) return x < 0 ? T(0) : x;
  if constexpr (kOp == kElu) return x > 0 ? x : a * std::expm1(x);
  if constexpr (kOp == kLeakyRelu) return x > 0 ? x : a * x;
  if constexpr (kOp == kSelu) {
    return T(kSeluScale) * (x > 0 ? x : T(kSeluAlpha) * std::expm1(x));
  }
  if constexpr (kOp == kGeluTanh) {
    return (x < -1000 ? T(-1000) : x) * SigmoidReference(GeluInnerReference(x));
  }
  if constexpr (kOp == kGeluErf)
    return (x < -1000 ? T(-1000) : x) * (std::erfc(-x * kRootHalf) / 2);
  if constexpr (kOp == kSilu) return (x < -20000 ? T(-20000) : x) * SigmoidReference(x);
  if constexpr (kOp == kErf) return std::erf(x);
  if constexpr (kOp == kFloor) return std::floor(x);
  if constexpr (kOp == kCeil) return std::ceil(x);
  if constexpr (kOp == kRound) return std::nearbyint(x);
}

template <class T>
T GeluTanhSlopeReference(T x) {
  const T c = x < -1000 ? T(-1000) : x > 1000 ? T(1000) : x;
  const T s = SigmoidReference(GeluInnerReference(c));
  const T rest = SigmoidReference(-GeluInnerReference(c));
  constexpr T kScale = T(1.5957691216057307117597842397375L);
  return s + c * s * rest * kScale * (T(1) + 3 * T(0.044715L) * c * c);
}

// dy f'(.), s being x or y as unary.h says.
template <UnaryOp kOp, class T>
T UnaryGradReference(T dy, T s, [[maybe_unused]] T a) {
  using enum UnaryOp;
  if constexpr (kOp == kNeg) return -dy;
  if constexpr (kOp == kAbs) return dy * UnaryReference<kSign>(s, a);
  if constexpr (kOp == kSign || kOp == kFloor || kOp == kCeil || kOp == kRound) return T(0);
  if constexpr (kOp == kExp) return dy * s;
  if constexpr (kOp == kExpm1) return dy * (s + 1);
  if constexpr (kOp == kLog) return dy / s;
  if constexpr (kOp == kLog1p) return dy / (s + 1);
  if constexpr (kOp == kSqrt) return dy / (2 * s);
  if constexpr (kOp == kRsqrt) return dy * T(-0.5) * (s * (s * s));
  if constexpr (kOp == kSquare) return dy * (2 * s);
  if constexpr (kOp == kReciprocal) return -dy * (s * s);
  if constexpr (kOp == kSin) return dy * std::cos(s);
  if constexpr (kOp == kCos) return -dy * std::sin(s);
  if constexpr (kOp == kTan) return dy * (1 + s * s);
  if constexpr (kOp == kTanh) return dy * ((1 - s) * (1 + s));
  if constexpr (kOp == kSigmoid) return dy * (s * (1 - s));
  if constexpr (kOp == kSoftplus) return dy * SigmoidReference(s);
  if constexpr (kOp == kRelu) return s > 0 ? dy : T(0);
  if constexpr (kOp == kElu) return s > 0 ? dy : dy * (s + a);
  if constexpr (kOp == kLeakyRelu) return s > 0 ? dy : a * dy;
  if constexpr (kOp == kSelu) {
    return dy * (s > 0 ? T(kSeluScale) : s + T(kSeluScale * kSeluAlpha));
  }
  if constexpr (kOp == kGeluTanh) return dy * GeluTanhSlopeReference(s);
  if constexpr (kOp == kGeluErf) {
    const T c = s < -1000 ? T(-1000) : s > 1000 ? T(1000) : s;
    const T density = T(0.39894228040143267793994605993438L) * std::exp(-c * c / 2);
    return dy * (std::erfc(-c * T(0.70710678118654752440084436210485L)) / 2 + c * density);
  }
  if constexpr (kOp == kSilu) {
    const T c = s < -20000 ? T(-20000) : s > 20000 ? T(20000) : s;
    return dy * (SigmoidReference(s) * (1 + c * SigmoidReference(-s)));
  }
  if constexpr (kOp == kErf) return dy * T(1.1283791670955125738961589031215L) * std::exp(-s * s);
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_UNARY_REFERENCE_H_
