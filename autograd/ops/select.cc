#include "autograd/ops/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/binary_op.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::ElementwiseArg;
using internal::Reads;
using internal::Saves;
using internal::UnaryRule;
using kernels::BinaryOp;

Tensor Zero(const Tensor& like) { return Full({}, 0, like.dtype()); }

class WhereNode final : public NodeOf<WhereNode> {
 public:
  static constexpr char kName[] = "Where";
  WhereNode(const Tensor& condition, const Shape& a, const Shape& b)
      : condition_(this, condition), a_(a), b_(b) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor condition = condition_.Get(), g = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(Where(condition, g, 0), a_));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(Where(condition, 0, g), b_));
  }

  bool Jvp(JvpContext& ctx) override {
    const Tensor condition = condition_.Get();
    const auto tangent = [&](int i) {
      return ctx.has_tangent(i) ? ctx.tangent(i) : Zero(ctx.tangent(1 - i));
    };
    // Two constants may broadcast to less than the result's shape.
    ctx.SetTangent(0, Expand(Where(condition, tangent(0), tangent(1)), output_meta(0).shape));
    return true;
  }

 private:
  SavedTensor condition_;
  Shape a_, b_;
};

// Only bytes are moved, so one loop serves all dtypes of a size.
template <class T>
void Choose(int64_t n, const ElementwiseArg* args, T* y) {
  const uint8_t* condition = args[0].as<uint8_t>();
  const T* a = args[1].as<T>();
  const T* b = args[2].as<T>();
  if (args[0].scalar) {
    const ElementwiseArg& chosen = *condition != 0 ? args[1] : args[2];
    if (chosen.scalar) {
      std::fill(y, y + n, *chosen.as<T>());
    } else {
      std::copy(chosen.as<T>(), chosen.as<T>() + n, y);
    }
  } else {
    kernels::GetBinary<T>().where[args[1].scalar][args[2].scalar](condition, a, b, y, n);
  }
}

// Where a and b are equal, half of g; where a comes first, g; elsewhere 0.
Tensor ShareOf(const Tensor& g, const Tensor& behind, const Tensor& equal) {
  return Where(equal, g * 0.5, Where(behind, 0, g));
}

struct MinimumRule {
  static constexpr char kName[] = "Minimum";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 1;
  static constexpr Reads kLeftReads = {.a = true, .b = true}, kRightReads = kLeftReads;
  static constexpr BinaryOp kOp = BinaryOp::kMin;
  static Tensor Left(const Tensor& g, const Tensor& a, const Tensor& b) {
    return ShareOf(g, Greater(a, b), Equal(a, b));
  }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) {
    return ShareOf(g, Less(a, b), Equal(a, b));
  }
};

struct MaximumRule {
  static constexpr char kName[] = "Maximum";
  static constexpr DTypes kDTypes = DTypes::kArithmeticOrBf16;
  static constexpr int kCost = 1;
  static constexpr Reads kLeftReads = {.a = true, .b = true}, kRightReads = kLeftReads;
  static constexpr BinaryOp kOp = BinaryOp::kMax;
  static Tensor Left(const Tensor& g, const Tensor& a, const Tensor& b) {
    return ShareOf(g, Less(a, b), Equal(a, b));
  }
  static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) {
    return ShareOf(g, Greater(a, b), Equal(a, b));
  }
};

// A bound that is a whole number where T is an integer, as a T: beyond its range, the end of it.
template <class T>
T BoundAs(double bound) {
  if constexpr (std::is_integral_v<T>) {
    constexpr T kMin = std::numeric_limits<T>::min(), kMax = std::numeric_limits<T>::max();
    if (bound <= static_cast<double>(kMin)) return kMin;
    if (bound >= static_cast<double>(kMax)) return kMax;
  }
  return static_cast<T>(bound);
}

struct ClampRule : UnaryRule<Saves::kInput, 1, DTypes::kArithmeticOrBf16> {
  double low, high;

  static constexpr char kName[] = "Clamp";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    const bool whole = std::is_integral_v<T>;
    using Bound = kernels::ComputeType<T>;
    const Bound from = BoundAs<Bound>(whole ? std::ceil(low) : low);
    const Bound to = BoundAs<Bound>(whole ? std::floor(high) : high);
    kernels::GetBinary<T>().clamp(x, from, to, y, n);
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    return Where(LogicalAnd(GreaterEqual(x, low), LessEqual(x, high)), g, 0);
  }
};

}  // namespace

Tensor Where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const OpScope scope("Where", {&condition, &a, &b});
  if (!condition.defined() || condition.dtype() != DType::kBool || !a.defined() || !b.defined() ||
      a.dtype() != b.dtype()) {
    throw std::invalid_argument("Where: wants a bool condition and two tensors of one dtype, got " +
                                Describe(condition) + ", " + Describe(a) + " and " + Describe(b));
  }
  const Shape shape =
      BroadcastShapes("Where", condition.shape(), BroadcastShapes("Where", a.shape(), b.shape()));
  Tensor y = Tensor::Empty(shape, a.dtype());
  const Tensor* inputs[] = {&condition, &a, &b};
  const auto choose = [&]<class T>(T) {
    internal::ElementwiseLoop(y, inputs, [&](int64_t n, void* out, const ElementwiseArg* args) {
      Choose(n, args, static_cast<T*>(out));
    });
  };
  switch (ItemSize(a.dtype())) {
    case 1:
      choose(uint8_t{});
      break;
    case 2:
      choose(BFloat16{});
      break;
    case 4:
      choose(int32_t{});
      break;
    default:
      choose(int64_t{});
  }
  return Record<WhereNode>(y, {&a, &b}, condition, a.shape(), b.shape());
}

Tensor Where(const Tensor& condition, const Tensor& a, double b) {
  internal::CheckScalar("Where", a, b);
  return Where(condition, a, Full({}, b, a.dtype()));
}
Tensor Where(const Tensor& condition, double a, const Tensor& b) {
  internal::CheckScalar("Where", b, a);
  return Where(condition, Full({}, a, b.dtype()), b);
}

Tensor Minimum(const Tensor& a, const Tensor& b) {
  return internal::ApplyBinary<MinimumRule>(a, b);
}
Tensor Maximum(const Tensor& a, const Tensor& b) {
  return internal::ApplyBinary<MaximumRule>(a, b);
}

Tensor Clamp(const Tensor& x, double low, double high) {
  if (std::isnan(low) || std::isnan(high)) {
    throw std::invalid_argument("Clamp: a bound is NaN, for " + Describe(x));
  }
  return internal::ApplyUnary(x, ClampRule{{}, low, high});
}

}  // namespace autograd
