// The Box-Muller transform for one lane or many: x = r cos(a), y = r sin(a) with r = sqrt(-2 log u)
// and a = 2 pi v are independent normal numbers if u and v are uniform (Box and Muller, "A note on
// the generation of random normal deviates", 1958).
//
// Every step is exact or correctly rounded (fused multiply-add included), so all instruction sets
// give the same bits. Everything here is in an anonymous namespace, because files with different
// instruction sets include it.
#ifndef AUTOGRAD_RANDOM_BOX_MULLER_H_
#define AUTOGRAD_RANDOM_BOX_MULLER_H_

#include <stdint.h>

namespace autograd::kernels {
namespace {

// c[0] + x (c[1] + x (...)).
template <class V, int kCount>
inline typename V::F Polynomial(typename V::F x, const float (&c)[kCount]) {
  typename V::F sum = V::Set(c[kCount - 1]);
  for (int i = kCount - 2; i >= 0; --i) sum = V::Fma(sum, x, V::Set(c[i]));
  return sum;
}

// log(u) for 2^-33 <= u <= 1, to 1e-7 relative: u = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2),
// and log(1 + f) = f - f^2 / 2 + f^3 p(f) with p by Chebyshev interpolation.
template <class V>
inline typename V::F LogOfUniform(typename V::F u) {
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  constexpr float kP[] = {0.333333283662796f,    -0.25000298023223877f, 0.20001468062400818f,
                          -0.16642247140407562f, 0.14202174544334412f,  -0.12972238659858704f,
                          0.12712307274341583f,  -0.08101558685302734f};
  const auto bits = V::SubInt(V::BitsOf(u), V::SetInt(kSqrtHalf));
  const auto e = V::FromInt(V::template ShiftRightSigned<23>(bits));
  const auto f =
      V::Sub(V::FromBits(V::AddInt(V::AndInt(bits, V::SetInt(0x7fffff)), V::SetInt(kSqrtHalf))),
             V::Set(1.0f));
  const auto f2 = V::Mul(f, f);
  const auto tail = V::Fma(V::Mul(f2, f), Polynomial<V>(f, kP), V::Mul(f2, V::Set(-0.5f)));
  return V::Fma(e, V::Set(0.69314718055994531f), V::Add(f, tail));
}

// Two words of 32 random bits to two normal numbers. u = (w0 + 1/2) 2^-32, v = w1 2^-32: the upper
// two bits of v, rounded, are the quadrant of the angle, and the rest an angle within pi/4 of its
// middle.
template <class V>
inline void BoxMuller(typename V::I w0, typename V::I w1, typename V::F* x, typename V::F* y) {
  constexpr float kSin[] = {-0.166666641831398f, 0.008332748897373676f, -0.00019587950373534113f};
  constexpr float kCos[] = {0.0416666641831398f, -0.001388830365613103f, 2.4547991415602155e-05f};
  const auto u = V::Fma(V::FromUnsigned(w0), V::Set(0x1p-32f), V::Set(0x1p-33f));
  const auto r = V::Sqrt(V::Mul(LogOfUniform<V>(u), V::Set(-2.0f)));

  const auto rounded = V::AddInt(w1, V::SetInt(1 << 29));
  const auto quadrant = V::template ShiftRight<30>(rounded);
  const auto rest = V::SubInt(V::AndInt(rounded, V::SetInt((1 << 30) - 1)), V::SetInt(1 << 29));
  const auto a = V::Mul(V::FromInt(rest), V::Set(1.4629180792671596e-9f));  // 2 pi 2^-32
  const auto a2 = V::Mul(a, a);
  const auto sin = V::Fma(V::Mul(a2, a), Polynomial<V>(a2, kSin), a);
  const auto cos =
      V::Fma(V::Mul(a2, a2), Polynomial<V>(a2, kCos), V::Fma(a2, V::Set(-0.5f), V::Set(1.0f)));
  // Quadrant q turns (cos, sin) by q right angles: odd ones swap the two, and the signs are those
  // of q's bits.
  const auto sign_of_sin = V::AndInt(V::template ShiftLeft<30>(quadrant), V::SetInt(INT32_MIN));
  const auto sign_of_cos =
      V::AndInt(V::template ShiftLeft<30>(V::AddInt(quadrant, V::SetInt(1))), V::SetInt(INT32_MIN));
  const auto turned_cos = V::SelectOdd(quadrant, sin, cos);
  const auto turned_sin = V::SelectOdd(quadrant, cos, sin);
  *x = V::FromBits(V::XorInt(V::BitsOf(V::Mul(r, turned_cos)), sign_of_cos));
  *y = V::FromBits(V::XorInt(V::BitsOf(V::Mul(r, turned_sin)), sign_of_sin));
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_RANDOM_BOX_MULLER_H_
