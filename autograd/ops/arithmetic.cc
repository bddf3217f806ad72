#include "autograd/ops/arithmetic.h"

#include <algorithm>

#include "autograd/ops/binary_op.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/in_f32.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::Reads;
using internal::Saves;
using internal::UnaryRule;
using kernels::BinaryOp;

struct AddRule {
  static constexpr char kName[] = "Add";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 1;
  static constexpr Reads kLeftReads = {}, kRightReads = {};
  static constexpr BinaryOp kOp = BinaryOp::kAdd;
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor&) { return g; }
  static Tensor Right(const Tensor& g, const Tensor&, const Tensor&) { return g; }
};

struct SubRule {
  static constexpr char kName[] = "Sub";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 1;
  static constexpr Reads kLeftReads = {}, kRightReads = {};
  static constexpr BinaryOp kOp = BinaryOp::kSub;
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor&) { return g; }
  static Tensor Right(const Tensor& g, const Tensor&, const Tensor&) { return -g; }
};

struct MulRule {
  static constexpr char kName[] = "Mul";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 1;
  static constexpr Reads kLeftReads = {.b = true}, kRightReads = {.a = true};
  static constexpr BinaryOp kOp = BinaryOp::kMul;
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor& b) { return g * b; }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor&) { return g * a; }
};

struct DivRule {
  static constexpr char kName[] = "Div";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 2;
  static constexpr Reads kLeftReads = {.b = true}, kRightReads = {.a = true, .b = true};
  static constexpr BinaryOp kOp = BinaryOp::kDiv;
  static Tensor Left(const Tensor& g, const Tensor&, const Tensor& b) { return g / b; }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) {
    return -(g / b * (a / b));
  }
};

// Elements multiplied and then added to while they are in the first-level cache.
constexpr int64_t kBlock = 2048;

struct AffineRule : UnaryRule<Saves::kNothing, 1, DTypes::kArithmeticOrBf16> {
  double a, b;

  static constexpr char kName[] = "Affine";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    // In f32 where x is bf16, which a and b need not be.
    internal::InF32(n, x, y, [this]<class U>(int64_t count, const U* from, U* to) {
      MultiplyAndAdd(count, from, to);
    });
  }
  template <class T>
  void MultiplyAndAdd(int64_t n, const T* x, T* y) const {
    const auto& kernels = kernels::GetBinary<T>();
    const auto multiply = kernels.Arithmetic(BinaryOp::kMul, kernels::Operands::kArrayScalar);
    const auto add = kernels.Arithmetic(BinaryOp::kAdd, kernels::Operands::kArrayScalar);
    const T factor = static_cast<T>(a), summand = static_cast<T>(b);
    if (summand == 0) return multiply(x, &factor, y, n);
    if (factor == 1) return add(x, &summand, y, n);
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t size = std::min(n - i, kBlock);
      multiply(x + i, &factor, y + i, size);
      add(y + i, &summand, y + i, size);
    }
  }
  Tensor Chain(const Tensor& g, const Tensor&) const { return Affine(g, a, 0); }
};

}  // namespace

Tensor Add(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<AddRule>(a, b); }
Tensor Sub(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<SubRule>(a, b); }
Tensor Mul(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<MulRule>(a, b); }
Tensor Div(const Tensor& a, const Tensor& b) { return internal::ApplyBinary<DivRule>(a, b); }

Tensor Neg(const Tensor& x) { return Affine(x, -1, 0); }

Tensor Affine(const Tensor& x, double a, double b) {
  internal::CheckScalar("Affine", x, a);
  internal::CheckScalar("Affine", x, b);
  return internal::ApplyUnary(x, AffineRule{{}, a, b});
}

Tensor operator/(const Tensor& x, double a) {
  internal::CheckScalar("Div", x, a);
  if (!IsFloating(x.dtype())) return Div(x, Full({}, a, x.dtype()));
  return Affine(x, 1 / a, 0);
}

Tensor operator/(double a, const Tensor& x) {
  internal::CheckScalar("Div", x, a);
  return Div(Full({}, a, x.dtype()), x);
}

}  // namespace autograd
