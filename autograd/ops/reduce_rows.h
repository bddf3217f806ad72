// What reductions have in common: the reduced axes brought to the end of dense memory, and rows cut
// into pieces.
#ifndef AUTOGRAD_OPS_REDUCE_ROWS_H_
#define AUTOGRAD_OPS_REDUCE_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "autograd/kernels/reduce.h"
#include "autograd/parallel/parallel.h"
#include "autograd/shape.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// Elements of a row that are reduced at once. Rows are cut by this size alone, and the pieces'
// results combined in order, so that the number of threads does not show.
inline constexpr int64_t kRowPiece = 32768;

// The kernels for rows of T.
template <class T>
const auto& RowKernels() {
  if constexpr (std::is_same_v<T, int32_t>) {
    return kernels::GetReduceTables().i32;
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return kernels::GetReduceTables().i64;
  } else {
    return kernels::GetReduce<T>();
  }
}

// Which axes of a shape are reduced.
struct ReducedAxes {
  ReducedAxes() = default;
  // Normalised; an empty `axes` stands for all. Throws std::invalid_argument for an axis out of
  // range or named twice.
  ReducedAxes(const char* operation, const Dims& axes, const Shape& shape);

  // The shape with size 1 along (or, without keepdim, without) the reduced axes.
  Shape Reduce(const Shape& shape, bool keepdim) const;
  // Number of elements reduced to one.
  int64_t Count(const Shape& shape) const;

  bool reduced[kMaxRank] = {};
};

// x as a dense array [outer, count, inner], to be reduced along the middle.
struct Folded {
  Tensor dense;
  int64_t outer = 1;
  int64_t count = 1;
  int64_t inner = 1;
};

// Copies where x is not dense, or where the reduced axes do not lie together, and widens bf16 to
// f32.
Folded Fold(const Tensor& x, const ReducedAxes& axes);
// The same with inner == 1: copies unless the reduced axes are the last ones.
Folded FoldToRows(const Tensor& x, const ReducedAxes& axes);

// Calls reduce_row(row) for all rows of `size` elements; a chunk of them for each thread.
template <class Function>
void ForEachRow(int64_t rows, int64_t size, Function reduce_row) {
  const int64_t grain = std::max<int64_t>(1, kRowPiece / std::max<int64_t>(1, size));
  ParallelFor(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) reduce_row(row);
  });
}

// Reduces each of `rows` dense rows of `size` elements: piece(p, n) of each piece of kRowPiece
// elements (one of them if size is 0), then combine(partials, pieces) of a row with several, and
// store(row, value).
template <class Partial, class T, class Piece, class Combine, class Store>
void ReduceRows(const T* x, int64_t rows, int64_t size, Piece piece, Combine combine, Store store) {
  const int64_t pieces = (size + kRowPiece - 1) / kRowPiece;
  if (pieces <= 1) {
    return ForEachRow(rows, size, [&](int64_t row) { store(row, piece(x + row * size, size)); });
  }
  const Tensor memory =
      Tensor::Empty({rows * pieces * static_cast<int64_t>(sizeof(Partial))}, DType::kU8);
  Partial* partials = memory.raw<Partial>();
  ParallelFor(rows * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t start = i % pieces * kRowPiece;
      partials[i] = piece(x + i / pieces * size + start, std::min(kRowPiece, size - start));
    }
  });
  for (int64_t row = 0; row < rows; ++row) store(row, combine(partials + row * pieces, pieces));
}

// Sums x along the axes times `scale` (1 for integers), as a tensor of `shape`, which has the right
// number of elements. f32, f64, bf16 (summed as f32 is, rounded at the end), i32, i64.
Tensor SumAxes(const Tensor& x, const ReducedAxes& axes, const Shape& shape, double scale = 1);

// Calls function(in, out, rows, size) so that together the calls see, as dense rows, all elements
// of the inputs along `axis`; out has y's rows. All tensors have y's shape; y is memory of a result
// not handed out yet. bf16 is handed over as f32, out and in. Calls may run in any thread; they are
// cut by size alone.
void MapRows(
    const Tensor& y, std::initializer_list<const Tensor*> inputs, int axis,
    absl::FunctionRef<void(const void* const* in, void* out, int64_t rows, int64_t size)> function);

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_REDUCE_ROWS_H_
