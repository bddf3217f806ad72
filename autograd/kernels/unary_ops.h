// The functions of unary.h on one vector: structs whose Apply computes a value or a gradient. See
// vec_math.h for the rules of these headers.
#ifndef AUTOGRAD_KERNELS_UNARY_OPS_H_
#define AUTOGRAD_KERNELS_UNARY_OPS_H_

#include "autograd/kernels/unary.h"
#include "autograd/kernels/vec_math.h"
#include "autograd/kernels/vec_math_erf.h"
#include "autograd/kernels/vec_math_trig.h"

namespace autograd::kernels {
namespace {

// A double constant as a vector of V's type.
template <class V>
[[gnu::always_inline]] inline typename V::Vec Number(double x) {
  return V::Set(static_cast<typename V::Scalar>(x));
}

template <class V>
[[gnu::always_inline]] inline typename V::Mask IsPositive(typename V::Vec x) {
  return V::Lt(V::Zero(), x);
}

// Where a factor underflowed to 0, x must not be -inf: 0 * inf is NaN. NaN stays.
template <class V>
[[gnu::always_inline]] inline typename V::Vec FiniteBelow(typename V::Vec x) {
  return V::Max(Number<V>(-1e4), x);
}

template <class V>
struct SigmoidPair {
  typename V::Vec s, c;  // sigmoid(x) and 1 - sigmoid(x), both with relative accuracy
};

template <class V>
[[gnu::always_inline]] inline SigmoidPair<V> BothSigmoids(typename V::Vec x) {
  const auto z = Exp<V>(-Abs<V>(x));
  const auto large = V::Set(1) / (V::Set(1) + z);
  const auto small = z * large;
  const auto negative = V::SignMask(x);
  return {V::Select(negative, small, large), V::Select(negative, large, small)};
}

// 2 sqrt(2/pi) (x + 0.044715 x^3), and its derivative.
inline constexpr double kGeluScale = 1.5957691216057307117597842397375;
inline constexpr double kGeluCubic = 0.044715;
template <class V>
[[gnu::always_inline]] inline typename V::Vec GeluInner(typename V::Vec x) {
  return x * V::Fma(x * x, Number<V>(kGeluScale * kGeluCubic), Number<V>(kGeluScale));
}

// x < 0 ? a (e^x - 1) : x, where the exponential of x >= 0 is not used and may be anything.
template <class V>
[[gnu::always_inline]] inline typename V::Vec EluValue(typename V::Vec x, typename V::Vec a) {
  const auto below = V::Max(V::Set(Consts<V>::kExpm1Min), x);
  return V::Select(V::Lt(x, V::Zero()), a * Expm1InRange<V>(below), x);
}

template <class V>
struct UnaryOps {
  using Vec = typename V::Vec;
  using Scalar = typename V::Scalar;

  static Vec Neg(Vec x, Vec) { return -x; }
  static Vec Absolute(Vec x, Vec) { return Abs<V>(x); }
  static Vec Sign(Vec x, Vec) {
    const auto one = V::Or(V::Set(1), SignBit<V>(x));
    const auto nonzero = V::MaskOr(V::Lt(x, V::Zero()), V::Lt(V::Zero(), x));
    return V::Select(nonzero, one, x);
  }
  static Vec Exponential(Vec x, Vec) { return Exp<V>(x); }
  static Vec ExponentialM1(Vec x, Vec) { return Expm1<V>(x); }
  static Vec Logarithm(Vec x, Vec) { return Log<V>(x); }
  static Vec Logarithm1p(Vec x, Vec) { return Log1p<V>(x); }
  static Vec SquareRoot(Vec x, Vec) { return V::Sqrt(x); }
  static Vec Rsqrt(Vec x, Vec) { return V::Set(1) / V::Sqrt(x); }
  static Vec Square(Vec x, Vec) { return x * x; }
  static Vec Reciprocal(Vec x, Vec) { return V::Set(1) / x; }
  static Vec Sine(Vec x, Vec) { return Sin<V>(x); }
  static Vec Cosine(Vec x, Vec) { return Cos<V>(x); }
  static Vec Tangent(Vec x, Vec) { return Tan<V>(x); }
  static Vec HyperbolicTangent(Vec x, Vec) { return Tanh<V>(x); }
  static Vec Logistic(Vec x, Vec) { return Sigmoid<V>(x); }
  static Vec SoftplusValue(Vec x, Vec) { return Softplus<V>(x); }
  static Vec Relu(Vec x, Vec) { return V::Select(V::Lt(x, V::Zero()), V::Zero(), x); }
  static Vec Elu(Vec x, Vec a) { return EluValue<V>(x, a); }
  static Vec LeakyRelu(Vec x, Vec a) { return V::Select(IsPositive<V>(x), x, a * x); }
  static Vec Selu(Vec x, Vec) {
    return Number<V>(kSeluScale) * EluValue<V>(x, Number<V>(kSeluAlpha));
  }
  static Vec GeluTanh(Vec x, Vec) { return FiniteBelow<V>(x) * Sigmoid<V>(GeluInner<V>(x)); }
  static Vec GeluErf(Vec x, Vec) { return FiniteBelow<V>(x) * NormalCdf<V>(x, Gaussian<V>(x)); }
  static Vec Silu(Vec x, Vec) { return FiniteBelow<V>(x) * Sigmoid<V>(x); }
  static Vec ErrorFunction(Vec x, Vec) { return Erf<V>(x); }
  static Vec Floor(Vec x, Vec) { return V::Floor(x); }
  static Vec Ceil(Vec x, Vec) { return V::Ceil(x); }
  static Vec Round(Vec x, Vec) { return V::Round(x); }
};

template <class V>
struct UnaryGradOps {
  using Vec = typename V::Vec;

