#include "autograd/ops/arithmetic.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/ops/binary_op.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::ElementwiseArg;
using internal::MapPairs;
using internal::Operands;
using internal::Saves;
using internal::UnaryRule;

// Integers wrap around, which C++ leaves undefined for signed types.
template <class T, class Function>
T Wrapping(T a, T b, Function function) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(function(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return function(a, b);
  }
}

struct AddRule {
  static constexpr char kName[] = "Add";
  static constexpr DTypes kDTypes = DTypes::kArithmetic;
  static constexpr int kCost = 1;
  static constexpr Operands kLeftReads = {}, kRightReads = {};
  template <class T>
  static void Forward(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, T* y) {
    MapPairs<T>(n, a, b, y,
                [](T u, T v) { return Wrapping(u, v, [](auto s, auto t) { return s + t; }); });
  }
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor&) { return g; }
  static Tensor Right(const Tensor& g, const Tensor&, const Tensor&) { return g; }
};

struct SubRule {
  static constexpr char kName[] = "Sub";
  static constexpr DTypes kDTypes = DTypes::kArithmetic;
  static constexpr int kCost = 1;
  static constexpr Operands kLeftReads = {}, kRightReads = {};
  template <class T>
  static void Forward(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, T* y) {
    MapPairs<T>(n, a, b, y,
                [](T u, T v) { return Wrapping(u, v, [](auto s, auto t) { return s - t; }); });
  }
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor&) { return g; }
  static Tensor Right(const Tensor& g, const Tensor&, const Tensor&) { return -g; }
};

struct MulRule {
  static constexpr char kName[] = "Mul";
  static constexpr DTypes kDTypes = DTypes::kArithmetic;
  static constexpr int kCost = 1;
  static constexpr Operands kLeftReads = {.b = true}, kRightReads = {.a = true};
  template <class T>
  static void Forward(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, T* y) {
    MapPairs<T>(n, a, b, y,
                [](T u, T v) { return Wrapping(u, v, [](auto s, auto t) { return s * t; }); });
  }
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor& b) { return g * b; }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor&) { return g * a; }
};

template <class T>
T Quotient(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    // The quotient of the smallest integer and -1 wraps around.
    if (b == -1) return Wrapping(T{0}, a, [](auto s, auto t) { return s - t; });
  }
  return a / b;
}

struct DivRule {
  static constexpr char kName[] = "Div";
  static constexpr DTypes kDTypes = DTypes::kArithmetic;
  static constexpr int kCost = 2;
  static constexpr Operands kLeftReads = {.b = true}, kRightReads = {.a = true, .b = true};
  template <class T>
  static void Forward(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, T* y) {
    MapPairs<T>(n, a, b, y, Quotient<T>);
  }
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor& b) { return g / b; }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) {
    return -(g / b * (a / b));
  }
};

struct AffineRule : UnaryRule<Saves::kNothing, 1, DTypes::kArithmetic> {
  double a, b;

  static constexpr char kName[] = "Affine";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    const T factor = static_cast<T>(a), summand = static_cast<T>(b);
    internal::Map(n, x, y, [=](T value) {
      const T product = Wrapping(value, factor, [](auto s, auto t) { return s * t; });
      return Wrapping(product, summand, [](auto s, auto t) { return s + t; });
    });
  }
  Tensor Chain(const Tensor& g, const Tensor&) const { return Affine(g, a, 0); }
};

// Throws unless an integer dtype can hold the scalar.
void CheckIntegerScalar(const char* operation, const Tensor& x, double scalar) {
  const double limit = x.dtype() == DType::kI32 ? 0x1p31 : 0x1p63;
  if (scalar == std::floor(scalar) && scalar >= -limit && scalar < limit) return;
  throw std::invalid_argument(std::string(operation) + ": the scalar " + std::to_string(scalar) +
                              " is not a value of the dtype of " + Describe(x));
}

}  // namespace

Tensor Add(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<AddRule>(a, b); }
Tensor Sub(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<SubRule>(a, b); }
Tensor Mul(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<MulRule>(a, b); }
Tensor Div(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<DivRule>(a, b); }

Tensor Neg(const Tensor& x) { return Affine(x, -1, 0); }

Tensor Affine(const Tensor& x, double a, double b) {
  if (x.defined() && !IsFloating(x.dtype())) {
    CheckIntegerScalar("Affine", x, a);
    CheckIntegerScalar("Affine", x, b);
  }
  return internal::ApplyUnary(x, AffineRule{{}, a, b});
}

Tensor operator/(const Tensor& x, double a) {
  if (x.defined() && !IsFloating(x.dtype())) {
    CheckIntegerScalar("Div", x, a);
    return Div(x, Full({}, a, x.dtype()));
  }
  return Affine(x, 1 / a, 0);
}

Tensor operator/(double a, const Tensor& x) {
  internal::CheckDTypes("Div", DTypes::kArithmetic, {&x});
  return Div(Full({}, a, x.dtype()), x);
}

}  // namespace autograd
