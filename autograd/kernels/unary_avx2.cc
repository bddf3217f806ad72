#include "autograd/kernels/simd_avx2.h"
#include "autograd/kernels/unary_table.h"

namespace autograd::kernels {

extern const UnaryKernels kUnaryAvx2;
constexpr UnaryKernels kUnaryAvx2 = MakeUnaryKernels<Avx2F32, Avx2F64>();

}  // namespace autograd::kernels
