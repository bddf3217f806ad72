#include "autograd/ops/index_plan.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/copy_elements.h"
#include "autograd/parallel/parallel.h"

namespace autograd::internal {
namespace {

[[noreturn]] void ThrowOutOfRange(const char* operation, const Shape& shape, int64_t position,
                                  int64_t value, int64_t size) {
  Dims where = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    where[axis] = position % shape[axis];
    position /= shape[axis];
  }
  throw std::invalid_argument(std::string(operation) + ": index " + std::to_string(value) +
                              " at position " + where.ToString() + " is out of range for size " +
                              std::to_string(size));
}

}  // namespace

Tensor CheckedIndex(const char* operation, const Tensor& index, int64_t size) {
  if (index.dtype() != DType::kI32 && index.dtype() != DType::kI64) {
    throw std::invalid_argument(std::string(operation) + ": an index is i32 or i64, got " +
                                Describe(index));
  }
  const Tensor dense = index.is_contiguous() ? index : DenseCopy(index);
  const bool narrow = index.dtype() == DType::kI32;
  const Tensor wide = narrow ? Tensor::Empty(index.shape(), DType::kI64) : dense;
  // The exception of the lowest chunk is the one rethrown, so it names the first bad index.
  ParallelFor(index.numel(), 4 * kIndexGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t value = narrow ? dense.raw<int32_t>()[i] : dense.raw<int64_t>()[i];
      if (value < 0 || value >= size) {
        ThrowOutOfRange(operation, index.shape(), i, value, size);
      }
      if (narrow) wide.raw<int64_t>()[i] = value;
    }
  });
  return wide;
}

}  // namespace autograd::internal
