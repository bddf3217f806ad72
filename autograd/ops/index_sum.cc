#include "autograd/ops/index_sum.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/ops/copy_elements.h"
#include "autograd/ops/index_plan.h"
#include "autograd/parallel/parallel.h"

namespace autograd::internal {
namespace {

// Lanes a thread takes at least: a line of cache, so that no two threads write to one.
constexpr int64_t kMinLanes = 64;

// Calls function(T{}) with the type the sum of a dtype is kept in.
template <class Function>
void DispatchSum(DType dtype, Function function) {
  switch (dtype) {
    case DType::kF64:
      return function(double{});
    case DType::kI32:
      return function(int32_t{});
    case DType::kI64:
      return function(int64_t{});
    default:
      return function(float{});
  }
}

template <class T>
void AddTo(T& sum, T value) {
  if constexpr (std::is_integral_v<T>) {
    // Overflow wraps.
    using Unsigned = std::make_unsigned_t<T>;
    sum = static_cast<T>(static_cast<Unsigned>(sum) + static_cast<Unsigned>(value));
  } else {
    sum += value;
  }
}

// Calls body(outer, begin, end) for runs of lanes [begin, end) inside one outer entry, where each
// of outer * inner lanes costs `work` additions.
template <class Body>
void ForEachLaneRun(int64_t outer, int64_t inner, int64_t work, Body body) {
  const int64_t grain =
      std::max(inner == 1 ? 1 : kMinLanes, kIndexGrain / std::max<int64_t>(1, work));
  ParallelFor(outer * inner, grain, [&](int64_t begin, int64_t end) {
    for (int64_t lane = begin; lane < end;) {
      const int64_t first = lane % inner, n = std::min(inner - first, end - lane);
      body(lane / inner, first, first + n);
      lane += n;
    }
  });
}

Tensor Dense(const Tensor& x) { return x.is_contiguous() ? x : DenseCopy(x); }

}  // namespace

void CheckSummands(const char* operation, const Tensor& x, const Tensor& source,
                   const Shape& shape) {
  const DType dtype = x.dtype();
  if (dtype == DType::kU8 || dtype == DType::kBool || source.dtype() != dtype) {
    throw std::invalid_argument(std::string(operation) +
                                ": wants two tensors of one dtype among f32, f64, bf16, i32 and "
                                "i64, got " +
                                Describe(x) + " and source " + Describe(source));
  }
  if (source.shape() != shape) {
    throw std::invalid_argument(std::string(operation) + ": source " + Describe(source) + " for " +
                                Describe(x) + " does not have the shape " + shape.ToString() +
                                " that the index gives");
  }
}

void AddSelected(const Tensor& y, int axis, const Tensor& index, const Tensor& source) {
  if (source.numel() == 0) return;
  const Tensor from = Dense(source);
  const AxisSizes sizes(y.shape(), axis);
  const int64_t count = index.numel();
  const int64_t* indices = index.raw<int64_t>();
  DispatchSum(y.dtype(), [&](auto typed) {
    using T = decltype(typed);
    ForEachLaneRun(sizes.outer, sizes.inner, count, [&](int64_t o, int64_t begin, int64_t end) {
      T* to = y.raw<T>() + o * sizes.size * sizes.inner;
      const T* summands = from.raw<T>() + o * count * sizes.inner;
      for (int64_t i = 0; i < count; ++i) {
        T* row = to + indices[i] * sizes.inner;
        for (int64_t j = begin; j < end; ++j) AddTo(row[j], summands[i * sizes.inner + j]);
      }
    });
  });
}

void AddScattered(const Tensor& y, int axis, const Tensor& index, const Tensor& source) {
  if (source.numel() == 0) return;
  const Tensor from = Dense(source);
  const AxisSizes sizes(index.shape(), axis);
  // Where each inner entry of the index lies in y, which may be larger.
  std::vector<int64_t> inner(static_cast<size_t>(sizes.inner));
  for (size_t j = 0; j < inner.size(); ++j) {
    inner[j] =
        OffsetOf(static_cast<int64_t>(j), index.shape(), y.strides(), axis + 1, index.rank() - 1);
  }
  const int64_t step = y.strides()[axis];
  DispatchSum(y.dtype(), [&](auto typed) {
    using T = decltype(typed);
    ForEachLaneRun(sizes.outer, sizes.inner, sizes.size,
                   [&](int64_t o, int64_t begin, int64_t end) {
                     T* to = y.raw<T>() + OffsetOf(o, index.shape(), y.strides(), 0, axis - 1);
                     for (int64_t i = 0; i < sizes.size; ++i) {
                       const int64_t row = (o * sizes.size + i) * sizes.inner;
                       const int64_t* indices = index.raw<int64_t>() + row;
                       const T* summands = from.raw<T>() + row;
                       for (int64_t j = begin; j < end; ++j) {
                         AddTo(to[indices[j] * step + inner[static_cast<size_t>(j)]], summands[j]);
                       }
                     }
                   });
  });
}

Tensor Summed(AddFunction add, const Tensor& x, int axis, const Tensor& index,
              const Tensor& source) {
  const bool narrow = x.dtype() == DType::kBF16;
  const Tensor y = narrow ? InComputeType(x) : DenseCopy(x);
  add(y, axis, index, InComputeType(source));
  return CastCopy(y, x.dtype());
}

}  // namespace autograd::internal
