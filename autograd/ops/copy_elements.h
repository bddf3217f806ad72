// Copying between tensors of any strides, for operations that move data.
#ifndef AUTOGRAD_OPS_COPY_ELEMENTS_H_
#define AUTOGRAD_OPS_COPY_ELEMENTS_H_

#include "autograd/tensor.h"

namespace autograd::internal {

// Writes `from`, which expands to the shape of `to`, into `to`, which is memory of a result not
// handed out yet. Same dtype; any strides.
void CopyElements(const Tensor& to, const Tensor& from);

// A dense copy of x without a graph.
Tensor DenseCopy(const Tensor& x);

// Writes x, converted as Cast does, into `to`, of x's shape and another dtype, which is memory of a
// result not handed out yet.
void CastElements(Tensor& to, const Tensor& x);

// A dense copy of x in another dtype without a graph; x itself if it has that dtype.
Tensor CastCopy(const Tensor& x, DType dtype);

// What x is computed with: a dense copy in f32 of bf16, and otherwise x itself.
Tensor InComputeType(const Tensor& x);

// Calls function(T{}) with an unsigned integer T of `item` bytes (1, 2, 4 or 8), for code that
// moves elements without looking at them.
template <class Function>
void DispatchItemSize(size_t item, Function function) {
  switch (item) {
    case 1:
      return function(uint8_t{});
    case 2:
      return function(uint16_t{});
    case 4:
      return function(uint32_t{});
    default:
      return function(uint64_t{});
  }
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_COPY_ELEMENTS_H_
