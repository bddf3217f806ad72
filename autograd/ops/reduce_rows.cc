#include "autograd/ops/reduce_rows.h"

#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"

namespace autograd::internal {
namespace {

// Dense, and f32 in place of bf16.
Tensor Dense(const Tensor& x) {
  const Tensor wide = InComputeType(x);
  return wide.is_contiguous() ? wide : DenseCopy(wide);
}

// A view with the reduced axes last, each group in its order.
Tensor ReducedLast(const Tensor& x, const ReducedAxes& axes) {
  Shape shape;
  Strides strides;
  for (const bool reduced : {false, true}) {
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (axes.reduced[axis] != reduced) continue;
      shape.push_back(x.shape()[axis]);
      strides.push_back(x.strides()[axis]);
    }
  }
  return x.ViewAs(shape, strides, 0);
}

// Columns summed together: their sums stay in the first-level cache.
constexpr int64_t kColumnPiece = 1024;
// Rows of a piece at least, so that partial sums stay few.
constexpr int64_t kMinPieceRows = 64;

template <class T>
void SumRows(const Folded& x, T* y, double scale) {
  using Partial = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
  const auto store = [&](int64_t row, Partial sum) {
    if constexpr (std::is_integral_v<T>) {
      y[row] = static_cast<T>(sum);
    } else {
      y[row] = static_cast<T>(sum * scale);
    }
  };
  ReduceRows<Partial>(x.dense.raw<T>(), x.outer, x.count, RowKernels<T>().sum,
                      RowKernels<Partial>().sum, store);
}

// Cut into pieces of [rows, columns]; the partial sums [outer, pieces, inner] are then summed.
template <class T>
void SumColumns(const Folded& x, T* y, double scale) {
  const auto& kernel = kernels::GetReduce<T>();
  const int64_t width = std::min(x.inner, kColumnPiece);
  const int64_t height = std::max(kMinPieceRows, kRowPiece / width);
  const int64_t strips = (x.inner + width - 1) / width;
  const int64_t pieces = std::max<int64_t>(1, (x.count + height - 1) / height);
  const bool direct = pieces == 1 && scale == 1;
  const Tensor memory =
      direct ? Tensor() : Tensor::Empty({x.outer * pieces * x.inner}, DType::kF64);
  double* partials = direct ? nullptr : memory.raw<double>();
  const int64_t grain = std::max<int64_t>(1, kRowPiece / (width * std::min(height, x.count) + 1));
  const auto sum_piece = [&](int64_t task) {
    const int64_t column = task % strips * width, row = task / strips % pieces * height;
    const int64_t outer = task / strips / pieces;
    const int64_t rows = std::min(height, x.count - row);
    const int64_t columns = std::min(width, x.inner - column);
    const T* from = x.dense.raw<T>() + (outer * x.count + row) * x.inner + column;
    const int64_t to = (outer * pieces + row / height) * x.inner + column;
    if (direct) {
      kernel.column_sum(from, rows, columns, x.inner, y + to);
    } else {
      kernel.column_sum_partial(from, rows, columns, x.inner, partials + to);
    }
  };
  ParallelFor(x.outer * pieces * strips, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) sum_piece(task);
  });
  if (direct) return;
  ParallelFor(x.outer * strips, std::max<int64_t>(1, kRowPiece / (width * pieces)),
              [&](int64_t begin, int64_t end) {
                double sums[kColumnPiece];
                for (int64_t task = begin; task < end; ++task) {
                  const int64_t column = task % strips * width, outer = task / strips;
                  const int64_t columns = std::min(width, x.inner - column);
                  kernels::GetReduce<double>().column_sum(
                      partials + outer * pieces * x.inner + column, pieces, columns, x.inner, sums);
                  T* to = y + outer * x.inner + column;
                  for (int64_t j = 0; j < columns; ++j) to[j] = static_cast<T>(sums[j] * scale);
                }
              });
}

