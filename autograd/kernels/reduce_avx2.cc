#include "autograd/kernels/reduce_table.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {

extern const ReduceTables kReduceAvx2;
constexpr ReduceTables kReduceAvx2 = MakeVectorReduceTables<Avx2F32, Avx2F64>();

}  // namespace autograd::kernels
