#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_bf16_widen.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {

// Rows and columns of the f32 tiles in gemm_avx2.cc.
extern const GemmBf16Kernels kGemmBf16Avx2 = Widening<Avx2F32, Transpose8x8F32, 6, 16>::Table();

}  // namespace autograd::kernels
