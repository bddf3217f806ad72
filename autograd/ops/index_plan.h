// What the operations of index.h have in common: checked indices, and a tensor seen along one axis.
#ifndef AUTOGRAD_OPS_INDEX_PLAN_H_
#define AUTOGRAD_OPS_INDEX_PLAN_H_

#include "autograd/tensor.h"

namespace autograd::internal {

// The index as dense i64. Throws std::invalid_argument, naming the first bad one and its position
// in row-major order, unless all are in [0, size).
Tensor CheckedIndex(const char* operation, const Tensor& index, int64_t size);

// Elements worth a thread when each costs an address computed from an index.
inline constexpr int64_t kIndexGrain = 16384;

// A dense tensor as [outer, size, inner] around an axis.
struct AxisSizes {
  int64_t outer = 1, size = 1, inner = 1;
  AxisSizes(const Shape& shape, int axis) : size(shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

// Distance from the first element to element `row` in row-major order over the given axes.
inline int64_t OffsetOf(int64_t row, const Shape& shape, const Strides& strides, int first_axis,
                        int last_axis) {
  int64_t offset = 0;
  for (int axis = last_axis; axis >= first_axis; --axis) {
    offset += row % shape[axis] * strides[axis];
    row /= shape[axis];
  }
  return offset;
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_INDEX_PLAN_H_
