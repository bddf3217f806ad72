// Exponential and logarithmic functions of a vector of f32 or f64, as templates on a type of
// simd_avx2.h or simd_avx512.h: Exp, Expm1, Log, Log1p, Sigmoid, Softplus, Tanh. (trigonometric:
// vec_math_trig.h; error function: vec_math_erf.h.)
//
//   __m512 y = Exp<Avx512F32>(x);
//
// Each is defined for every input, including subnormal numbers, infinities and NaN, as the function
// of <cmath>. The errors measured are listed in unary.h. The polynomials are minimax
// approximations, found by a Remez exchange in 50-digit arithmetic for the form and interval noted
// at each; the rest is the usual range reduction (Muller, Elementary Functions, 3rd ed., chapters 3
// and 11).
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_VEC_MATH_H_
#define AUTOGRAD_KERNELS_VEC_MATH_H_

#include <stdint.h>

namespace autograd::kernels {
namespace {

template <class Scalar>
struct MathConst;

template <>
struct MathConst<float> {
  static constexpr float kInf = __builtin_inff();
  static constexpr float kNan = __builtin_nanf("");
  static constexpr float kMinNormal = 0x1p-126f;
  static constexpr float kLog2E = 1.44269504f;
  // ln 2 rounded, and the rest; and a split whose first part has 16 bits, so that its multiples by
  // an exponent are exact.
  static constexpr float kLn2 = 0.693147182f, kLn2Rest = -1.90465421e-9f;
  static constexpr float kLn2Short = 0.693145752f, kLn2ShortRest = 1.42860677e-6f;
  // exp underflows to 0 below and overflows to infinity above.
  static constexpr float kExpMin = -104.0f, kExpMax = 89.0f, kExpm1Min = -20.0f;
  // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, relative to 1/r: 2^-26.2.
  static constexpr float kExpm1Poly[] = {0.5f, 0.166665435f, 0.0416662805f, 0.00836658571f,
                                         0.00139464345f};
  // (log(1+f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: 2^-27.4 of log(1+f).
  static constexpr float kLogPoly[] = {0.333333313f, -0.250008225f, 0.200012282f, -0.166233584f,
                                       0.142017305f, -0.131601512f, 0.127617359f, -0.0763476565f};
  static constexpr int kMantissaBits = 23;
  static constexpr int32_t kOneBits = 0x3f800000, kSqrtHalfBits = 0x3f3504f3;
  static constexpr int32_t kExponentMask = static_cast<int32_t>(0xff800000);
  static constexpr float kBias = 127.0f, kTwoToMantissa = 0x1p23f;
  // Added to |x| < 2^22 (2^51), leaves x rounded to an integer in the low bits.
  static constexpr float kRound = 0x1.8p23f;
  static constexpr float kSubnormalShift = 24.0f, kSubnormalScale = 0x1p24f;
};

template <>
struct MathConst<double> {
  static constexpr double kInf = __builtin_inf();
  static constexpr double kNan = __builtin_nan("");
  static constexpr double kMinNormal = 0x1p-1022;
  static constexpr double kLog2E = 1.4426950408889634;
  static constexpr double kLn2 = 0.6931471805599453, kLn2Rest = 2.3190468138462996e-17;
  static constexpr double kLn2Short = 0.6931471805601177, kLn2ShortRest = -1.7239444525614835e-13;
  static constexpr double kExpMin = -746.0, kExpMax = 710.0, kExpm1Min = -40.0;
  // As above: 2^-61.7.
  static constexpr double kExpm1Poly[] = {0.5,
                                          0.16666666666666677,
                                          0.041666666666666699,
                                          0.0083333333333216152,
                                          0.0013888888888866728,
                                          0.00019841269886158327,
                                          2.4801587360731425e-05,
                                          2.755724418206006e-06,
                                          2.7557242632695126e-07,
                                          2.5109044865949755e-08,
                                          2.0924477702925824e-09};
  // (2 atanh(s) - 2s) / s^3 in s^2, for s = f / (2 + f): 2^-59.5.
  static constexpr double kLogPoly[] = {
      0.66666666666667351, 0.39999999999411118, 0.28571428743258465, 0.22222198476300015,
      0.18183569729006693, 0.15313903392973119, 0.14797507439417923};
  static constexpr int kMantissaBits = 52;
  static constexpr int64_t kOneBits = 0x3ff0000000000000, kSqrtHalfBits = 0x3fe6a09e667f3bcd;
  static constexpr int64_t kExponentMask = static_cast<int64_t>(0xfff0000000000000);
  static constexpr double kBias = 1023.0, kTwoToMantissa = 0x1p52;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kSubnormalShift = 54.0, kSubnormalScale = 0x1p54;
};

template <class V>
using Consts = MathConst<typename V::Scalar>;

// c[0] + c[1] x + ... by Horner's rule.
template <class V, int kN>
[[gnu::always_inline]] inline typename V::Vec Poly(typename V::Vec x,
                                                   const typename V::Scalar (&c)[kN]) {
  typename V::Vec y = V::Set(c[kN - 1]);
#pragma GCC unroll 32
  for (int i = kN - 2; i >= 0; --i) y = V::Fma(y, x, V::Set(c[i]));
  return y;
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec SignBit(typename V::Vec x) {
  return V::And(x, V::Set(typename V::Scalar(-0.0)));
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Abs(typename V::Vec x) {
  return V::AndNot(V::Set(typename V::Scalar(-0.0)), x);
}

// x = n ln 2 + r with |r| <= ln(2)/2; returns r.
template <class V>
[[gnu::always_inline]] inline typename V::Vec ReduceByLn2(typename V::Vec x, typename V::Vec* n) {
  using C = Consts<V>;
  *n = V::Fma(x, V::Set(C::kLog2E), V::Set(C::kRound)) - V::Set(C::kRound);
  return V::Fnma(*n, V::Set(C::kLn2Rest), V::Fnma(*n, V::Set(C::kLn2), x));
}

// The same; returns e^r - 1.
template <class V>
[[gnu::always_inline]] inline typename V::Vec ExpReduced(typename V::Vec x, typename V::Vec* n) {
  const auto r = ReduceByLn2<V>(x, n);
  return V::Fma(r * r, Poly<V>(r, Consts<V>::kExpm1Poly), r);
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Exp(typename V::Vec x) {
  using C = Consts<V>;
  // x is the second operand, which Min and Max return where it is NaN.
  x = V::Min(V::Set(C::kExpMax), V::Max(V::Set(C::kExpMin), x));
  typename V::Vec n;
  const auto r = ReduceByLn2<V>(x, &n);
  // 1 + r (1 + r poly): an addition less than 1 + ExpReduced, and a rounding.
  const auto one = V::Set(1);
  return V::Scale(V::Fma(r, V::Fma(r, Poly<V>(r, C::kExpm1Poly), one), one), n);
}

// For kExpm1Min <= x <= 80; the sign of -0 is lost.
template <class V>
[[gnu::always_inline]] inline typename V::Vec Expm1InRange(typename V::Vec x) {
  typename V::Vec n;
  const auto p = ExpReduced<V>(x, &n);
  const auto scale = V::PowerOfTwo(n);
  return V::Fma(scale, p, scale - V::Set(1));
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Expm1(typename V::Vec x) {
  using C = Consts<V>;
  const auto clamped = V::Min(V::Set(C::kExpMax), V::Max(V::Set(C::kExpm1Min), x));
  typename V::Vec n;
  const auto p = ExpReduced<V>(clamped, &n);
  // 2^n p + (2^n - 1), at half the size because 2^n may overflow where the result does not.
  const auto half = V::PowerOfTwo(n - V::Set(1));
  const auto y = V::Fma(half, p, half - V::Set(typename V::Scalar(0.5)));
  const auto scaled = y + y;
  // Halving a subnormal p would lose a bit; and the sum above loses the sign of -0.
  return V::Or(V::Select(V::Eq(n, V::Zero()), p, scaled), SignBit<V>(x));
}

// For x > 0 and normal: x = 2^e m with m in [sqrt(1/2), sqrt(2)); returns m.
template <class V>
[[gnu::always_inline]] inline typename V::Vec LogReduced(typename V::Vec x, typename V::Vec* e) {
  using C = Consts<V>;
  const auto one = V::SetInt(C::kOneBits);
  const auto shifted = V::AddInt(V::SubInt(x, V::SetInt(C::kSqrtHalfBits)), one);
  const auto biased = V::template ShiftRight<C::kMantissaBits>(shifted);
  // The integer in the low bits of 2^23 (2^52) is that number's distance from it.
  *e = V::Or(biased, V::Set(C::kTwoToMantissa)) - V::Set(C::kTwoToMantissa + C::kBias);
  return V::AddInt(V::SubInt(x, V::And(shifted, V::SetInt(C::kExponentMask))), one);
}

// e ln 2 + log(1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1].
template <class V>
[[gnu::always_inline]] inline typename V::Vec LogSum(typename V::Vec e, typename V::Vec f) {
  using C = Consts<V>;
  const auto z = f * f;
  const auto rest = e * V::Set(C::kLn2ShortRest);
  typename V::Vec y;
  if constexpr (sizeof(typename V::Scalar) == 4) {
    y = V::Fma(f * z, Poly<V>(f, C::kLogPoly), rest);
    y = f + V::Fma(z, V::Set(-0.5f), y);
  } else {
    const auto s = f / (f + V::Set(2));
    const auto s2 = s * s;
    const auto half = z * V::Set(0.5);
    const auto tail = V::Fma(s, V::Fma(s2, Poly<V>(s2, C::kLogPoly), half), rest);
    y = f - (half - tail);
  }
  return V::Fma(e, V::Set(C::kLn2Short), y);
}

// The values of log outside (0, inf), and y inside.
template <class V>
[[gnu::always_inline]] inline typename V::Vec LogSpecial(typename V::Vec x, typename V::Vec y) {
  using C = Consts<V>;
  y = V::Select(V::Lt(x, V::Set(C::kInf)), y, x);
  y = V::Select(V::Eq(x, V::Zero()), V::Set(-C::kInf), y);
  return V::Select(V::Lt(x, V::Zero()), V::Set(C::kNan), y);
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Log(typename V::Vec x) {
  using C = Consts<V>;
  const auto small = V::Lt(x, V::Set(C::kMinNormal));
  typename V::Vec e;
  const auto m = LogReduced<V>(V::Select(small, x * V::Set(C::kSubnormalScale), x), &e);
  e = V::Select(small, e - V::Set(C::kSubnormalShift), e);
  return LogSpecial<V>(x, LogSum<V>(e, m - V::Set(1)));
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Log1p(typename V::Vec x) {
  const auto u = x + V::Set(1);
  typename V::Vec e;
  LogReduced<V>(u, &e);
  // (1 + x) 2^-e - 1 from x itself, since u has lost its low bits: one rounding.
  const auto scale = V::Scale(V::Set(1), -e);
  const auto y = LogSum<V>(e, V::Fma(x, scale, scale - V::Set(1)));
  return V::Or(LogSpecial<V>(u, y), SignBit<V>(x));
}

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows and small results keep their relative
// accuracy.
template <class V>
[[gnu::always_inline]] inline typename V::Vec Sigmoid(typename V::Vec x) {
  const auto z = Exp<V>(-Abs<V>(x));
  const auto one = V::Set(1);
  return V::Select(V::SignMask(x), z, one) / (one + z);
}

// log(1 + e^x) = max(x, 0) + log1p(e^-|x|).
template <class V>
[[gnu::always_inline]] inline typename V::Vec Softplus(typename V::Vec x) {
  return V::Max(V::Zero(), x) + Log1p<V>(Exp<V>(-Abs<V>(x)));
}

// With m = e^(2|x|) - 1: m / (m + 2), which is 1 from |x| = 20 on.
template <class V>
[[gnu::always_inline]] inline typename V::Vec Tanh(typename V::Vec x) {
  const auto a = V::Min(V::Set(typename V::Scalar(20)), Abs<V>(x));
  const auto m = Expm1InRange<V>(a + a);
  return V::Or(m / (m + V::Set(2)), SignBit<V>(x));
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_VEC_MATH_H_
