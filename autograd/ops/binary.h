// Element-wise functions of two tensors beyond arithmetic, with NumPy broadcasting.
//
// Operands have one dtype, f32 or f64 (Pow also i32 and i64). Throws std::invalid_argument that
// names the operation, shapes and dtypes if they do not match or do not broadcast.
//
// Example:
//   Tensor y = Tensor::FromVector<float>({1, -1}, {2}), x = Tensor::FromVector<float>({2, 2}, {2});
//   std::cout << Atan2(y, x) << Pow(x, y) << "\n";
#ifndef AUTOGRAD_OPS_BINARY_H_
#define AUTOGRAD_OPS_BINARY_H_

#include "autograd/tensor.h"

namespace autograd {

// base^exponent as std::pow has it. Integers: the low bits; a negative exponent gives 0, but 1 for
// base 1 and 1 or -1 for base -1. Derivatives: by the base, 0 where base and exponent are 0; by the
// exponent, 0 where the base is 0.
Tensor Pow(const Tensor& base, const Tensor& exponent);

// The angle in (-pi, pi] of the point (x, y), in radians.
Tensor Atan2(const Tensor& y, const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_BINARY_H_
