// Joining tensors along an axis, and taking them apart.
//
// Example:
//   Tensor a = Zeros({2, 3}), b = Ones({2, 1});
//   Tensor joined = Concat({a, b}, 1);               // [2, 4]
//   std::vector<Tensor> parts = SplitSizes(joined, {3, 1}, 1);
//   Tensor stacked = Stack({a, a}, 0);               // [2, 2, 3]
//   std::cout << joined << parts[1] << stacked << "\n";
//   for (const Tensor& row : Unbind(joined)) std::cout << row << "\n";
#ifndef AUTOGRAD_OPS_CONCAT_H_
#define AUTOGRAD_OPS_CONCAT_H_

#include <vector>

#include "autograd/tensor.h"

namespace autograd {

// The tensors one after the other along an axis, copied. Of one dtype, and of equal sizes but for
// that axis; otherwise, and for no tensors at all, throws std::invalid_argument.
Tensor Concat(const std::vector<Tensor>& tensors, int64_t axis = 0);

// Tensors of one shape and dtype along a new axis, which is axis `axis` of the result. Throws
// std::invalid_argument as Concat does.
Tensor Stack(const std::vector<Tensor>& tensors, int64_t axis = 0);

// x cut along an axis into views of the given sizes. Throws std::invalid_argument unless they add
// up to the axis's size.
std::vector<Tensor> SplitSizes(const Tensor& x, const std::vector<int64_t>& sizes,
                               int64_t axis = 0);

// x cut along an axis into views of `size` entries; the last may have fewer. An axis of size 0
// gives one empty view. Throws std::invalid_argument for size < 1.
std::vector<Tensor> Split(const Tensor& x, int64_t size, int64_t axis = 0);

// x cut along an axis into exactly `count` views whose sizes differ by at most one, the larger ones
// first. Throws std::invalid_argument for count < 1.
std::vector<Tensor> Chunk(const Tensor& x, int64_t count, int64_t axis = 0);

// The entries of an axis as views that no longer have it, to go through them in a loop.
std::vector<Tensor> Unbind(const Tensor& x, int64_t axis = 0);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CONCAT_H_
