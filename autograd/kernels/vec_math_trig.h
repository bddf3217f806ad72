// Sine, cosine and tangent of a vector of f32 or f64; see vec_math.h for the rules of these
// headers.
//
// |x| is reduced by a multiple n of pi/2 in three fused steps (Cody and Waite), whose parts of pi/2
// are full numbers: the first step is exact because x - n c1 is a multiple of c1's last bit and
// below 1, so only the small later ones round. That holds while n has few bits; vectors with a
// larger (or infinite) element call libm for such elements.
#ifndef AUTOGRAD_KERNELS_VEC_MATH_TRIG_H_
#define AUTOGRAD_KERNELS_VEC_MATH_TRIG_H_

#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

template <class Scalar>
struct TrigConst;

template <>
struct TrigConst<float> {
  static constexpr float kTwoOverPi = 0.636619772f;
  static constexpr float kPio2[] = {1.57079637f, -4.37113883e-08f, -1.71512451e-15f};
  static constexpr float kLargest = 0x1p17f;
  // 1.5 * 2^23: added to an integer, leaves it in the low bits.
  static constexpr float kMagic = 12582912.0f;
  // (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4: 2^-27.9 and 2^-33.1.
  static constexpr float kSinPoly[] = {-0.166666538f, 0.00833213143f, -0.000195108383f};
  static constexpr float kCosPoly[] = {0.0416666456f, -0.0013887306f, 2.44312159e-05f};
  static float Sin(float x) { return __builtin_sinf(x); }
  static float Cos(float x) { return __builtin_cosf(x); }
  static float Tan(float x) { return __builtin_tanf(x); }
};

template <>
struct TrigConst<double> {
  static constexpr double kTwoOverPi = 0.63661977236758138;
  static constexpr double kPio2[] = {1.5707963267948966, 6.123233995736766e-17,
                                     -1.4973849048591698e-33};
  static constexpr double kLargest = 0x1p20;
  static constexpr double kMagic = 6755399441055744.0;
  // As above: 2^-57.8 and 2^-64.0.
  static constexpr double kSinPoly[] = {-0.16666666666666627,    0.0083333333333212856,
                                        -0.00019841269828869981, 2.7557313355940276e-06,
                                        -2.5050704026057065e-08, 1.5893583062283834e-10};
  static constexpr double kCosPoly[] = {0.041666666666666588,   -0.0013888888888872598,
                                        2.4801587288491803e-05, -2.7557314056488466e-07,
                                        2.0875681866944825e-09, -1.1357447980368793e-11};
  static double Sin(double x) { return __builtin_sin(x); }
  static double Cos(double x) { return __builtin_cos(x); }
  static double Tan(double x) { return __builtin_tan(x); }
};

template <class V>
struct SinCosParts {
  typename V::Vec sin, cos;  // of the reduced argument
  typename V::Vec n;         // the multiple, in the low bits
};

// a >= 0.
template <class V>
[[gnu::always_inline]] inline SinCosParts<V> ReducedSinCos(typename V::Vec a) {
  using C = TrigConst<typename V::Scalar>;
  const auto n = V::Round(a * V::Set(C::kTwoOverPi));
  auto r = V::Fnma(n, V::Set(C::kPio2[0]), a);
  r = V::Fnma(n, V::Set(C::kPio2[1]), r);
  r = V::Fnma(n, V::Set(C::kPio2[2]), r);
  const auto z = r * r;
  const auto sin = V::Fma(r * z, Poly<V>(z, C::kSinPoly), r);
  const auto one = V::Fma(z, V::Set(typename V::Scalar(-0.5)), V::Set(1));
  return {sin, V::Fma(z * z, Poly<V>(z, C::kCosPoly), one), n + V::Set(C::kMagic)};
}

// The lanes where bit 0 of n is set.
template <class V>
[[gnu::always_inline]] inline typename V::Mask IsOdd(typename V::Vec n) {
  return V::SignMask(V::template ShiftLeft<sizeof(typename V::Scalar) * 8 - 1>(n));
}

// The sign bit, from bit 1 of n.
template <class V>
[[gnu::always_inline]] inline typename V::Vec SignFromBit1(typename V::Vec n) {
  return SignBit<V>(V::template ShiftLeft<sizeof(typename V::Scalar) * 8 - 2>(n));
}

// Replaces the lanes of y whose x is too large for the reduction, infinite or NaN.
template <class V>
[[gnu::always_inline]] inline typename V::Vec FixLarge(
    typename V::Vec x, typename V::Vec y, typename V::Scalar (*libm)(typename V::Scalar)) {
  const auto in_range = V::Le(Abs<V>(x), V::Set(TrigConst<typename V::Scalar>::kLargest));
  const unsigned large = ~V::Bits(in_range) & ((1u << V::kLanes) - 1u);
  if (__builtin_expect(large != 0, 0)) {
    // Not by way of arrays: with AddressSanitizer gcc 12 aligns those for 32 bytes but stores to
    // them as if for 64.
    for (int i = 0; i < V::kLanes; ++i) {
      if ((large >> i) & 1u) y[i] = libm(x[i]);
    }
  }
  return y;
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Sin(typename V::Vec x) {
  const auto p = ReducedSinCos<V>(Abs<V>(x));
  const auto y = V::Select(IsOdd<V>(p.n), p.cos, p.sin);
  return FixLarge<V>(x, V::Xor(y, V::Xor(SignFromBit1<V>(p.n), SignBit<V>(x))),
                     TrigConst<typename V::Scalar>::Sin);
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Cos(typename V::Vec x) {
  const auto p = ReducedSinCos<V>(Abs<V>(x));
  const auto y = V::Select(IsOdd<V>(p.n), p.sin, p.cos);
  return FixLarge<V>(x, V::Xor(y, SignFromBit1<V>(V::AddInt(p.n, V::SetInt(1)))),
                     TrigConst<typename V::Scalar>::Cos);
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Tan(typename V::Vec x) {
  const auto p = ReducedSinCos<V>(Abs<V>(x));
  const auto odd = IsOdd<V>(p.n);
  const auto y = V::Select(odd, -p.cos, p.sin) / V::Select(odd, p.sin, p.cos);
  return FixLarge<V>(x, V::Xor(y, SignBit<V>(x)), TrigConst<typename V::Scalar>::Tan);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_VEC_MATH_TRIG_H_
