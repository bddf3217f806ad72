// Reading and adding at positions given by a tensor of indices.
//
// Gather and IndexSelect read, ScatterAdd and IndexAdd are their transposes, so each is the
// derivative of another and all are differentiable to any order (with respect to x and source; an
// index has no derivative). Indices are i32 or i64, from 0 up to the axis's size; anything else
// throws std::invalid_argument naming the operation, the index, its position and the size. Where an
// index comes up several times, its values are added in index order, whatever the number of
// threads.
//
// Example:
//   Tensor table = Tensor::FromVector<float>({0, 1, 10, 11, 20, 21}, {3, 2});
//   Tensor rows = Tensor::FromVector<int64_t>({2, 0, 2}, {3});
//   Tensor picked = IndexSelect(table, 0, rows);                 // [[20, 21], [0, 1], [20, 21]]
//   Tensor counts = IndexAdd(Zeros({3}), 0, rows, Ones({3}));    // [1, 0, 2]
//   std::cout << picked << counts << "\n";
#ifndef AUTOGRAD_OPS_INDEX_H_
#define AUTOGRAD_OPS_INDEX_H_

#include "autograd/tensor.h"

namespace autograd {

// The entries of an axis at the indices, copied: with x of shape [a.., size, b..] and an index of
// any shape [i..], the result is [a.., i.., b..]. Any dtype. A table of embeddings is
// IndexSelect(table, 0, tokens).
Tensor IndexSelect(const Tensor& x, int64_t axis, const Tensor& index);

// x with the entries of `source` added to the entries of an axis at the indices; source has the
// shape IndexSelect would give. The transpose of IndexSelect. f32, f64, bf16 (summed in f32,
// rounded once), i32 and i64.
Tensor IndexAdd(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& source);

// One element of x for each index: along axis 1 of a matrix, y[i, j] = x[i, index[i, j]]. The index
// has x's rank and is nowhere longer than x but along the axis; the result has its shape. Any
// dtype.
Tensor Gather(const Tensor& x, int64_t axis, const Tensor& index);

// x with each element of `source` added where Gather would read: along axis 1 of a matrix,
// y[i, index[i, j]] += source[i, j]. source has the index's shape. The transpose of Gather. f32,
// f64, bf16 (summed in f32, rounded once), i32 and i64.
Tensor ScatterAdd(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& source);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_INDEX_H_
