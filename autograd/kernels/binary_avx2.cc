#include "autograd/kernels/binary_table.h"
#include "autograd/kernels/simd_avx2.h"
#include "autograd/kernels/vec_pow.h"

namespace autograd::kernels {

extern const BinaryTables kBinaryAvx2;
constexpr BinaryTables kBinaryAvx2 = WithVectorPow<Avx2F32, Avx2F64>(MakeBinaryTables());

}  // namespace autograd::kernels
