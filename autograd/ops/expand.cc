#include "autograd/ops/expand.h"

#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/creation.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

class ExpandNode final : public NodeOf<ExpandNode> {
 public:
  static constexpr char kName[] = "Expand";
  ExpandNode(const Shape& from, const Shape& to) : from_(from), to_(to) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, SumTo(ctx.grad(), from_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Expand(ctx.tangent(), to_));
    return true;
  }

 private:
  Shape from_, to_;
};

class SumToNode final : public NodeOf<SumToNode> {
 public:
  static constexpr char kName[] = "SumTo";
  SumToNode(const Shape& from, const Shape& to) : from_(from), to_(to) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Expand(ctx.grad(), from_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, SumTo(ctx.tangent(), to_));
    return true;
  }

 private:
  Shape from_, to_;
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

// Adds every element of x to the element of `sums` it belongs to.
template <class T>
void SumElements(const Tensor& x, const Tensor& sums) {
  const Tensor target = ExpandedView(sums, x.shape());
  const Shape& shape = x.shape();
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i, from = 0, to = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const int64_t index = rest % shape[axis];
      rest /= shape[axis];
      from += index * x.strides()[axis];
      to += index * target.strides()[axis];
    }
    target.raw<T>()[to] += x.raw<T>()[from];
  }
}

}  // namespace

Tensor Expand(const Tensor& x, const Shape& shape) {
  const OpScope scope("Expand", {&x});
  CheckShape("Expand", shape);
  if (!CanExpand(x.shape(), shape)) {
    throw std::invalid_argument("Expand: " + Describe(x) + " does not expand to shape " +
                                shape.ToString());
  }
  return Record<ExpandNode>(ExpandedView(x, shape), {&x}, x.shape(), shape);
}

Tensor SumTo(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const OpScope scope("SumTo", {&x});
  if (!CanExpand(shape, x.shape()) || (x.dtype() != DType::kF32 && x.dtype() != DType::kF64)) {
    throw std::invalid_argument("SumTo: cannot sum " + Describe(x) + " to shape " +
                                shape.ToString());
  }
  Tensor sums = Zeros(shape, x.dtype());
  x.dtype() == DType::kF32 ? SumElements<float>(x, sums) : SumElements<double>(x, sums);
  return Record<SumToNode>(sums, {&x}, x.shape(), shape);
}

}  // namespace autograd
