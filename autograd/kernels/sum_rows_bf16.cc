#include "autograd/kernels/sum_rows_bf16.h"

#include "autograd/dtype.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {

void SumRowsBf16(int64_t rows, int64_t columns, const BFloat16* x, float* sums) {
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAvx512) return SumRowsBf16Avx512(rows, columns, x, sums);
  if (ActiveIsa() >= Isa::kAvx2) return SumRowsBf16Avx2(rows, columns, x, sums);
#endif
  for (int64_t j = 0; j < columns; ++j) sums[j] = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) sums[j] += ToFloat(x[i * columns + j]);
  }
}

}  // namespace autograd::kernels
