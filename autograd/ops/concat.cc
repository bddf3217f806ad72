#include "autograd/ops/concat.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Concat and Split are each other's derivatives.
class ConcatNode final : public NodeOf<ConcatNode> {
 public:
  static constexpr char kName[] = "Concat";
  ConcatNode(int axis, std::vector<int64_t> sizes) : axis_(axis), sizes_(std::move(sizes)) {}
  void Vjp(VjpContext& ctx) override {
    const std::vector<Tensor> grads = SplitSizes(ctx.grad(), sizes_, axis_);
    for (size_t i = 0; i < grads.size(); ++i) {
      const int input = static_cast<int>(i);
      if (ctx.needs(input)) ctx.SetGrad(input, grads[i]);
    }
  }
  bool Jvp(JvpContext& ctx) override {
    std::vector<Tensor> tangents;
    Shape shape = output_meta(0).shape;
    for (size_t i = 0; i < sizes_.size(); ++i) {
      const Tensor& tangent = ctx.tangent(static_cast<int>(i));
      shape[axis_] = sizes_[i];
      tangents.push_back(tangent.defined() ? tangent : Zeros(shape, output_meta(0).dtype));
    }
    ctx.SetTangent(0, Concat(tangents, axis_));
    return true;
  }

 private:
  int axis_;
  std::vector<int64_t> sizes_;
};

class SplitNode final : public NodeOf<SplitNode> {
 public:
  static constexpr char kName[] = "Split";
  SplitNode(int axis, std::vector<int64_t> sizes) : axis_(axis), sizes_(std::move(sizes)) {}
  void Vjp(VjpContext& ctx) override {
    std::vector<Tensor> grads;
    for (int i = 0; i < num_outputs(); ++i) grads.push_back(ctx.grad(i));
    ctx.SetGrad(0, Concat(grads, axis_));
  }
  bool Jvp(JvpContext& ctx) override {
    const std::vector<Tensor> tangents = SplitSizes(ctx.tangent(), sizes_, axis_);
    for (size_t i = 0; i < tangents.size(); ++i) {
      ctx.SetTangent(static_cast<int>(i), tangents[i]);
    }
    return true;
  }

 private:
  int axis_;
  std::vector<int64_t> sizes_;
};

std::string DescribeAll(const std::vector<Tensor>& tensors) {
  std::string text;
  for (const Tensor& tensor : tensors) text += (text.empty() ? "" : ", ") + Describe(tensor);
  return text;
}

// Throws unless the tensors have one dtype and, but for `free_axis`, one shape.
void CheckAlike(const char* operation, const std::vector<Tensor>& tensors, int free_axis) {
  for (const Tensor& tensor : tensors) {
    const Shape& first = tensors[0].shape();
    bool alike = tensor.dtype() == tensors[0].dtype() && tensor.rank() == first.rank();
    for (int axis = 0; alike && axis < first.rank(); ++axis) {
      alike = axis == free_axis || tensor.shape()[axis] == first[axis];
    }
    if (!alike) {
      throw std::invalid_argument(
          std::string(operation) + ": wants tensors of one dtype and of equal sizes" +
          (free_axis >= 0 ? " but for axis " + std::to_string(free_axis) : "") + ", got " +
          DescribeAll(tensors));
    }
  }
}

void CheckGiven(const char* operation, const std::vector<Tensor>& tensors) {
  if (tensors.empty()) throw std::invalid_argument(std::string(operation) + ": no tensors");
  for (const Tensor& tensor : tensors) internal::CheckDefined(operation, {&tensor});
}

// `size` entries of an axis from entry `start` on.
Tensor Part(const Tensor& x, int axis, int64_t start, int64_t size) {
  Shape shape = x.shape();
  shape[axis] = size;
  return x.ViewAs(shape, x.strides(), shape.numel() == 0 ? 0 : start * x.strides()[axis]);
}

}  // namespace

