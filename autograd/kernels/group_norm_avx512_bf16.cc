#include "autograd/kernels/group_norm_simd.h"
#include "autograd/kernels/simd_avx512_bf16.h"

namespace autograd::kernels {

extern const GroupNormTables kGroupNormAvx512Bf16;
constexpr GroupNormTables kGroupNormAvx512Bf16 = MakeGroupNormTables<Avx512Bf16F32, Avx512F64>();

}  // namespace autograd::kernels
