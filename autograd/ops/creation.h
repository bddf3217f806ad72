// New tensors: constants, ranges and random numbers.
//
// Random tensors take a Generator (autograd/random/philox.h) explicitly: the same generator state
// gives the same bytes on any number of threads.
//
// Example:
//   Tensor zeros = Zeros({2, 3});
//   Tensor steps = Linspace(0, 1, 5, DType::kF64);
//   std::cout << zeros << steps << "\n";
#ifndef AUTOGRAD_OPS_CREATION_H_
#define AUTOGRAD_OPS_CREATION_H_

#include "autograd/tensor.h"

namespace autograd {

Tensor Zeros(const Shape& shape, DType dtype = DType::kF32);
Tensor Ones(const Shape& shape, DType dtype = DType::kF32);
// Every element is `value`. Throws std::invalid_argument if an integer dtype cannot hold it.
Tensor Full(const Shape& shape, double value, DType dtype = DType::kF32);
Tensor ZerosLike(const Tensor& x);
Tensor OnesLike(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CREATION_H_
