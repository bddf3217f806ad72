#include "autograd/kernels/gemm_bf16_finish.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_bf16_pair_pack.h"
#include "autograd/kernels/gemm_bf16_pairs.h"
#include "autograd/kernels/gemm_epilogue.h"
#include "autograd/kernels/simd_avx512_bf16.h"

namespace autograd::kernels {
namespace {

// 28 of the 32 registers hold sums, 2 a row of B, 1 the pair of A.
constexpr int kRows = 14;
constexpr int kVecs = 2;

bool ReadsA(const BFloat16*, int64_t, int64_t col_stride) { return col_stride == 1; }

void PackBf16(int64_t k, int64_t n, const BFloat16* b, int64_t row_stride, int64_t col_stride,
              void* out) {
  PackPairsB(k, n, b, row_stride, col_stride, static_cast<BFloat16*>(out));
}

void PackF32(int64_t k, int64_t n, const float* b, int64_t row_stride, int64_t col_stride,
             void* out) {
  PackPairsB(k, n, reinterpret_cast<const RoundedF32*>(b), row_stride, col_stride,
             static_cast<BFloat16*>(out));
}

constexpr GemmBf16Kernels Table() {
  GemmBf16Kernels table = {};
  table.rows = kRows;
  table.cols = kVecs * kLanes;
  table.k_multiple = 2;
  table.element_bytes = sizeof(BFloat16);
  table.chunk = 384;
  table.reads_a = &ReadsA;
  table.pack_a = &PackPairsA<kRows>;
  table.pack_b = &PackBf16;
  table.pack_b_f32 = &PackF32;
  table.multiply = &PairLoop<kRows, kVecs>::Multiply;
  table.finish_bf16 = &FinishBf16<Avx512Bf16F32, BFloat16>;
  table.finish_f32 = &FinishBf16<Avx512Bf16F32, float>;
  table.sum_rows = &SumRows<Avx512F32, BFloat16>;
  return table;
}

}  // namespace

extern const GemmBf16Kernels kGemmBf16Avx512Bf16 = Table();

}  // namespace autograd::kernels
