// The sums of IndexAdd and ScatterAdd: in index order, whatever the number of threads, because each
// element of the result belongs to one thread.
#ifndef AUTOGRAD_OPS_INDEX_SUM_H_
#define AUTOGRAD_OPS_INDEX_SUM_H_

#include "autograd/tensor.h"

namespace autograd::internal {

// Throws std::invalid_argument unless `source` has the given shape and x's dtype, and that dtype
// can be summed.
void CheckSummands(const char* operation, const Tensor& x, const Tensor& source,
                   const Shape& shape);

// Adds source[o, i, :] to entry [o, index[i], :] of y, which is dense, nobody else's, and not bf16.
// `index` is checked and dense.
void AddSelected(const Tensor& y, int axis, const Tensor& index, const Tensor& source);

// Adds source[.., i, ..] to element [.., index[.., i, ..], ..] of y; the same conditions.
void AddScattered(const Tensor& y, int axis, const Tensor& index, const Tensor& source);

// x plus what `add`, one of the two above, adds. bf16 is summed in f32 and rounded once.
using AddFunction = void (*)(const Tensor& y, int axis, const Tensor& index, const Tensor& source);
Tensor Summed(AddFunction add, const Tensor& x, int axis, const Tensor& index,
              const Tensor& source);

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_INDEX_SUM_H_
