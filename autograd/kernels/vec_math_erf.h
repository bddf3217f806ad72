// The error function and the normal distribution of a vector of f32 or f64; see vec_math.h for the
// rules of these headers.
//
// e^(t^2) erfc(t) is smooth on [0, inf): as in Shepherd and Laframboise (Math. Comp. 36, 1981), (1
// + 2t) times it is a polynomial in u = (t - k) / (t + k), which maps [0, inf) to [-1, 1).
#ifndef AUTOGRAD_KERNELS_VEC_MATH_ERF_H_
#define AUTOGRAD_KERNELS_VEC_MATH_ERF_H_

#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

template <class Scalar>
struct ErfConst;

template <>
struct ErfConst<float> {
  // erf(x) / x in x^2 for |x| <= 0.85: 2^-32.8.
  static constexpr float kErfPoly[] = {1.12837923f,    -0.376126379f,  0.112837471f,
                                       -0.0268624816f, 0.00520929927f, -0.000824429386f,
                                       8.83626781e-05f};
  static constexpr float kCentre = 2.0f;  // k above; 2^-24.7 for t <= 38
  static constexpr float kErfcPoly[] = {1.27697837f,      -0.0927633941f, -0.166032374f,
                                        0.164041415f,     -0.0541985929f, -0.00796885509f,
                                        0.00864117313f,   0.00108768127f, -0.00132621324f,
                                        -0.000208616431f, 0.000125862498f};
};

template <>
struct ErfConst<double> {
  // As above: 2^-68.7.
  static constexpr double kErfPoly[] = {
      1.1283791670955126,      -0.37612638903183754,    0.11283791670955118,
      -0.026866170645128751,   0.0052239776254028895,   -0.00085483270197687434,
      0.00012055332759963197,  -1.4925641386240419e-05, 1.6461865362933712e-06,
      -1.6361082983964447e-07, 1.4745335003441099e-08,  -1.1765806205945623e-09,
      6.7521162774049821e-11};
  static constexpr double kCentre = 3.0;  // 2^-54.4 for t <= 72
  static constexpr double kErfcPoly[] = {
      1.2530080582697296,      -0.13562110612458009,    -0.047562294353442905,
      0.12964515870264998,     -0.11927366341570228,    0.068308027347320166,
      -0.023770514910810125,   0.0025293917696081209,   0.0018886902772687027,
      -0.00077983191387425593, -0.00010515928509303659, 0.00012509766624841978,
      4.9473977840759372e-06,  -2.0095472909697655e-05, -7.2585351841411119e-07,
      3.4623213276314836e-06,  3.4647899046540697e-07,  -6.036074397414988e-07,
      -1.2894046614979067e-07, 9.128110529518347e-08,   3.1916572401268918e-08,
      -8.4218900669676926e-09, -4.0337465555111986e-09};
};

// e^(t^2) erfc(t) for 0 <= t <= 38.
template <class V>
[[gnu::always_inline]] inline typename V::Vec ScaledErfc(typename V::Vec t) {
  using C = ErfConst<typename V::Scalar>;
  const auto k = V::Set(C::kCentre);
  return Poly<V>((t - k) / (t + k), C::kErfcPoly) / V::Fma(t, V::Set(2), V::Set(1));
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec Erf(typename V::Vec x) {
  using C = ErfConst<typename V::Scalar>;
  const auto a = V::Min(V::Set(10), Abs<V>(x));
  const auto near = x * Poly<V>(a * a, C::kErfPoly);
  const auto far = V::Set(1) - Exp<V>(-(a * a)) * ScaledErfc<V>(a);
  return V::Select(V::Lt(a, V::Set(typename V::Scalar(0.85))), near, V::Or(far, SignBit<V>(x)));
}

// e^(-x^2 / 2). The error of rounding x^2 would be multiplied by x^2, so it is made up for.
template <class V>
[[gnu::always_inline]] inline typename V::Vec Gaussian(typename V::Vec x) {
  const auto a = V::Min(V::Set(40), Abs<V>(x));
  const auto square = a * a;
  const auto rest = V::Fms(a, a, square);
  const auto half = V::Set(typename V::Scalar(-0.5));
  const auto g = Exp<V>(square * half);
  return V::Fma(g, rest * half, g);
}

// The distribution function of the standard normal distribution, given g = Gaussian(x): relative
// accuracy in both tails.
template <class V>
[[gnu::always_inline]] inline typename V::Vec NormalCdf(typename V::Vec x, typename V::Vec g) {
  const auto a = V::Min(V::Set(40), Abs<V>(x));
  const auto root_half = V::Set(typename V::Scalar(0.70710678118654752));
  const auto tail = g * (ScaledErfc<V>(a * root_half) * V::Set(typename V::Scalar(0.5)));
  return V::Select(V::SignMask(x), tail, V::Set(1) - tail);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_VEC_MATH_ERF_H_
