#include "autograd/kernels/simd_avx512.h"
#include "autograd/kernels/unary_table.h"

namespace autograd::kernels {

extern const UnaryKernels kUnaryAvx512;
constexpr UnaryKernels kUnaryAvx512 = MakeUnaryKernels<Avx512F32, Avx512F64>();

}  // namespace autograd::kernels
