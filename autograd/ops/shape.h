// Other shapes for the same elements: reshaping and reordering axes.
//
// All of these return views that share x's storage, of any dtype and strides, except Reshape and
// Flatten where no strides can express the new shape, and Contiguous, which exists to copy. Being
// linear, they are differentiable to any order; the derivative of each is another of them.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 6}, {2, 3});
//   Tensor columns = Transpose(x, 0, 1);       // [3, 2], a view
//   Tensor flat = Reshape(columns, {-1});      // [6]: 1 4 2 5 3 6, a copy
//   Tensor batch = Unsqueeze(x, 0);            // [1, 2, 3], a view
//   std::cout << columns << flat << batch << "\n";
#ifndef AUTOGRAD_OPS_SHAPE_H_
#define AUTOGRAD_OPS_SHAPE_H_

#include "autograd/tensor.h"

namespace autograd {

// The elements of x in row-major order, with another shape of as many elements; one size may be -1
// and is then worked out. A view where strides allow, otherwise a copy. Throws
// std::invalid_argument naming both shapes if the number of elements differs.
Tensor Reshape(const Tensor& x, const Shape& shape);

// x with axes a and b exchanged, as a view; by default those of a matrix or a batch of them. Throws
// std::invalid_argument for axes out of range.
Tensor Transpose(const Tensor& x, int64_t a = -2, int64_t b = -1);

// x with axis i of the result being axis axes[i] of x, as a view. Throws std::invalid_argument
// unless axes names each axis of x once.
Tensor Permute(const Tensor& x, const Dims& axes);

// x without its axis `axis`, which must have size 1 (std::invalid_argument otherwise); a view.
Tensor Squeeze(const Tensor& x, int64_t axis);
// x without its axes of size 1; a view.
Tensor Squeeze(const Tensor& x);

// x with a new axis of size 1, which is axis `axis` of the result; a view. Throws
// std::invalid_argument unless -(rank + 1) <= axis <= rank.
Tensor Unsqueeze(const Tensor& x, int64_t axis);

// x with the axes first ... last (both included) made one; a view where strides allow. A tensor of
// rank 0 becomes [1]. Throws std::invalid_argument if they are out of range or in the wrong order.
Tensor Flatten(const Tensor& x, int64_t first = 0, int64_t last = -1);

// x itself if its elements lie densely in row-major order, otherwise a copy that does.
Tensor Contiguous(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_SHAPE_H_
