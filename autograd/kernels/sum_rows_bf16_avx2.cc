#include "autograd/kernels/simd_avx2.h"
#include "autograd/kernels/sum_rows_bf16.h"
#include "autograd/kernels/sum_rows_bf16_loop.h"

namespace autograd::kernels {

void SumRowsBf16Avx2(int64_t rows, int64_t columns, const BFloat16* x, float* sums) {
  SumRowsBf16Loop<Avx2F32>(rows, columns, x, sums);
}

}  // namespace autograd::kernels
