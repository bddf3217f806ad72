#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_bf16_widen.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {

// Rows and columns of the f32 tiles in gemm_avx512.cc.
extern const GemmBf16Kernels kGemmBf16Avx512 =
    Widening<Avx512F32, Transpose8x8F32, 14, 32>::Table();

}  // namespace autograd::kernels