Tensor Concat(const std::vector<Tensor>& tensors, int64_t axis) {
  CheckGiven("Concat", tensors);
  std::vector<const Tensor*> inputs;
  for (const Tensor& tensor : tensors) inputs.push_back(&tensor);
  const OpScope scope("Concat", inputs);
  const int joined = NormalizeAxis("Concat", axis, tensors[0].shape());
  CheckAlike("Concat", tensors, joined);
  Shape shape = tensors[0].shape();
  shape[joined] = 0;
  std::vector<int64_t> sizes;
  for (const Tensor& tensor : tensors) {
    shape[joined] += tensor.shape()[joined];
    sizes.push_back(tensor.shape()[joined]);
  }
  const Tensor y = Tensor::Empty(shape, tensors[0].dtype());
  int64_t start = 0;
  for (const Tensor& tensor : tensors) {
    const int64_t size = tensor.shape()[joined];
    internal::CopyElements(Part(y, joined, start, size), tensor);
    start += size;
  }
  return Record<ConcatNode>(y, inputs, joined, std::move(sizes));
}

Tensor Stack(const std::vector<Tensor>& tensors, int64_t axis) {
  CheckGiven("Stack", tensors);
  CheckAlike("Stack", tensors, -1);
  const int rank = tensors[0].rank();
  if (axis < -(rank + 1) || axis > rank) {
    throw std::invalid_argument("Stack: axis " + std::to_string(axis) + " is out of range for " +
                                Describe(tensors[0]));
  }
  const int stacked = static_cast<int>(axis < 0 ? axis + rank + 1 : axis);
  if (stacked == rank) {
    std::vector<Tensor> columns;
    for (const Tensor& tensor : tensors) columns.push_back(Unsqueeze(tensor, rank));
    return Concat(columns, rank);
  }
  // Joining along the axis before which the new one stands puts every element in its place.
  Shape shape = tensors[0].shape();
  shape.insert(stacked, static_cast<int64_t>(tensors.size()));
  return Reshape(Concat(tensors, stacked), shape);
}

std::vector<Tensor> SplitSizes(const Tensor& x, const std::vector<int64_t>& sizes, int64_t axis) {
  const OpScope scope("Split", {&x});
  internal::CheckDefined("Split", {&x});
  const int split = NormalizeAxis("Split", axis, x.shape());
  int64_t total = 0;
  bool valid = true;
  std::string text;
  for (const int64_t size : sizes) {
    valid = valid && size >= 0 && size <= x.shape()[split];
    if (valid) total += size;
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  if (!valid || total != x.shape()[split]) {
    throw std::invalid_argument("Split: sizes [" + text + "] do not add up to axis " +
                                std::to_string(axis) + " of " + Describe(x));
  }
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    parts.push_back(Part(x, split, start, size));
    start += size;
  }
  const Tensor* inputs[] = {&x};
  return RecordMany<SplitNode>(std::move(parts), inputs, split, sizes);
}

std::vector<Tensor> Split(const Tensor& x, int64_t size, int64_t axis) {
  internal::CheckDefined("Split", {&x});
  const int64_t total = x.shape()[NormalizeAxis("Split", axis, x.shape())];
  if (size < 1) {
    throw std::invalid_argument("Split: size " + std::to_string(size) + " of the parts of " +
                                Describe(x) + " is less than 1");
  }
  std::vector<int64_t> sizes;
  for (int64_t start = 0; start < total; start += sizes.back()) {
    sizes.push_back(std::min(size, total - start));
  }
  if (sizes.empty()) sizes.push_back(0);
  return SplitSizes(x, sizes, axis);
}

std::vector<Tensor> Chunk(const Tensor& x, int64_t count, int64_t axis) {
  internal::CheckDefined("Chunk", {&x});
  const int64_t total = x.shape()[NormalizeAxis("Chunk", axis, x.shape())];
  if (count < 1) {
    throw std::invalid_argument("Chunk: cannot cut " + Describe(x) + " into " +
                                std::to_string(count) + " parts");
  }
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < count; ++i) sizes.push_back(total / count + (i < total % count ? 1 : 0));
  return SplitSizes(x, sizes, axis);
}

std::vector<Tensor> Unbind(const Tensor& x, int64_t axis) {
  internal::CheckDefined("Unbind", {&x});
  const int unbound = NormalizeAxis("Unbind", axis, x.shape());
  if (x.shape()[unbound] == 0) return {};
  std::vector<Tensor> entries = Split(x, 1, unbound);
  for (Tensor& entry : entries) entry = Squeeze(entry, unbound);
  return entries;
}

}  // namespace autograd
