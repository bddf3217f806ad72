#include "autograd/kernels/group_norm_simd.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {

extern const GroupNormTables kGroupNormAvx512;
constexpr GroupNormTables kGroupNormAvx512 = MakeGroupNormTables<Avx512F32, Avx512F64>();

}  // namespace autograd::kernels
