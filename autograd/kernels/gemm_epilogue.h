// What happens to a sum of products on its way to C: alpha, beta, bias and activation.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_EPILOGUE_H_
#define AUTOGRAD_KERNELS_GEMM_EPILOGUE_H_

#include <stdint.h>

#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_load.h"

namespace autograd::kernels {
namespace {

// Where a tile's alpha A B + beta old + bias goes, all pointers at the tile's first element.
template <class T>
struct Output {
  T alpha, beta;
  const T* old;
  int64_t old_row_stride;
  const T* bias;
  T* to;
  int64_t to_row_stride;
};

template <class T>
Output<T> OutputAt(T alpha, T beta, T* c, int64_t c_row_stride, const GemmEpilogue<T>& e, int64_t i,
                   int64_t j) {
  const bool keep = e.pre_activation != nullptr;
  Output<T> out;
  out.alpha = alpha;
  out.beta = beta;
  out.old = c + i * c_row_stride + j;
  out.old_row_stride = c_row_stride;
  out.bias = e.bias == nullptr ? nullptr : e.bias + j;
  out.to_row_stride = keep ? e.pre_activation_row_stride : c_row_stride;
  out.to = (keep ? e.pre_activation : c) + i * out.to_row_stride + j;
  return out;
}

// Completes rows [i, i + rows) and columns [j, j + cols) of C, of which OutputAt's arrays hold the
// sums. The function is called on as many elements at a time as lie next to each other.
template <class T>
void Activate(int64_t i, int64_t j, int64_t rows, int64_t cols, T* c, int64_t c_row_stride,
              const GemmEpilogue<T>& e) {
  if (e.activation == nullptr && e.pre_activation == nullptr) return;
  T* to = c + i * c_row_stride + j;
  const Output<T> out = OutputAt(T(0), T(0), c, c_row_stride, e, i, j);
  if (e.activation != nullptr && c_row_stride == cols && out.to_row_stride == cols) {
    return e.activation(out.to, to, rows * cols, e.parameter);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = out.to + r * out.to_row_stride;
    T* y = to + r * c_row_stride;
    if (e.activation != nullptr) {
      e.activation(x, y, cols, e.parameter);
    } else {
      for (int64_t q = 0; q < cols; ++q) y[q] = x[q];
    }
  }
}

// The way to `to` for sums that lie in memory.
template <class V>
[[gnu::noinline]] void FinishRows(int64_t rows, int64_t cols, const typename V::Scalar* sum,
                                  int64_t sum_row_stride, const Output<typename V::Scalar>& out) {
  using T = typename V::Scalar;
  const auto alpha = V::Set(out.alpha), beta = V::Set(out.beta);
  for (int64_t i = 0; i < rows; ++i) {
    const T* x = sum + i * sum_row_stride;
    const T* old = out.old + i * out.old_row_stride;
    T* to = out.to + i * out.to_row_stride;
    int64_t j = 0;
    for (; j + V::kLanes <= cols; j += V::kLanes) {
      auto y = alpha * V::Load(x + j);
      if (out.beta != T(0)) y = V::Fma(beta, V::Load(old + j), y);
      if (out.bias != nullptr) y = y + V::Load(out.bias + j);
      V::Store(to + j, y);
    }
    if (const int64_t rest = cols - j; rest > 0) {
      auto y = alpha * V::LoadPartial(x + j, rest);
      if (out.beta != T(0)) y = V::Fma(beta, V::LoadPartial(old + j, rest), y);
      if (out.bias != nullptr) y = y + V::LoadPartial(out.bias + j, rest);
      V::StorePartial(to + j, y, rest);
    }
  }
}

// GemmKernels::finish.
template <class V>
void Finish(int64_t m, int64_t n, typename V::Scalar alpha, const typename V::Scalar* x,
            int64_t x_row_stride, typename V::Scalar beta, typename V::Scalar* c,
            int64_t c_row_stride, const GemmEpilogue<typename V::Scalar>& epilogue) {
  FinishRows<V>(m, n, x, x_row_stride, OutputAt(alpha, beta, c, c_row_stride, epilogue, 0, 0));
  Activate(0, 0, m, n, c, c_row_stride, epilogue);
}

// GemmKernels::sum_rows: four vectors of columns at a time.
template <class V, class In = typename V::Scalar>
void SumRows(int64_t m, int64_t n, const In* x, int64_t x_row_stride, typename V::Scalar* out) {
  constexpr int kVecs = 4;
  int64_t j = 0;
  for (; j + kVecs * V::kLanes <= n; j += kVecs * V::kLanes) {
    typename V::Vec sum[kVecs] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
    for (int64_t i = 0; i < m; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) {
        sum[v] = sum[v] + LoadAs<V>(x + i * x_row_stride + j + v * V::kLanes);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) V::Store(out + j + v * V::kLanes, sum[v]);
  }
  for (; j < n; j += V::kLanes) {
    const int64_t cols = n - j < V::kLanes ? n - j : V::kLanes;
    auto sum = V::Zero();
    for (int64_t i = 0; i < m; ++i) {
      const auto* row = x + i * x_row_stride + j;
      sum = sum + (cols == V::kLanes ? LoadAs<V>(row) : LoadPartialAs<V>(row, cols));
    }
    if (cols == V::kLanes) {
      V::Store(out + j, sum);
    } else {
      V::StorePartial(out + j, sum, cols);
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_EPILOGUE_H_
