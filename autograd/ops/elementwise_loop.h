// The loop behind every element-wise operation: broadcasts, strides and threads, so that kernels
// see plain arrays.
#ifndef AUTOGRAD_OPS_ELEMENTWISE_LOOP_H_
#define AUTOGRAD_OPS_ELEMENTWISE_LOOP_H_

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// An input of a kernel call: `data` points to n elements, or to one that stands for all n.
struct ElementwiseArg {
  const void* data;
  bool scalar;

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

inline constexpr int kMaxElementwiseInputs = 4;

// Calls kernel(n, out, args) for pieces that together cover `output`. Each input's shape expands to
// the output's; any strides are allowed, also for the output, as long as no two of its elements
// share memory. `out` and each arg point to dense elements: where the tensors are not dense, they
// are packed into a small buffer first. Pieces are cut by size alone and may run in any thread; an
// element's value must not depend on the cut. `cost` is roughly how many additions of floats one
// element is worth; it sets how many elements are worth a thread.
void ElementwiseLoop(
    Tensor& output, std::span<const Tensor* const> inputs,
    absl::FunctionRef<void(int64_t n, void* out, const ElementwiseArg* args)> kernel, int cost = 1);

// The same for kernels that want dense inputs: an element that stands for all n is repeated in a
// small buffer. `inputs` has one pointer for each input.
void DenseElementwiseLoop(
    Tensor& output, std::span<const Tensor* const> inputs,
    absl::FunctionRef<void(int64_t n, void* out, const void* const* inputs)> kernel, int cost = 1);

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_ELEMENTWISE_LOOP_H_
