// Softmax and its relatives, computed without overflow.
//
// f32, f64 and bf16 (computed in f32, rounded once); other dtypes and axes out of range throw
// std::invalid_argument naming the operation, shape and dtype. Derivatives of any order; without
// create_graph fused rules for Softmax and LogSoftmax. All are fastest along the last axis.
//
// Example:
//   Tensor scores = Tensor::FromVector<float>({1, 2, 3, 1000}, {2, 2});
//   std::cout << Softmax(scores, -1) << LogSumExp(scores, {-1}) << "\n";
#ifndef AUTOGRAD_OPS_SOFTMAX_H_
#define AUTOGRAD_OPS_SOFTMAX_H_

#include "autograd/tensor.h"

namespace autograd {

// e^x / sum(e^x) along an axis. NaN where the axis holds NaN or +infinity, or -infinity alone.
Tensor Softmax(const Tensor& x, int64_t axis);

// log(Softmax(x, axis)).
Tensor LogSoftmax(const Tensor& x, int64_t axis);

// log(sum(e^x)) over axes (none: all), see reduce.h; -infinity for no elements.
Tensor LogSumExp(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_SOFTMAX_H_
