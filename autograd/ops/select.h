// Choosing element by element: Where, Minimum, Maximum, Clamp.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({-2, 0, 2}, {3});
//   std::cout << Clamp(x, -1, 1) << Where(Greater(x, 0), x, -1) << "\n";
#ifndef AUTOGRAD_OPS_SELECT_H_
#define AUTOGRAD_OPS_SELECT_H_

#include "autograd/ops/compare.h"
#include "autograd/tensor.h"

namespace autograd {

// a where the condition (bool) holds, b elsewhere; all three broadcast. a and b have one dtype,
// any; a number takes the other's. The gradient goes to the chosen one. Throws
// std::invalid_argument naming shapes and dtypes if they do not match or do not broadcast.
Tensor Where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor Where(const Tensor& condition, const Tensor& a, double b);
Tensor Where(const Tensor& condition, double a, const Tensor& b);

// The smaller (larger) of a and b, broadcast; NaN if either is. f32, f64, i32, i64. Where they are
// equal each gets half of the gradient, as in PyTorch.
Tensor Minimum(const Tensor& a, const Tensor& b);
Tensor Maximum(const Tensor& a, const Tensor& b);

// min(max(x, low), high), where bounds may be infinite; f32, f64, i32, i64. The gradient passes
// where low <= x <= high. Throws std::invalid_argument for a bound that is NaN.
Tensor Clamp(const Tensor& x, double low, double high);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_SELECT_H_
