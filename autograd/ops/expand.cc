#include "autograd/ops/expand.h"

#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/reduce_rows.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

class ExpandNode final : public NodeOf<ExpandNode> {
 public:
  static constexpr char kName[] = "Expand";
  explicit ExpandNode(const Shape& to) : to_(to) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, SumTo(ctx.grad(), input_meta(0).shape)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Expand(ctx.tangent(), to_));
    return true;
  }

 private:
  Shape to_;
};

class SumToNode final : public NodeOf<SumToNode> {
 public:
  static constexpr char kName[] = "SumTo";
  explicit SumToNode(const Shape& to) : to_(to) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Expand(ctx.grad(), input_meta(0).shape)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, SumTo(ctx.tangent(), to_));
    return true;
  }

 private:
  Shape to_;
};

// x seen with the axes and strides that expanding it to `shape` gives it.
Tensor ExpandedView(const Tensor& x, const Shape& shape) {
  Strides strides = Dims::Filled(shape.rank(), 0);
  const int missing = shape.rank() - x.rank();
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (x.shape()[axis] != 1 || shape[missing + axis] == 1) {
      strides[missing + axis] = x.strides()[axis];
    }
  }
  return x.ViewAs(shape, strides, 0);
}

}  // namespace

Tensor Expand(const Tensor& x, const Shape& shape) {
  const OpScope scope("Expand", {&x});
  internal::CheckDefined("Expand", {&x});
  CheckShape("Expand", shape);
  if (!CanExpand(x.shape(), shape)) {
    throw std::invalid_argument("Expand: " + Describe(x) + " does not expand to shape " +
                                shape.ToString());
  }
  return Record<ExpandNode>(ExpandedView(x, shape), {&x}, shape);
}

Tensor SumTo(const Tensor& x, const Shape& shape) {
  internal::CheckDefined("SumTo", {&x});
  if (x.shape() == shape) return x;
  const OpScope scope("SumTo", {&x});
  if (!CanExpand(shape, x.shape()) || !IsFloating(x.dtype())) {
    throw std::invalid_argument("SumTo: cannot sum " + Describe(x) + " to shape " +
                                shape.ToString());
  }
  internal::ReducedAxes axes;
  const int missing = x.rank() - shape.rank();
  for (int axis = 0; axis < x.rank(); ++axis) {
    axes.reduced[axis] = axis < missing || (shape[axis - missing] == 1 && x.shape()[axis] != 1);
  }
  return Record<SumToNode>(internal::SumAxes(x, axes, shape), {&x}, shape);
}

}  // namespace autograd
