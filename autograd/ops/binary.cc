#include "autograd/ops/binary.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/binary_op.h"
#include "autograd/ops/select.h"
#include "autograd/ops/unary.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::Reads;
using kernels::BinaryOp;

struct PowRule {
  static constexpr char kName[] = "Pow";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 32;
  static constexpr Reads kLeftReads = {.a = true, .b = true}, kRightReads = kLeftReads;
  static constexpr BinaryOp kOp = BinaryOp::kPow;
  // Where a formula would give 0 times infinity, the base is replaced before and not the result
  // after, so that second derivatives do not meet it either.
  static Tensor Left(const Tensor& g, const Tensor& a, const Tensor& b) {
    const Tensor base = Where(LogicalAnd(Equal(a, 0), Equal(b, 0)), 1, a);
    return g * (b * Pow(base, b - 1.0));
  }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) {
    return g * (Pow(a, b) * Log(Where(Equal(a, 0), 1, a)));
  }
};

struct Atan2Rule {
  static constexpr char kName[] = "Atan2";
  static constexpr DTypes kDTypes = DTypes::kFloatingOrBf16;
  static constexpr int kCost = 32;
  static constexpr Reads kLeftReads = {.a = true, .b = true}, kRightReads = kLeftReads;
  static constexpr BinaryOp kOp = BinaryOp::kAtan2;
  static Tensor Left(const Tensor& g, const Tensor& y, const Tensor& x) {
    return g * (x / (Square(x) + Square(y)));
  }
  static Tensor Right(const Tensor& g, const Tensor& y, const Tensor& x) {
    return g * -(y / (Square(x) + Square(y)));
  }
};

}  // namespace

Tensor Pow(const Tensor& base, const Tensor& exponent) {
  return internal::ApplyBinary<PowRule>(base, exponent);
}
Tensor Atan2(const Tensor& y, const Tensor& x) { return internal::ApplyBinary<Atan2Rule>(y, x); }

}  // namespace autograd
