// Broadcasting as operations of their own, and its derivative.
//
// Example:
//   Tensor row = Tensor::FromVector<float>({1, 2, 3}, {3});
//   Tensor rows = Expand(row, {2, 3});       // a view: no copy
//   Tensor back = SumTo(rows, {3});          // [2, 4, 6]
//   std::cout << rows << back << "\n";
#ifndef AUTOGRAD_OPS_EXPAND_H_
#define AUTOGRAD_OPS_EXPAND_H_

#include "autograd/tensor.h"

namespace autograd {

// x repeated to `shape` by NumPy's rule, as a view with strides of 0. Throws std::invalid_argument
// if it does not expand.
Tensor Expand(const Tensor& x, const Shape& shape);

// The transpose of Expand: x summed over the axes along which `shape` would be expanded to x's
// shape; x itself where the shapes are equal. f32 and f64. Throws std::invalid_argument if `shape`
// does not expand to x's.
Tensor SumTo(const Tensor& x, const Shape& shape);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_EXPAND_H_
