#include "autograd/kernels/row_norm_simd.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {

extern const RowNormTables kRowNormAvx512;
constexpr RowNormTables kRowNormAvx512 = MakeRowNormTables<Avx512F32, Avx512F64>();

}  // namespace autograd::kernels
