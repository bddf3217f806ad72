#include "autograd/ops/unary.h"

#include <cmath>
#include <numbers>
#include <type_traits>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::ApplyUnary;
using internal::DTypes;
using internal::Map;
using internal::Saves;
using internal::UnaryRule;

struct AbsRule : UnaryRule<Saves::kInput, 1, DTypes::kArithmetic> {
  static constexpr char kName[] = "Abs";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) {
      if constexpr (std::is_integral_v<T>) {
        // The smallest integer has no counterpart; it stays as it is.
        using U = std::make_unsigned_t<T>;
        return v < 0 ? static_cast<T>(U{0} - static_cast<U>(v)) : v;
      } else {
        return std::abs(v);
      }
    });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Sign(x); }
};

struct SignRule : UnaryRule<Saves::kNothing, 1, DTypes::kArithmetic> {
  static constexpr char kName[] = "Sign";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) {
      if (v != v) return v;
      return v > 0 ? T{1} : v < 0 ? T{-1} : T{0};
    });
  }
  Tensor Chain(const Tensor& g, const Tensor&) const { return ZerosLike(g); }
};

struct ExpRule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Exp";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::exp(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * y; }
};

struct Expm1Rule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Expm1";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::expm1(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (y + 1.0); }
};

struct LogRule : UnaryRule<Saves::kInput, 4> {
  static constexpr char kName[] = "Log";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::log(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g / x; }
};

struct Log1pRule : UnaryRule<Saves::kInput, 4> {
  static constexpr char kName[] = "Log1p";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::log1p(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g / (x + 1.0); }
};

struct SqrtRule : UnaryRule<Saves::kOutput, 2> {
  static constexpr char kName[] = "Sqrt";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::sqrt(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g / (y * 2.0); }
};

struct RsqrtRule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Rsqrt";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return 1 / std::sqrt(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * y * (Square(y) * -0.5); }
};

struct SquareRule : UnaryRule<Saves::kInput, 1, DTypes::kArithmetic> {
  static constexpr char kName[] = "Square";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) {
      if constexpr (std::is_integral_v<T>) {
        const auto u = static_cast<std::make_unsigned_t<T>>(v);
        return static_cast<T>(u * u);
      } else {
        return v * v;
      }
    });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * (x * 2.0); }
};

struct PowRule : UnaryRule<Saves::kInput, 32> {
  double exponent;

  static constexpr char kName[] = "PowScalar";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    if (exponent == 1) return Map(n, x, y, [](T v) { return v; });
    if (exponent == 2) return Map(n, x, y, [](T v) { return v * v; });
    if (exponent == 3) return Map(n, x, y, [](T v) { return v * v * v; });
    if (exponent == -1) return Map(n, x, y, [](T v) { return 1 / v; });
    Map(n, x, y, [e = static_cast<T>(exponent)](T v) { return std::pow(v, e); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    if (exponent == 0) return ZerosLike(g);
    return g * (Pow(x, exponent - 1) * exponent);
  }
};

struct SinRule : UnaryRule<Saves::kInput, 16> {
  static constexpr char kName[] = "Sin";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::sin(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Cos(x); }
};

struct CosRule : UnaryRule<Saves::kInput, 16> {
  static constexpr char kName[] = "Cos";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::cos(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * -Sin(x); }
};

struct TanRule : UnaryRule<Saves::kOutput, 16> {
  static constexpr char kName[] = "Tan";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::tan(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (Square(y) + 1.0); }
};

struct ErfRule : UnaryRule<Saves::kInput, 8> {
  static constexpr char kName[] = "Erf";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::erf(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    return g * (Exp(-Square(x)) * (2 * std::numbers::inv_sqrtpi));
  }
};

}  // namespace

Tensor Abs(const Tensor& x) { return ApplyUnary<AbsRule>(x); }
Tensor Sign(const Tensor& x) { return ApplyUnary<SignRule>(x); }
Tensor Exp(const Tensor& x) { return ApplyUnary<ExpRule>(x); }
Tensor Expm1(const Tensor& x) { return ApplyUnary<Expm1Rule>(x); }
Tensor Log(const Tensor& x) { return ApplyUnary<LogRule>(x); }
Tensor Log1p(const Tensor& x) { return ApplyUnary<Log1pRule>(x); }
Tensor Sqrt(const Tensor& x) { return ApplyUnary<SqrtRule>(x); }
Tensor Rsqrt(const Tensor& x) { return ApplyUnary<RsqrtRule>(x); }
Tensor Square(const Tensor& x) { return ApplyUnary<SquareRule>(x); }
Tensor Pow(const Tensor& x, double exponent) { return ApplyUnary(x, PowRule{{}, exponent}); }
Tensor Sin(const Tensor& x) { return ApplyUnary<SinRule>(x); }
Tensor Cos(const Tensor& x) { return ApplyUnary<CosRule>(x); }
Tensor Tan(const Tensor& x) { return ApplyUnary<TanRule>(x); }
Tensor Erf(const Tensor& x) { return ApplyUnary<ErfRule>(x); }

}  // namespace autograd