// A view of x with `axis` last.
Tensor AxisLast(const Tensor& x, int axis) {
  ReducedAxes axes;
  axes.reduced[axis] = true;
  return ReducedLast(x, axes);
}

}  // namespace

ReducedAxes::ReducedAxes(const char* operation, const Dims& axes, const Shape& shape) {
  if (axes.rank() == 0) std::fill(reduced, reduced + shape.rank(), true);
  for (const int64_t axis : axes) {
    bool& mark = reduced[NormalizeAxis(operation, axis, shape)];
    if (mark) {
      throw std::invalid_argument(std::string(operation) + ": axes " + axes.ToString() +
                                  " name an axis of shape " + shape.ToString() + " twice");
    }
    mark = true;
  }
}

Shape ReducedAxes::Reduce(const Shape& shape, bool keepdim) const {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!reduced[axis]) {
      result.push_back(shape[axis]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

int64_t ReducedAxes::Count(const Shape& shape) const {
  int64_t count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (reduced[axis]) count *= shape[axis];
  }
  return count;
}

Folded Fold(const Tensor& x, const ReducedAxes& axes) {
  Folded folded;
  bool seen = false, together = true;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t size = x.shape()[axis];
    if (size == 1) continue;
    if (axes.reduced[axis]) {
      together = together && folded.inner == 1;
      folded.count *= size;
      seen = true;
    } else {
      (seen ? folded.inner : folded.outer) *= size;
    }
  }
  if (!together || folded.inner == 0) return FoldToRows(x, axes);
  folded.dense = Dense(x);
  return folded;
}

Folded FoldToRows(const Tensor& x, const ReducedAxes& axes) {
  Folded folded;
  folded.count = axes.Count(x.shape());
  folded.outer = axes.Reduce(x.shape(), false).numel();
  folded.dense = Dense(ReducedLast(x, axes));
  return folded;
}

Tensor SumAxes(const Tensor& x, const ReducedAxes& axes, const Shape& shape, double scale) {
  Tensor y = Tensor::Empty(shape, ComputeDType(x.dtype()));
  const bool rows_only = !IsFloating(x.dtype());
  const Folded folded = rows_only ? FoldToRows(x, axes) : Fold(x, axes);
  Dispatch<DTypes::kArithmetic>(y.dtype(), [&]<class T>(T) {
    if constexpr (!std::is_integral_v<T>) {
      if (folded.inner != 1) return SumColumns(folded, y.raw<T>(), scale);
    }
    SumRows(folded, y.raw<T>(), scale);
  });
  return CastCopy(y, x.dtype());
}

void MapRows(const Tensor& y, std::initializer_list<const Tensor*> inputs, int axis,
             absl::FunctionRef<void(const void* const*, void*, int64_t, int64_t)> function) {
  constexpr size_t kMaxInputs = 2;
  if (y.numel() == 0) return;
  const bool last = axis == y.rank() - 1, narrow = y.dtype() == DType::kBF16;
  Tensor rows[kMaxInputs], target = AxisLast(y, axis);
  const Tensor out = last && !narrow ? y : Tensor::Empty(target.shape(), ComputeDType(y.dtype()));
  size_t count = 0;
  for (const Tensor* input : inputs) {
    rows[count++] = Dense(AxisLast(*input, axis));
  }
  const int64_t size = y.shape()[axis];
  const auto row_of = [&](const Tensor& tensor, int64_t row) {
    return tensor.raw<char>() + row * size * static_cast<int64_t>(ItemSize(tensor.dtype()));
  };
  ParallelFor(y.numel() / size, std::max<int64_t>(1, kRowPiece / 2 / size),
              [&](int64_t begin, int64_t end) {
                const void* in[kMaxInputs];
                for (size_t k = 0; k < count; ++k) in[k] = row_of(rows[k], begin);
                function(in, row_of(out, begin), end - begin, size);
              });
  if (narrow) {
    CastElements(target, out);
  } else if (!last) {
    CopyElements(target, out);
  }
}

}  // namespace autograd::internal
