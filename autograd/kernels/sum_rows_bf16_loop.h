// SumRowsBf16 on a vector type. Only for files of kernel_library's isa_hdrs: everything is in an
// anonymous namespace.
#ifndef AUTOGRAD_KERNELS_SUM_ROWS_BF16_LOOP_H_
#define AUTOGRAD_KERNELS_SUM_ROWS_BF16_LOOP_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

// Columns [j, j + kVecs vectors) while they last; returns the first that is left.
template <class V, int kVecs>
int64_t SumVectorsBf16(int64_t rows, int64_t columns, int64_t j, const BFloat16* x, float* sums) {
  for (; j + kVecs * V::kLanes <= columns; j += kVecs * V::kLanes) {
    typename V::Vec sum[kVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) sum[v] = V::Zero();
    for (int64_t i = 0; i < rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) {
        sum[v] = sum[v] + V::LoadBf16(x + i * columns + j + v * V::kLanes);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) V::Store(sums + j + v * V::kLanes, sum[v]);
  }
  return j;
}

template <class V>
void SumRowsBf16Loop(int64_t rows, int64_t columns, const BFloat16* x, float* sums) {
  int64_t j = SumVectorsBf16<V, 4>(rows, columns, 0, x, sums);
  j = SumVectorsBf16<V, 2>(rows, columns, j, x, sums);
  j = SumVectorsBf16<V, 1>(rows, columns, j, x, sums);
  if (j == columns) return;
  auto sum = V::Zero();
  for (int64_t i = 0; i < rows; ++i) {
    sum = sum + V::LoadBf16Partial(x + i * columns + j, columns - j);
  }
  V::StorePartial(sums + j, sum, columns - j);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SUM_ROWS_BF16_LOOP_H_
