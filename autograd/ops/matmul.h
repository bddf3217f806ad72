// Matrix products.
//
// Example:
//   Tensor a = Tensor::FromVector<float>({1, 2, 3, 4}, {2, 2});
//   Tensor x = Tensor::FromVector<float>({1, -1}, {2});
//   std::cout << MatMul(a, x) << "\n";  // [-1, -1]
//   Tensor gram = MatMul(Transpose(a), a);
#ifndef AUTOGRAD_OPS_MATMUL_H_
#define AUTOGRAD_OPS_MATMUL_H_

#include "autograd/ops/shape.h"
#include "autograd/tensor.h"

namespace autograd {

// The matrix product, with the rules of PyTorch's matmul: [..., m, k] by [..., k, n] gives [..., m,
// n], leading axes broadcast; a vector [k] on the left counts as [1, k], on the right as [k, 1],
// and the axis of 1 is dropped from the result. Any strides. Both operands f32, both f64 or both
// bf16 (added up in f32 and rounded once). Throws std::invalid_argument naming both shapes
// otherwise, and for operands of rank 0. d/da: g b^T, d/db: a^T g, summed over broadcast axes.
Tensor MatMul(const Tensor& a, const Tensor& b);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_MATMUL_H_
