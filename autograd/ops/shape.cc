#include "autograd/ops/shape.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Finds strides with which x's memory has shape `shape` in the same order. False if there are none.
// `shape` has as many elements as x.
bool ViewStrides(const Tensor& x, const Shape& shape, Strides& strides) {
  strides = ContiguousStrides(shape);
  if (x.numel() == 0 || x.is_contiguous()) return true;
  // Runs of x's axes that are walked as one, from the last: the run being used up has `left`
  // elements to go, `step` apart.
  int from = x.rank() - 1;
  int64_t left = 1, step = 1;
  const auto next_run = [&] {
    while (x.shape()[from] == 1) --from;
    step = x.strides()[from];
    left = x.shape()[from--];
    for (; from >= 0; --from) {
      if (x.shape()[from] == 1) continue;
      if (x.strides()[from] != step * left) break;
      left *= x.shape()[from];
    }
  };
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1) continue;
    if (left == 1) next_run();
    if (left % shape[axis] != 0) return false;
    strides[axis] = step;
    step *= shape[axis];
    left /= shape[axis];
  }
  return true;
}

class ReshapeNode final : public NodeOf<ReshapeNode> {
 public:
  static constexpr char kName[] = "Reshape";
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Reshape(ctx.grad(), input_meta(0).shape)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Reshape(ctx.tangent(), output_meta(0).shape));
    return true;
  }
};

class PermuteNode final : public NodeOf<PermuteNode> {
 public:
  static constexpr char kName[] = "Permute";
  explicit PermuteNode(const Dims& axes) : axes_(axes) {}
  void Vjp(VjpContext& ctx) override {
    Dims inverse = axes_;
    for (int i = 0; i < axes_.rank(); ++i) inverse[static_cast<int>(axes_[i])] = i;
    ctx.SetGrad(0, Permute(ctx.grad(), inverse));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Permute(ctx.tangent(), axes_));
    return true;
  }

 private:
  Dims axes_;
};

class ContiguousNode final : public NodeOf<ContiguousNode> {
 public:
  static constexpr char kName[] = "Contiguous";
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, ctx.grad()); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, ctx.tangent());
    return true;
  }
};

// `shape` with its -1, if any, worked out.
Shape ResolveShape(const Tensor& x, const Shape& shape) {
  Shape resolved = shape;
  int unknown = -1;
  bool valid = true;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != -1) continue;
    valid = valid && unknown < 0;
    unknown = axis;
    resolved[axis] = 1;
  }
  if (valid) CheckShape("Reshape", resolved);
  if (valid && unknown >= 0) {
    const int64_t others = resolved.numel();
    valid = others > 0 && x.numel() % others == 0;
    if (valid) resolved[unknown] = x.numel() / others;
  }
  if (!valid || resolved.numel() != x.numel()) {
    throw std::invalid_argument("Reshape: " + Describe(x) + " has " + std::to_string(x.numel()) +
                                " elements, which do not fit shape " + shape.ToString());
  }
  return resolved;
}

Tensor PermutedView(const Tensor& x, const Dims& axes) {
  Shape shape = axes;
  Strides strides = axes;
  for (int i = 0; i < axes.rank(); ++i) {
    shape[i] = x.shape()[static_cast<int>(axes[i])];
    strides[i] = x.strides()[static_cast<int>(axes[i])];
  }
  return Record<PermuteNode>(x.ViewAs(shape, strides, 0), {&x}, axes);
}

}  // namespace

Tensor Reshape(const Tensor& x, const Shape& shape) {
  const OpScope scope("Reshape", {&x});
  internal::CheckDefined("Reshape", {&x});
  const Shape to = ResolveShape(x, shape);
  Strides strides;
  Tensor y = ViewStrides(x, to, strides)
                 ? x.ViewAs(to, strides, 0)
                 : internal::DenseCopy(x).ViewAs(to, ContiguousStrides(to), 0);
  return Record<ReshapeNode>(std::move(y), {&x});
}

Tensor Permute(const Tensor& x, const Dims& axes) {
  const OpScope scope("Permute", {&x});
  internal::CheckDefined("Permute", {&x});
  Dims normalized = axes;
  bool seen[kMaxRank] = {};
  bool valid = axes.rank() == x.rank();
  for (int i = 0; valid && i < axes.rank(); ++i) {
    const int axis = NormalizeAxis("Permute", axes[i], x.shape());
    normalized[i] = axis;
    valid = !std::exchange(seen[axis], true);
  }
  if (!valid) {
    throw std::invalid_argument("Permute: axes " + axes.ToString() + " do not name each axis of " +
                                Describe(x) + " once");
  }
  return PermutedView(x, normalized);
}

Tensor Transpose(const Tensor& x, int64_t a, int64_t b) {
  const OpScope scope("Transpose", {&x});
  internal::CheckDefined("Transpose", {&x});
  const int first = NormalizeAxis("Transpose", a, x.shape());
  const int second = NormalizeAxis("Transpose", b, x.shape());
  Dims axes = x.shape();
  for (int i = 0; i < axes.rank(); ++i) axes[i] = i;
  std::swap(axes[first], axes[second]);
  return PermutedView(x, axes);
}

Tensor Squeeze(const Tensor& x, int64_t axis) {
  internal::CheckDefined("Squeeze", {&x});
  const int squeezed = NormalizeAxis("Squeeze", axis, x.shape());
  if (x.shape()[squeezed] != 1) {
    throw std::invalid_argument("Squeeze: axis " + std::to_string(axis) + " of " + Describe(x) +
                                " does not have size 1");
  }
  Shape shape = x.shape();
  shape.erase(squeezed);
  return Reshape(x, shape);
}

Tensor Squeeze(const Tensor& x) {
  internal::CheckDefined("Squeeze", {&x});
  Shape shape;
  for (const int64_t size : x.shape()) {
    if (size != 1) shape.push_back(size);
  }
  return Reshape(x, shape);
}

Tensor Unsqueeze(const Tensor& x, int64_t axis) {
  internal::CheckDefined("Unsqueeze", {&x});
  const int64_t rank = x.rank();
  if (axis < -(rank + 1) || axis > rank) {
    throw std::invalid_argument("Unsqueeze: axis " + std::to_string(axis) +
                                " is out of range for " + Describe(x));
  }
  Shape shape = x.shape();
  shape.insert(static_cast<int>(axis < 0 ? axis + rank + 1 : axis), 1);
  return Reshape(x, shape);
}

Tensor Flatten(const Tensor& x, int64_t first, int64_t last) {
  internal::CheckDefined("Flatten", {&x});
  if (x.rank() == 0 && first >= -1 && first <= 0 && last >= -1 && last <= 0) {
    return Reshape(x, {1});
  }
  const int begin = NormalizeAxis("Flatten", first, x.shape());
  const int end = NormalizeAxis("Flatten", last, x.shape());
  if (begin > end) {
    throw std::invalid_argument("Flatten: first axis " + std::to_string(first) +
                                " comes after last axis " + std::to_string(last) + " in " +
                                Describe(x));
  }
  Shape shape = x.shape();
  for (int axis = begin; axis < end; ++axis) {
    shape[begin] *= shape[begin + 1];
    shape.erase(begin + 1);
  }
  return Reshape(x, shape);
}

Tensor Contiguous(const Tensor& x) {
  internal::CheckDefined("Contiguous", {&x});
  if (x.is_contiguous()) return x;
  const OpScope scope("Contiguous", {&x});
  return Record<ContiguousNode>(internal::DenseCopy(x), {&x});
}

}  // namespace autograd
