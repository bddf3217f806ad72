#include "autograd/kernels/group_norm_simd.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {

extern const GroupNormTables kGroupNormAvx2;
constexpr GroupNormTables kGroupNormAvx2 = MakeGroupNormTables<Avx2F32, Avx2F64>();

}  // namespace autograd::kernels