  static Vec Neg(Vec dy, Vec, Vec) { return -dy; }
  static Vec Absolute(Vec dy, Vec x, Vec) { return dy * UnaryOps<V>::Sign(x, x); }
  static Vec Nothing(Vec, Vec, Vec) { return V::Zero(); }
  static Vec Exponential(Vec dy, Vec y, Vec) { return dy * y; }
  static Vec ExponentialM1(Vec dy, Vec y, Vec) { return dy * (y + V::Set(1)); }
  static Vec Logarithm(Vec dy, Vec x, Vec) { return dy / x; }
  static Vec Logarithm1p(Vec dy, Vec x, Vec) { return dy / (x + V::Set(1)); }
  static Vec SquareRoot(Vec dy, Vec y, Vec) { return dy / (y + y); }
  static Vec Rsqrt(Vec dy, Vec y, Vec) { return dy * Number<V>(-0.5) * (y * (y * y)); }
  static Vec Square(Vec dy, Vec x, Vec) { return dy * (x + x); }
  static Vec Reciprocal(Vec dy, Vec y, Vec) { return -dy * (y * y); }
  static Vec Sine(Vec dy, Vec x, Vec) { return dy * Cos<V>(x); }
  static Vec Cosine(Vec dy, Vec x, Vec) { return -dy * Sin<V>(x); }
  static Vec Tangent(Vec dy, Vec y, Vec) { return dy * V::Fma(y, y, V::Set(1)); }
  static Vec HyperbolicTangent(Vec dy, Vec y, Vec) { return dy * V::Fnma(y, y, V::Set(1)); }
  static Vec Logistic(Vec dy, Vec y, Vec) { return dy * (y * (V::Set(1) - y)); }
  static Vec SoftplusValue(Vec dy, Vec x, Vec) { return dy * Sigmoid<V>(x); }
  static Vec Relu(Vec dy, Vec y, Vec) { return V::Select(IsPositive<V>(y), dy, V::Zero()); }
  static Vec Elu(Vec dy, Vec y, Vec a) { return V::Select(IsPositive<V>(y), dy, dy * (y + a)); }
  static Vec LeakyRelu(Vec dy, Vec x, Vec a) { return V::Select(IsPositive<V>(x), dy, a * dy); }
  static Vec Selu(Vec dy, Vec y, Vec) {
    const auto scale = Number<V>(kSeluScale);
    return dy * V::Select(IsPositive<V>(y), scale, y + Number<V>(kSeluScale * kSeluAlpha));
  }
  // s + x s (1 - s) u', u' the derivative of the sigmoid's argument; x is clamped because u'
  // overflows long after s (1 - s) has become 0.
  static Vec GeluTanh(Vec dy, Vec x, Vec) {
    const auto clamped = V::Min(V::Set(64), V::Max(V::Set(-64), x));
    const auto s = BothSigmoids<V>(GeluInner<V>(clamped));
    const auto slope =
        V::Fma(clamped * clamped, Number<V>(3 * kGeluScale * kGeluCubic), Number<V>(kGeluScale));
    return dy * V::Fma(clamped * (s.s * s.c), slope, s.s);
  }
  // Phi(x) + x phi(x).
  static Vec GeluErf(Vec dy, Vec x, Vec) {
    const auto g = Gaussian<V>(x);
    const auto clamped = V::Min(V::Set(64), V::Max(V::Set(-64), x));
    const auto density = g * Number<V>(0.39894228040143267793994605993438);
    return dy * V::Fma(clamped, density, NormalCdf<V>(x, g));
  }
  static Vec Silu(Vec dy, Vec x, Vec) {
    const auto s = BothSigmoids<V>(x);
    const auto clamped = V::Min(Number<V>(1e4), V::Max(Number<V>(-1e4), x));
    return dy * V::Fma(clamped * s.s, s.c, s.s);
  }
  // 2/sqrt(pi) e^(-x^2), with x^2 = (sqrt(2) x)^2 / 2 rounded once.
  static Vec ErrorFunction(Vec dy, Vec x, Vec) {
    const auto a = V::Min(V::Set(40), Abs<V>(x));
    const auto square = a * a;
    const auto g = Exp<V>(-square);
    const auto exact = V::Fnma(g, V::Fms(a, a, square), g);
    return dy * (exact * Number<V>(1.1283791670955125738961589031215));
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_UNARY_OPS_H_
