// Upper and lower triangles of matrices, and with them the masks of causal attention.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({1, 2, 3, 4}, {2, 2});
//   std::cout << Triu(x) << Tril(x, -1) << "\n";          // [[1, 2], [0, 4]] and [[0, 0], [3, 0]]
//   Tensor causal = Tril(Ones({4, 4}, DType::kBool));     // query i sees keys 0 ... i
#ifndef AUTOGRAD_OPS_TRIANGLE_H_
#define AUTOGRAD_OPS_TRIANGLE_H_

#include "autograd/tensor.h"

namespace autograd {

// x with zeros below (Triu) or above (Tril) a diagonal of its last two axes: element [.., i, j] is
// kept where j - i >= diagonal (Triu) or j - i <= diagonal (Tril). Any dtype. Throws
// std::invalid_argument for fewer than two axes.
Tensor Triu(const Tensor& x, int64_t diagonal = 0);
Tensor Tril(const Tensor& x, int64_t diagonal = 0);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_TRIANGLE_H_
