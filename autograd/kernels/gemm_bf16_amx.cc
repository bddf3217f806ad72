// Products of bf16 matrices by AMX tiles.
//
// A block of 32 rows x 32 columns of C stays in four tiles while k runs, 32 elements a step: four
// tiles are loaded for four products, half the time that the products take. Panels of B hold 32
// columns, packed A 32 rows, each as pairs of tiles of 1 KiB; a panel of A of one chunk of k (24
// KiB) stays in the first-level cache while those of B pass by from the second.
#include <stdint.h>

#include "autograd/kernels/amx_pack.h"
#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/gemm_bf16_finish.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_epilogue.h"
#include "autograd/kernels/simd_avx512_bf16.h"

namespace autograd::kernels {
namespace {

constexpr int kRows = 2 * kTileRows;
constexpr int kCols = 2 * kTileCols;
constexpr int64_t kChunk = 384;

// Tiles cannot be loaded well where rows cross cache lines or where 16 of them fall into few sets
// of the first-level cache (64 sets of lines of 64 bytes).
bool ReadsA(const BFloat16* a, int64_t row_stride, int64_t col_stride) {
  constexpr int64_t kFewSets = 1024;
  const int64_t bytes = row_stride * static_cast<int64_t>(sizeof(BFloat16));
  return col_stride == 1 && reinterpret_cast<uintptr_t>(a) % kTileBytes == 0 &&
         bytes % kTileBytes == 0 && bytes % kFewSets != 0;
}

// [panels of 32 rows][steps of k][2 tiles].
void PackA(int64_t m, int64_t k, const BFloat16* a, int64_t row_stride, int64_t col_stride,
           void* out) {
  auto* tile = static_cast<BFloat16*>(out);
  for (int64_t i = 0; i < m; i += kRows) {
    for (int64_t p = 0; p < k; p += kTileDepth) {
      for (int64_t r = i; r < i + kRows; r += kTileRows, tile += kTileElements) {
        if (r >= m) continue;
        PackTileA(AtMost(kTileRows, m - r), AtMost(kTileDepth, k - p),
                  a + r * row_stride + p * col_stride, row_stride, col_stride, tile);
      }
    }
  }
}

// [panels of 32 columns][steps of k][2 tiles].
template <class T>
void PackB(int64_t k, int64_t n, const T* b, int64_t row_stride, int64_t col_stride, void* out) {
  auto* tile = static_cast<BFloat16*>(out);
  for (int64_t j = 0; j < n; j += kCols) {
    for (int64_t p = 0; p < k; p += kTileDepth) {
      for (int64_t q = j; q < j + kCols; q += kTileCols, tile += kTileElements) {
        if (q >= n) continue;
        PackTileB(AtMost(kTileDepth, k - p), AtMost(kTileCols, n - q),
                  b + p * row_stride + q * col_stride, row_stride, col_stride, tile);
      }
    }
  }
}

// `step` bytes from one 32 elements of k to the next in A.
template <int kRowTiles, int kColTiles>
void RunCell(TilePair a, int64_t step, const char* panel, int64_t k, float* sums,
             int64_t row_stride) {
  TilePair b = {panel, kTileBytes, kTileSize};
  ZeroSums<kRowTiles, kColTiles>();
  for (int64_t p = 0; p < k; p += kTileDepth) {
    AddProducts<kRowTiles, kColTiles>(a, b);
    a.at += step;
    b.at += 2 * kTileSize;
  }
  StoreSums<kRowTiles, kColTiles>(sums, row_stride);
}

// Rows [i, i + rows) of C.
template <int kRowTiles>
void RunRows(const GemmBf16Block& x, int64_t i, int64_t rows) {
  const int64_t size = sizeof(BFloat16), stride = x.a_row_stride * size;
  const auto* a = static_cast<const char*>(x.a);
  const TilePair from = x.a_packed ? TilePair{a + i * x.k * size, kTileBytes, kTileSize}
                                   : TilePair{a + i * stride, stride, kTileRows * stride};
  const int64_t step = x.a_packed ? 2 * kTileSize : kTileBytes;
  alignas(64) float sums[kRows * kCols];
  for (int64_t j = 0; j < x.n; j += kCols) {
    const char* b = static_cast<const char*>(x.b) + j * x.k * size;
    float* c = x.c + i * x.c_row_stride + j;
    float* to = x.accumulate ? sums : c;
    const int64_t to_stride = x.accumulate ? kCols : x.c_row_stride;
    const bool two = x.n - j > kTileCols;
    two ? RunCell<kRowTiles, 2>(from, step, b, x.k, to, to_stride)
        : RunCell<kRowTiles, 1>(from, step, b, x.k, to, to_stride);
    if (!x.accumulate) continue;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t q = 0; q < (two ? 2 : 1) * kTileCols; q += kTileCols) {
        float* y = c + r * x.c_row_stride + q;
        _mm512_storeu_ps(y,
                         _mm512_add_ps(_mm512_loadu_ps(y), _mm512_load_ps(sums + r * kCols + q)));
      }
    }
  }
}

// Between Begin and End. What is packed has whole tiles; rows of A and C that lie elsewhere may end
// with the last one, so tiles of fewer rows read them.
void Multiply(const GemmBf16Block& x) {
  const int64_t rest = x.m % kRows, whole = x.m - rest;
  for (int64_t i = 0; i < whole; i += kRows) RunRows<2>(x, i, kRows);
  if (rest == 0) return;
  if (!x.a_packed) ConfigureTiles(rest);
  rest > kTileRows ? RunRows<2>(x, whole, rest) : RunRows<1>(x, whole, rest);
  if (!x.a_packed) ConfigureTiles();
}

void Begin() { ConfigureTiles(); }
void End() { ReleaseTiles(); }

constexpr GemmBf16Kernels Table() {
  GemmBf16Kernels table = {};
  table.rows = kRows;
  table.cols = kCols;
  table.k_multiple = kTileDepth;
  table.element_bytes = sizeof(BFloat16);
  table.chunk = kChunk;
  table.reads_a = &ReadsA;
  table.pack_a = &PackA;
  table.pack_b = &PackB<BFloat16>;
  table.pack_b_f32 = &PackB<float>;
  table.multiply = &Multiply;
  table.begin = &Begin;
  table.end = &End;
  table.finish_bf16 = &FinishBf16<Avx512Bf16F32, BFloat16>;
  table.finish_f32 = &FinishBf16<Avx512Bf16F32, float>;
  table.sum_rows = &SumRows<Avx512F32, BFloat16>;
  return table;
}

}  // namespace

extern const GemmBf16Kernels AUTOGRAD_AMX_NAME(kGemmBf16Amx) = Table();

}  // namespace autograd::kernels
