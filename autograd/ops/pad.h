// Padding with a constant, and reversing axes.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({1, 2, 3, 4}, {2, 2});
//   std::cout << Pad(x, {0, 1}, {0, 2})        // [[0, 1, 2, 0, 0], [0, 3, 4, 0, 0]]
//             << Flip(x, {1}) << "\n";         // [[2, 1], [4, 3]]
#ifndef AUTOGRAD_OPS_PAD_H_
#define AUTOGRAD_OPS_PAD_H_

#include "autograd/tensor.h"

namespace autograd {

// x with before[i] entries of `value` in front of axis i and after[i] behind it. Any dtype. Throws
// std::invalid_argument unless both name every axis with sizes of at least 0, and for a value the
// dtype cannot hold.
Tensor Pad(const Tensor& x, const Dims& before, const Dims& after, double value = 0);

// x with the entries of the given axes in reverse order (all axes if none is given), copied. Any
// dtype. Throws std::invalid_argument for axes out of range or given twice.
Tensor Flip(const Tensor& x, const Dims& axes = {});

}  // namespace autograd

#endif  // AUTOGRAD_OPS_PAD_H_
