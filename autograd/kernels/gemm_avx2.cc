#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_pack.h"
#include "autograd/kernels/gemm_tile.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {
namespace {

// 12 of the 16 registers hold sums, 2 a row of B, 1 the element of A.
constexpr int kRows = 6;
constexpr int kVecs = 2;

template <class V, class Transpose>
constexpr GemmKernels<typename V::Scalar> Table() {
  return {V::kLanes,
          kRows,
          kVecs * V::kLanes,
          &Multiply<V, kRows, kVecs, 0, 0>,
          &PackA<V, Transpose, kRows>,
          &PackB<V, Transpose, kVecs * V::kLanes>,
          &Finish<V>,
          &SumRows<V>};
}

}  // namespace

extern const GemmKernels<float> kGemmAvx2F32 = Table<Avx2F32, Transpose8x8F32>();
extern const GemmKernels<double> kGemmAvx2F64 = Table<Avx2F64, Transpose4x4F64>();

}  // namespace autograd::kernels
