#include "autograd/ops/index.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/index_plan.h"
#include "autograd/ops/index_sum.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::AxisSizes;
using internal::CheckedIndex;
using internal::kIndexGrain;
using internal::OffsetOf;

// The transposes of IndexSelect and Gather without a tensor of zeros to start from being copied.
Tensor SumOf(internal::AddFunction add, const Shape& shape, int axis, const Tensor& index,
             const Tensor& source) {
  const Tensor zeros = Zeros(shape, internal::ComputeDType(source.dtype()));
  add(zeros, axis, CheckedIndex("index", index, shape[axis]), internal::InComputeType(source));
  return internal::CastCopy(zeros, source.dtype());
}

class IndexSelectNode final : public NodeOf<IndexSelectNode> {
 public:
  static constexpr char kName[] = "IndexSelect";
  IndexSelectNode(int axis, const Tensor& index) : axis_(axis), index_(this, index) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor grad = ctx.grad();
    ctx.SetGrad(0, IndexAdd(Zeros(input_meta(0).shape, grad.dtype()), axis_, index_.Get(), grad));
  }
  void FusedVjp(VjpContext& ctx) override {
    ctx.SetGrad(0,
                SumOf(internal::AddSelected, input_meta(0).shape, axis_, index_.Get(), ctx.grad()));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, IndexSelect(ctx.tangent(), axis_, index_.Get()));
    return true;
  }

 private:
  int axis_;
  SavedTensor index_;
};

class IndexAddNode final : public NodeOf<IndexAddNode> {
 public:
  static constexpr char kName[] = "IndexAdd";
  IndexAddNode(int axis, const Tensor& index, const Shape& source)
      : axis_(axis), index_(this, index), source_(source) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor grad = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, grad);
    if (ctx.needs(1)) ctx.SetGrad(1, IndexSelect(grad, axis_, index_.Get()));
  }
  bool Jvp(JvpContext& ctx) override {
    const Meta& y = output_meta(0);
    const Tensor x = ctx.has_tangent(0) ? ctx.tangent(0) : Zeros(y.shape, y.dtype);
    const Tensor source = ctx.has_tangent(1) ? ctx.tangent(1) : Zeros(source_, y.dtype);
    ctx.SetTangent(0, IndexAdd(x, axis_, index_.Get(), source));
    return true;
  }

 private:
  int axis_;
  SavedTensor index_;
  Shape source_;
};

class GatherNode final : public NodeOf<GatherNode> {
 public:
  static constexpr char kName[] = "Gather";
  GatherNode(int axis, const Tensor& index) : axis_(axis), index_(this, index) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor grad = ctx.grad();
    ctx.SetGrad(0, ScatterAdd(Zeros(input_meta(0).shape, grad.dtype()), axis_, index_.Get(), grad));
  }
  void FusedVjp(VjpContext& ctx) override {
    ctx.SetGrad(
        0, SumOf(internal::AddScattered, input_meta(0).shape, axis_, index_.Get(), ctx.grad()));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Gather(ctx.tangent(), axis_, index_.Get()));
    return true;
  }

 private:
  int axis_;
  SavedTensor index_;
};

class ScatterAddNode final : public NodeOf<ScatterAddNode> {
 public:
  static constexpr char kName[] = "ScatterAdd";
  ScatterAddNode(int axis, const Tensor& index) : axis_(axis), index_(this, index) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor grad = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, grad);
    if (ctx.needs(1)) ctx.SetGrad(1, Gather(grad, axis_, index_.Get()));
  }
  bool Jvp(JvpContext& ctx) override {
    const Tensor index = index_.Get();
    const Meta& y = output_meta(0);
    const Tensor x = ctx.has_tangent(0) ? ctx.tangent(0) : Zeros(y.shape, y.dtype);
    const Tensor source = ctx.has_tangent(1) ? ctx.tangent(1) : Zeros(index.shape(), y.dtype);
    ctx.SetTangent(0, ScatterAdd(x, axis_, index, source));
    return true;
  }

 private:
  int axis_;
  SavedTensor index_;
};

// x's shape with the axis replaced by the index's axes.
Shape SelectedShape(const char* operation, const Tensor& x, int axis, const Tensor& index) {
  if (x.rank() - 1 + index.rank() > kMaxRank) {
    throw std::invalid_argument(std::string(operation) + ": " + Describe(x) + " with index " +
                                Describe(index) + " has more than " + std::to_string(kMaxRank) +
                                " axes");
  }
  Shape shape = x.shape();
  shape.erase(axis);
  for (int i = 0; i < index.rank(); ++i) shape.insert(axis + i, index.shape()[i]);
  return shape;
}

// Throws unless the index has x's rank and is nowhere longer than x but along the axis.
void CheckGatherShapes(const char* operation, const Tensor& x, int axis, const Tensor& index) {
  bool fits = index.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) {
    fits = i == axis || index.shape()[i] <= x.shape()[i];
  }
  if (!fits) {
    throw std::invalid_argument(std::string(operation) + ": index " + Describe(index) +
                                " does not fit " + Describe(x) + " along axis " +
                                std::to_string(axis));
  }
}

