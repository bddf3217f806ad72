// Element-wise comparisons and logic, with NumPy broadcasting. Results are bool and carry no
// gradients.
//
// Comparisons take two tensors of one dtype, any, or a tensor and a number, which takes the
// tensor's dtype; any comparison with NaN is false, except NotEqual. Logic takes bool. Throws
// std::invalid_argument that names the operation, shapes and dtypes if they do not match or do not
// broadcast.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({-1, 0, 1}, {3});
//   std::cout << LogicalAnd(GreaterEqual(x, 0), Less(x, 1)) << "\n";  // [false, true, false]
#ifndef AUTOGRAD_OPS_COMPARE_H_
#define AUTOGRAD_OPS_COMPARE_H_

#include "autograd/tensor.h"

namespace autograd {

Tensor Equal(const Tensor& a, const Tensor& b);
Tensor NotEqual(const Tensor& a, const Tensor& b);
Tensor Less(const Tensor& a, const Tensor& b);
Tensor LessEqual(const Tensor& a, const Tensor& b);
Tensor Greater(const Tensor& a, const Tensor& b);
Tensor GreaterEqual(const Tensor& a, const Tensor& b);

Tensor Equal(const Tensor& a, double b);
Tensor NotEqual(const Tensor& a, double b);
Tensor Less(const Tensor& a, double b);
Tensor LessEqual(const Tensor& a, double b);
Tensor Greater(const Tensor& a, double b);
Tensor GreaterEqual(const Tensor& a, double b);

Tensor LogicalAnd(const Tensor& a, const Tensor& b);
Tensor LogicalOr(const Tensor& a, const Tensor& b);
Tensor LogicalNot(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_COMPARE_H_
