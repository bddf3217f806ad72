#include "autograd/ops/slice.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Entries start, start + step, ... of an axis of `size` entries, `count` of them.
struct Range {
  int axis;
  int64_t size, start, count, step;
};

Tensor SliceView(const Tensor& x, const Range& range) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[range.axis] = range.count;
  const int64_t offset = range.count == 0 ? 0 : range.start * strides[range.axis];
  // One entry has no step that could overflow.
  if (range.count > 1) strides[range.axis] *= range.step;
  return x.ViewAs(shape, strides, offset);
}

// Where the slice stops, one past its last entry.
int64_t StopOf(const Range& range) {
  return range.count == 0 ? range.start : range.start + (range.count - 1) * range.step + 1;
}

class SliceNode final : public NodeOf<SliceNode> {
 public:
  static constexpr char kName[] = "Slice";
  explicit SliceNode(const Range& range) : range_(range) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, EmbedSlice(ctx.grad(), range_.axis, range_.size, range_.start, range_.step));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Slice(ctx.tangent(), range_.axis, range_.start, StopOf(range_), range_.step));
    return true;
  }

 private:
  Range range_;
};

class SelectNode final : public NodeOf<SelectNode> {
 public:
  static constexpr char kName[] = "Select";
  SelectNode(int axis, int64_t index) : axis_(axis), index_(index) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(
        0, EmbedSlice(Unsqueeze(ctx.grad(), axis_), axis_, input_meta(0).shape[axis_], index_));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Select(ctx.tangent(), axis_, index_));
    return true;
  }

 private:
  int axis_;
  int64_t index_;
};

class EmbedSliceNode final : public NodeOf<EmbedSliceNode> {
 public:
  static constexpr char kName[] = "EmbedSlice";
  explicit EmbedSliceNode(const Range& range) : range_(range) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, Slice(ctx.grad(), range_.axis, range_.start, StopOf(range_), range_.step));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0,
                   EmbedSlice(ctx.tangent(), range_.axis, range_.size, range_.start, range_.step));
    return true;
  }

 private:
  Range range_;
};

int64_t ClampToAxis(int64_t position, int64_t size) {
  if (position < 0) position = position < -size ? 0 : position + size;
  return std::min(position, size);
}

}  // namespace

Tensor Slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop, int64_t step) {
  const OpScope scope("Slice", {&x});
  internal::CheckDefined("Slice", {&x});
  Range range;
  range.axis = NormalizeAxis("Slice", axis, x.shape());
  range.size = x.shape()[range.axis];
  if (step < 1) {
    throw std::invalid_argument("Slice: step " + std::to_string(step) + " along axis " +
                                std::to_string(axis) + " of " + Describe(x) +
                                "; a step is at least 1");
  }
  range.start = ClampToAxis(start, range.size);
  range.step = step;
  const int64_t length = std::max<int64_t>(0, ClampToAxis(stop, range.size) - range.start);
  range.count = length == 0 ? 0 : (length - 1) / step + 1;
  return Record<SliceNode>(SliceView(x, range), {&x}, range);
}

Tensor Select(const Tensor& x, int64_t axis, int64_t index) {
  const OpScope scope("Select", {&x});
  internal::CheckDefined("Select", {&x});
  const int selected = NormalizeAxis("Select", axis, x.shape());
  const int64_t size = x.shape()[selected];
  if (index < -size || index >= size) {
    throw std::invalid_argument("Select: index " + std::to_string(index) +
                                " is out of range for axis " + std::to_string(axis) + " of " +
                                Describe(x));
  }
  const int64_t entry = index < 0 ? index + size : index;
  Shape shape = x.shape();
  Strides strides = x.strides();
  const int64_t offset = x.numel() == 0 ? 0 : entry * strides[selected];
  shape.erase(selected);
  strides.erase(selected);
  return Record<SelectNode>(x.ViewAs(shape, strides, offset), {&x}, selected, entry);
}

Tensor EmbedSlice(const Tensor& x, int64_t axis, int64_t size, int64_t start, int64_t step) {
  const OpScope scope("EmbedSlice", {&x});
  internal::CheckDefined("EmbedSlice", {&x});
  const int embedded = NormalizeAxis("EmbedSlice", axis, x.shape());
  const Range range = {embedded, size, start, x.shape()[embedded], step};
  const bool fits =
      size >= 0 && start >= 0 && step >= 1 && start <= size &&
      (range.count == 0 || (start < size && range.count - 1 <= (size - 1 - start) / step));
  if (!fits) {
    throw std::invalid_argument("EmbedSlice: " + Describe(x) + " does not fit into entries " +
                                std::to_string(start) + ", step " + std::to_string(step) +
                                ", of an axis " + std::to_string(axis) + " of size " +
                                std::to_string(size));
  }
  Shape shape = x.shape();
  shape[embedded] = size;
  const Tensor y = Zeros(shape, x.dtype());
  internal::CopyElements(SliceView(y, range), x);
  return Record<EmbedSliceNode>(y, {&x}, range);
}

}  // namespace autograd
