#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_bf16_widen.h"
#include "autograd/kernels/gemm_scalar_vec.h"

namespace autograd::kernels {

// Rows and columns of the f32 tiles in gemm_scalar.cc.
extern const GemmBf16Kernels kGemmBf16Scalar =
    Widening<ScalarVec<float>, Transpose1x1<float>, 4, 8>::Table();

}  // namespace autograd::kernels
