#include "autograd/ops/pad.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/slice.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

class PadNode final : public NodeOf<PadNode> {
 public:
  static constexpr char kName[] = "Pad";
  PadNode(const Dims& before, const Dims& after) : before_(before), after_(after) {}
  void Vjp(VjpContext& ctx) override {
    Tensor grad = ctx.grad();
    const Shape& shape = input_meta(0).shape;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (before_[axis] == 0 && after_[axis] == 0) continue;
      grad = Slice(grad, axis, before_[axis], before_[axis] + shape[axis]);
    }
    ctx.SetGrad(0, grad);
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Pad(ctx.tangent(), before_, after_));
    return true;
  }

 private:
  Dims before_, after_;
};

class FlipNode final : public NodeOf<FlipNode> {
 public:
  static constexpr char kName[] = "Flip";
  explicit FlipNode(const Dims& axes) : axes_(axes) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Flip(ctx.grad(), axes_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Flip(ctx.tangent(), axes_));
    return true;
  }

 private:
  Dims axes_;
};

}  // namespace

Tensor Pad(const Tensor& x, const Dims& before, const Dims& after, double value) {
  const OpScope scope("Pad", {&x});
  internal::CheckDefined("Pad", {&x});
  bool valid = before.rank() == x.rank() && after.rank() == x.rank();
  Shape shape = x.shape();
  int64_t offset = 0;
  for (int axis = 0; valid && axis < x.rank(); ++axis) {
    valid = before[axis] >= 0 && after[axis] >= 0 &&
            !__builtin_add_overflow(shape[axis], before[axis], &shape[axis]) &&
            !__builtin_add_overflow(shape[axis], after[axis], &shape[axis]);
  }
  if (!valid) {
    throw std::invalid_argument("Pad: " + Describe(x) + " cannot be padded by " +
                                before.ToString() + " before and " + after.ToString() + " after");
  }
  const Tensor y = value == 0 ? Zeros(shape, x.dtype()) : Full(shape, value, x.dtype());
  for (int axis = 0; axis < x.rank(); ++axis) offset += before[axis] * y.strides()[axis];
  if (x.numel() > 0) internal::CopyElements(y.ViewAs(x.shape(), y.strides(), offset), x);
  return Record<PadNode>(y, {&x}, before, after);
}

Tensor Flip(const Tensor& x, const Dims& axes) {
  const OpScope scope("Flip", {&x});
  internal::CheckDefined("Flip", {&x});
  Strides strides = x.strides();
  int64_t offset = 0;
  bool seen[kMaxRank] = {};
  const int count = axes.rank() == 0 ? x.rank() : axes.rank();
  for (int i = 0; i < count; ++i) {
    const int axis = axes.rank() == 0 ? i : NormalizeAxis("Flip", axes[i], x.shape());
    if (std::exchange(seen[axis], true)) {
      throw std::invalid_argument("Flip: axes " + axes.ToString() + " name an axis of " +
                                  Describe(x) + " twice");
    }
    offset += (x.shape()[axis] - 1) * x.strides()[axis];
    strides[axis] = -strides[axis];
  }
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  if (y.numel() > 0) internal::CopyElements(y, x.ViewAs(x.shape(), strides, offset));
  return Record<FlipNode>(y, {&x}, axes);
}

}  // namespace autograd
