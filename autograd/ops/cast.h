// Conversion between dtypes.
//
// Example:
//   Tensor hits = Equal(Tensor::FromVector<float>({1, 2, 3}, {3}), 2);
//   std::cout << Mean(Cast(hits, DType::kF32)) << "\n";
#ifndef AUTOGRAD_OPS_CAST_H_
#define AUTOGRAD_OPS_CAST_H_

#include "autograd/tensor.h"

namespace autograd {

// x in another dtype, any to any; without a copy if it has that dtype. To floating-point: rounded
// to nearest, ties to even (to bf16 by way of f32). From floating-point to integers: truncated
// towards zero, saturated, NaN becomes 0. Between integers: the low bits. To bool: not equal to 0.
// Differentiable between floating-point dtypes; a gradient is cast back.
Tensor Cast(const Tensor& x, DType dtype);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CAST_H_
