#include "autograd/kernels/row_norm_simd.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {

extern const RowNormTables kRowNormAvx2;
constexpr RowNormTables kRowNormAvx2 = MakeRowNormTables<Avx2F32, Avx2F64>();

}  // namespace autograd::kernels
