#include "autograd/ops/copy_elements.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "autograd/kernels/convert.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/parallel/parallel.h"

namespace autograd::internal {
namespace {

// Elements worth a thread.
constexpr int64_t kGrain = 32768;

struct Axis {
  int64_t size, to, from;  // strides in elements
};

// The axes of both tensors. Neighbours that both walk as one are merged.
struct CopyPlan {
  int rank = 0;
  Axis axes[kMaxRank];
};

CopyPlan MakePlan(const Tensor& to, const Tensor& from) {
  CopyPlan plan;
  const int missing = to.rank() - from.rank();
  for (int i = 0; i < to.rank(); ++i) {
    const int own = i - missing;
    const bool repeated = own < 0 || from.shape()[own] == 1;
    const Axis axis = {to.shape()[i], to.strides()[i], repeated ? 0 : from.strides()[own]};
    if (axis.size == 1) continue;
    Axis* last = plan.rank > 0 ? &plan.axes[plan.rank - 1] : nullptr;
    if (last != nullptr && last->to == axis.to * axis.size && last->from == axis.from * axis.size) {
      *last = {last->size * axis.size, axis.to, axis.from};
    } else {
      plan.axes[plan.rank++] = axis;
    }
  }
  // The innermost two axes are copied as a matrix, so there are always two.
  while (plan.rank < 2) {
    std::rotate(plan.axes, plan.axes + plan.rank, plan.axes + plan.rank + 1);
    plan.axes[0] = {1, 0, 0};
    ++plan.rank;
  }
  // Where the elements are not dense in the same order, the matrix is made of the axes along which
  // they are dense in one of the two: then no line of cache is visited more than once.
  Axis& columns = plan.axes[plan.rank - 1];
  if (columns.to != 1 || columns.from != 1) {
    int rows = plan.rank - 2;
    for (int i = 0; i < plan.rank - 2; ++i) {
      const auto reach = [&](int k) { return std::abs(plan.axes[k].from); };
      if (reach(i) != 0 && (reach(rows) == 0 || reach(i) < reach(rows))) rows = i;
    }
    std::rotate(plan.axes + rows, plan.axes + rows + 1, plan.axes + plan.rank - 1);
  }
  return plan;
}

// Copies num_rows x num_columns elements of `item` bytes.
void CopyMatrix(char* to, const char* from, const Axis& rows, const Axis& columns, int64_t num_rows,
                int64_t num_columns, int64_t item) {
  if (columns.to != 1 || columns.from != 1) {
    kernels::GetConvertKernels().strided_copy(from, rows.from, columns.from, to, rows.to,
                                              columns.to, num_rows, num_columns, item);
    return;
  }
  for (int64_t i = 0; i < num_rows; ++i) {
    std::memcpy(to + i * rows.to * item, from + i * rows.from * item,
                static_cast<size_t>(num_columns * item));
  }
}

void Run(const CopyPlan& plan, char* to, const char* from, int64_t item) {
  const Axis rows = plan.axes[plan.rank - 2], columns = plan.axes[plan.rank - 1];
  int64_t matrices = 1;
  for (int i = 0; i < plan.rank - 2; ++i) matrices *= plan.axes[i].size;
  // Pieces of a matrix, each worth a thread or the whole matrix.
  const int64_t width = std::min(columns.size, kGrain);
  const int64_t height = std::min(rows.size, std::max<int64_t>(1, kGrain / width));
  const int64_t across = (columns.size + width - 1) / width;
  const int64_t down = (rows.size + height - 1) / height;
  const int64_t grain = std::max<int64_t>(1, kGrain / (width * height));
  ParallelFor(matrices * down * across, grain, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t column = piece % across * width, row = piece / across % down * height;
      int64_t matrix = piece / across / down;
      int64_t to_offset = row * rows.to + column * columns.to;
      int64_t from_offset = row * rows.from + column * columns.from;
      for (int i = plan.rank - 3; i >= 0; --i) {
        const int64_t index = matrix % plan.axes[i].size;
        matrix /= plan.axes[i].size;
        to_offset += index * plan.axes[i].to;
        from_offset += index * plan.axes[i].from;
      }
      CopyMatrix(to + to_offset * item, from + from_offset * item, rows, columns,
                 std::min(height, rows.size - row), std::min(width, columns.size - column), item);
    }
  });
}

kernels::CastType TypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return kernels::CastType::kF32;
    case DType::kF64:
      return kernels::CastType::kF64;
    case DType::kBF16:
      return kernels::CastType::kBf16;
    case DType::kI32:
      return kernels::CastType::kI32;
    case DType::kI64:
      return kernels::CastType::kI64;
    case DType::kU8:
      return kernels::CastType::kU8;
    case DType::kBool:
      break;
  }
  return kernels::CastType::kBool;
}

}  // namespace

void CopyElements(const Tensor& to, const Tensor& from) {
  if (to.numel() == 0) return;
  Run(MakePlan(to, from), to.raw<char>(), from.raw<char>(),
      static_cast<int64_t>(ItemSize(to.dtype())));
}

Tensor DenseCopy(const Tensor& x) {
  Tensor copy = Tensor::Empty(x.shape(), x.dtype());
  CopyElements(copy, x);
  return copy;
}

void CastElements(Tensor& to, const Tensor& x) {
  const kernels::CastFn cast = kernels::GetCast(TypeOf(x.dtype()), TypeOf(to.dtype()));
  const Tensor* inputs[] = {&x};
  DenseElementwiseLoop(
      to, inputs, [cast](int64_t n, void* out, const void* const* in) { cast(in[0], out, n); });
}

Tensor CastCopy(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor copy = Tensor::Empty(x.shape(), dtype);
  CastElements(copy, x);
  return copy;
}

Tensor InComputeType(const Tensor& x) { return CastCopy(x, ComputeDType(x.dtype())); }

}  // namespace autograd::internal