bool InnerAxesAreDense(const Tensor& x, int axis) {
  int64_t step = 1;
  for (int i = x.rank() - 1; i > axis; --i) {
    if (x.shape()[i] != 1 && x.strides()[i] != step) return false;
    step *= x.shape()[i];
  }
  return true;
}

// y[o, i, :] = x[o, index[i], :], where y is dense.
void CopySelected(const Tensor& given, int axis, const Tensor& index, const Tensor& y) {
  const Tensor x = InnerAxesAreDense(given, axis) ? given : internal::DenseCopy(given);
  const AxisSizes sizes(x.shape(), axis);
  const int64_t count = index.numel(), row = sizes.inner;
  const int64_t* indices = index.raw<int64_t>();
  internal::DispatchItemSize(ItemSize(x.dtype()), [&](auto typed) {
    using T = decltype(typed);
    const int64_t grain = std::max<int64_t>(1, kIndexGrain / (1 + row / 8));
    ParallelFor(sizes.outer * count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* from = x.raw<T>() + OffsetOf(i / count, x.shape(), x.strides(), 0, axis - 1) +
                        indices[i % count] * x.strides()[axis];
        if (row == 1) {
          y.raw<T>()[i] = *from;
        } else {
          std::memcpy(y.raw<T>() + i * row, from, static_cast<size_t>(row) * sizeof(T));
        }
      }
    });
  });
}

// y[.., i, ..] = x[.., index[.., i, ..], ..], where y and index are dense.
void CopyGathered(const Tensor& x, int axis, const Tensor& index, const Tensor& y) {
  const Shape& shape = index.shape();
  const int last = x.rank() - 1;
  // The axis itself adds to an address only through the index.
  Strides strides = x.strides();
  const int64_t step = strides[axis];
  strides[axis] = 0;
  const int64_t row = shape[last], column_step = strides[last];
  internal::DispatchItemSize(ItemSize(x.dtype()), [&](auto typed) {
    using T = decltype(typed);
    ParallelFor(index.numel(), kIndexGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end;) {
        const int64_t column = i % row, n = std::min(row - column, end - i);
        const T* from = x.raw<T>() + OffsetOf(i / row, shape, strides, 0, last - 1);
        const int64_t* indices = index.raw<int64_t>() + i;
        for (int64_t j = 0; j < n; ++j) {
          y.raw<T>()[i + j] = from[indices[j] * step + (column + j) * column_step];
        }
        i += n;
      }
    });
  });
}

}  // namespace

Tensor IndexSelect(const Tensor& x, int64_t axis, const Tensor& index) {
  const OpScope scope("IndexSelect", {&x, &index});
  internal::CheckDefined("IndexSelect", {&x, &index});
  const int selected = NormalizeAxis("IndexSelect", axis, x.shape());
  const Shape shape = SelectedShape("IndexSelect", x, selected, index);
  const Tensor checked = CheckedIndex("IndexSelect", index, x.shape()[selected]);
  const Tensor y = Tensor::Empty(shape, x.dtype());
  if (y.numel() > 0) CopySelected(x, selected, checked, y);
  return Record<IndexSelectNode>(y, {&x}, selected, index);
}

Tensor IndexAdd(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& source) {
  const OpScope scope("IndexAdd", {&x, &index, &source});
  internal::CheckDefined("IndexAdd", {&x, &index, &source});
  const int selected = NormalizeAxis("IndexAdd", axis, x.shape());
  const Shape shape = SelectedShape("IndexAdd", x, selected, index);
  internal::CheckSummands("IndexAdd", x, source, shape);
  const Tensor checked = CheckedIndex("IndexAdd", index, x.shape()[selected]);
  const Tensor y = internal::Summed(internal::AddSelected, x, selected, checked, source);
  return Record<IndexAddNode>(y, {&x, &source}, selected, index, shape);
}

Tensor Gather(const Tensor& x, int64_t axis, const Tensor& index) {
  const OpScope scope("Gather", {&x, &index});
  internal::CheckDefined("Gather", {&x, &index});
  const int gathered = NormalizeAxis("Gather", axis, x.shape());
  CheckGatherShapes("Gather", x, gathered, index);
  const Tensor checked = CheckedIndex("Gather", index, x.shape()[gathered]);
  const Tensor y = Tensor::Empty(index.shape(), x.dtype());
  if (y.numel() > 0) CopyGathered(x, gathered, checked, y);
  return Record<GatherNode>(y, {&x}, gathered, index);
}

Tensor ScatterAdd(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& source) {
  const OpScope scope("ScatterAdd", {&x, &index, &source});
  internal::CheckDefined("ScatterAdd", {&x, &index, &source});
  const int scattered = NormalizeAxis("ScatterAdd", axis, x.shape());
  CheckGatherShapes("ScatterAdd", x, scattered, index);
  internal::CheckSummands("ScatterAdd", x, source, index.shape());
  const Tensor checked = CheckedIndex("ScatterAdd", index, x.shape()[scattered]);
  const Tensor y = internal::Summed(internal::AddScattered, x, scattered, checked, source);
  return Record<ScatterAddNode>(y, {&x, &source}, scattered, index);
}

}  // namespace autograd
