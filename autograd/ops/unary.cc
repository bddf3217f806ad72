#include "autograd/ops/unary.h"

#include <numbers>
#include <type_traits>

#include "autograd/kernels/binary.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/in_f32.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::ApplyUnary;
using internal::DTypes;
using internal::KernelRule;
using internal::Map;
using internal::Saves;
using internal::UnaryRule;
using kernels::BinaryOp;
using kernels::UnaryOp;

struct AbsRule : KernelRule<UnaryOp::kAbs, 1, DTypes::kArithmeticOrBf16> {
  static constexpr char kName[] = "Abs";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    if constexpr (std::is_integral_v<T>) {
      // The smallest integer has no counterpart; it stays as it is.
      using U = std::make_unsigned_t<T>;
      Map(n, x, y, [](T v) { return v < 0 ? static_cast<T>(U{0} - static_cast<U>(v)) : v; });
    } else {
      KernelRule::Forward(n, x, y);
    }
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Sign(x); }
};

struct SignRule : UnaryRule<Saves::kNothing, 1, DTypes::kArithmeticOrBf16> {
  static constexpr char kName[] = "Sign";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    if constexpr (std::is_integral_v<T>) {
      Map(n, x, y, [](T v) { return (v > 0) - (v < 0); });
    } else {
      kernels::GetUnary<T>(UnaryOp::kSign)(x, y, n, 0);
    }
  }
  Tensor Chain(const Tensor& g, const Tensor&) const { return ZerosLike(g); }
};

struct ExpRule : KernelRule<UnaryOp::kExp, 4> {
  static constexpr char kName[] = "Exp";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * y; }
};

struct Expm1Rule : KernelRule<UnaryOp::kExpm1, 4> {
  static constexpr char kName[] = "Expm1";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (y + 1.0); }
};

struct LogRule : KernelRule<UnaryOp::kLog, 4> {
  static constexpr char kName[] = "Log";
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g / x; }
};

struct Log1pRule : KernelRule<UnaryOp::kLog1p, 4> {
  static constexpr char kName[] = "Log1p";
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g / (x + 1.0); }
};

struct SqrtRule : KernelRule<UnaryOp::kSqrt, 2> {
  static constexpr char kName[] = "Sqrt";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g / (y * 2.0); }
};

struct RsqrtRule : KernelRule<UnaryOp::kRsqrt, 4> {
  static constexpr char kName[] = "Rsqrt";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * y * (Square(y) * -0.5); }
};

struct SquareRule : KernelRule<UnaryOp::kSquare, 1, DTypes::kArithmeticOrBf16> {
  static constexpr char kName[] = "Square";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    kernels::GetBinary<T>().Arithmetic(BinaryOp::kMul, kernels::Operands::kArrayArray)(x, x, y, n);
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * (x * 2.0); }
};

struct PowRule : UnaryRule<Saves::kInput, 16> {
  double exponent;

  static constexpr char kName[] = "PowScalar";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    // Exact cases, which derivatives of whole powers run into.
    if (exponent == 2) return kernels::GetUnary<T>(UnaryOp::kSquare)(x, y, n, 0);
    if (exponent == 1) return Map(n, x, y, [](T v) { return v; });
    if (exponent == -1) return kernels::GetUnary<T>(UnaryOp::kReciprocal)(x, y, n, 0);
    // In f32 where x is bf16, which the exponent need not be.
    internal::InF32(n, x, y, [&]<class U>(int64_t count, const U* from, U* to) {
      const U e = static_cast<U>(exponent);
      kernels::GetBinary<U>().Arithmetic(BinaryOp::kPow, kernels::Operands::kArrayScalar)(
          from, &e, to, count);
    });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    if (exponent == 0) return ZerosLike(g);
    return g * (Pow(x, exponent - 1) * exponent);
  }
};

struct SinRule : KernelRule<UnaryOp::kSin, 16> {
  static constexpr char kName[] = "Sin";
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Cos(x); }
};

struct CosRule : KernelRule<UnaryOp::kCos, 16> {
  static constexpr char kName[] = "Cos";
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * -Sin(x); }
};

struct TanRule : KernelRule<UnaryOp::kTan, 16> {
  static constexpr char kName[] = "Tan";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (Square(y) + 1.0); }
};

struct ErfRule : KernelRule<UnaryOp::kErf, 8> {
  static constexpr char kName[] = "Erf";
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
