#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_pack.h"
#include "autograd/kernels/gemm_tile.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {
namespace {

// 28 of the 32 registers hold sums, 2 a row of B, 1 the element of A.
constexpr int kRows = 14;
constexpr int kVecs = 2;
constexpr int kWideRows = 6;
constexpr int kFlatRows = 3;

template <class V, class Transpose>
constexpr GemmKernels<typename V::Scalar> Table() {
  return {V::kLanes,
          kRows,
          kVecs * V::kLanes,
          &Multiply<V, kRows, kVecs, kWideRows, kFlatRows>,
          &PackA<V, Transpose, kRows>,
          &PackB<V, Transpose, kVecs * V::kLanes>,
          &Finish<V>,
          &SumRows<V>};
}

}  // namespace

extern const GemmKernels<float> kGemmAvx512F32 = Table<Avx512F32, Transpose8x8F32>();
extern const GemmKernels<double> kGemmAvx512F64 = Table<Avx512F64, Transpose4x4F64>();

}  // namespace autograd::kernels
