// Sorting along an axis.
//
// Sorting is stable: equal elements keep their order (0 and -0 are equal), and NaNs come last in
// either direction. The values are gathered from x at the indices, and that is how they are
// differentiated, to any order; the indices are i64 and have no derivative. Every dtype can be
// sorted; false comes before true. A tensor of rank 0 has no axis to sort.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({3, 1, 2}, {3});
//   Sorted sorted = Sort(x);
//   std::cout << sorted.values << sorted.indices << "\n";  // [1, 2, 3] and [1, 2, 0]
//   std::cout << TopK(x, 2).values << "\n";                // [3, 2]
#ifndef AUTOGRAD_OPS_SORT_H_
#define AUTOGRAD_OPS_SORT_H_

#include "autograd/tensor.h"

namespace autograd {

struct Sorted {
  Tensor values;
  Tensor indices;  // values = Gather(x, axis, indices)
};

// x with each line along the axis in ascending or descending order. Throws std::invalid_argument
// for an axis out of range.
Sorted Sort(const Tensor& x, int64_t axis = -1, bool descending = false);

// The indices of Sort alone.
Tensor ArgSort(const Tensor& x, int64_t axis = -1, bool descending = false);

// The first k entries of Sort(x, axis, largest), found faster. Throws std::invalid_argument unless
// 0 <= k <= the axis's size.
Sorted TopK(const Tensor& x, int64_t k, int64_t axis = -1, bool largest = true);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_SORT_H_
