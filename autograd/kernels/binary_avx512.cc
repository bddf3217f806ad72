#include "autograd/kernels/binary_table.h"
#include "autograd/kernels/simd_avx512.h"
#include "autograd/kernels/vec_pow.h"

namespace autograd::kernels {

extern const BinaryTables kBinaryAvx512;
constexpr BinaryTables kBinaryAvx512 = WithVectorPow<Avx512F32, Avx512F64>(MakeBinaryTables());

}  // namespace autograd::kernels
