// Column sums of bf16 matrices, added up in f32.
//
// Example:
//   const BFloat16 x[4] = {{0x3f80}, {0x4000}, {0x3f80}, {0x4040}};  // 1 2, 1 3
//   float sums[2];
//   kernels::SumRowsBf16(/*rows=*/2, /*columns=*/2, x, sums);
//   std::cout << sums[0] << " " << sums[1] << "\n";  // 2 5
#ifndef AUTOGRAD_KERNELS_SUM_ROWS_BF16_H_
#define AUTOGRAD_KERNELS_SUM_ROWS_BF16_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// sums[columns] = the sums of x [rows, columns], dense, over the rows, added up in their order. 0
// for no rows.
void SumRowsBf16(int64_t rows, int64_t columns, const BFloat16* x, float* sums);

// Of one instruction set.
void SumRowsBf16Avx2(int64_t rows, int64_t columns, const BFloat16* x, float* sums);
void SumRowsBf16Avx512(int64_t rows, int64_t columns, const BFloat16* x, float* sums);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SUM_ROWS_BF16_H_
