#include "autograd/kernels/reduce_table.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {

extern const ReduceTables kReduceAvx512;
constexpr ReduceTables kReduceAvx512 = MakeVectorReduceTables<Avx512F32, Avx512F64>();

}  // namespace autograd::kernels
