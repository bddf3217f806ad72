// Parts of a tensor along an axis, as views, and their transpose.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({0, 1, 2, 3, 4, 5}, {6});
//   std::cout << Slice(x, 0, 1, 4)           // [1, 2, 3]
//             << Slice(x, 0, -2)             // [4, 5]
//             << Slice(x, 0, 0, kEnd, 2)     // [0, 2, 4]
//             << Select(x, 0, -1) << "\n";   // 5
#ifndef AUTOGRAD_OPS_SLICE_H_
#define AUTOGRAD_OPS_SLICE_H_

#include <limits>

#include "autograd/tensor.h"

namespace autograd {

// As `stop` of Slice: up to the end of the axis.
inline constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// The entries start, start + step, ... before stop of an axis, as a view. As in Python, negative
// start and stop count from the end, and what lies outside the axis is cut off, so a slice may be
// empty. Any dtype and strides. Throws std::invalid_argument for step < 1 (see Flip in index.h).
Tensor Slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop = kEnd, int64_t step = 1);

// Entry `index` of an axis, which the result no longer has; a view. A negative index counts from
// the end. Throws std::invalid_argument if it is out of range.
Tensor Select(const Tensor& x, int64_t axis, int64_t index);

// The transpose of Slice: zeros, of x's shape but for size `size` along the axis, with x in its
// entries start, start + step, ... Any dtype. Throws std::invalid_argument if x does not fit.
Tensor EmbedSlice(const Tensor& x, int64_t axis, int64_t size, int64_t start, int64_t step = 1);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_SLICE_H_
