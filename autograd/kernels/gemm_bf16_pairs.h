// The bf16 product by AVX512_BF16's vdpbf16ps, each lane of which adds the products of a pair of
// elements that follow each other along k to a float. So packed copies hold pairs.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_PAIRS_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_PAIRS_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_kernels.h"

namespace autograd::kernels {
namespace {

constexpr int64_t kLanes = 16;
// Bytes of a pair.
constexpr int64_t kPair = 4;

// One tile of the product: pair p of row i of A is at a + i a_row + p a_pair bytes.
struct PairTile {
  int64_t pairs;
  const char* a;
  int64_t a_row, a_pair;
  const char* b;  // a panel [pairs, kCols, 2]
  float* c;
  int64_t c_row_stride;
  bool accumulate;
};

inline __m512bh LoadPairs(const char* p) { return (__m512bh)_mm512_loadu_si512(p); }

inline __m512bh BroadcastPair(const char* p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return (__m512bh)_mm512_set1_epi32(pair);
}

// kVecs vectors of a panel that is kPanelVecs wide.
template <int kRows, int kVecs, int kPanelVecs, bool kPacked>
void RunPairTile(const PairTile& t) {
  constexpr int64_t kLine = 64;
  __m512 sum[kRows * kVecs];
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) sum[i] = _mm512_setzero_ps();
  const int64_t row = kPacked ? kPair : t.a_row;
  const int64_t row3 = 3 * row;
  constexpr int kGroups = (kRows + 3) / 4;
  const char* a[kGroups];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g) a[g] = t.a + 4 * g * row;
  const char* b = t.b;
  for (int64_t p = t.pairs; p > 0; --p) {
    __m512bh pairs[kVecs];
#pragma GCC unroll 8
    for (int v = 0; v < kVecs; ++v) pairs[v] = LoadPairs(b + v * kLine);
    b += kPanelVecs * kLine;
#pragma GCC unroll 64
    for (int i = 0; i < kRows; ++i) {
      const char* x = a[i / 4];
      const __m512bh factor = BroadcastPair(i % 4 == 0   ? x
                                            : i % 4 == 1 ? x + row
                                            : i % 4 == 2 ? x + 2 * row
                                                         : x + row3);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        sum[i * kVecs + v] = _mm512_dpbf16_ps(sum[i * kVecs + v], factor, pairs[v]);
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) a[g] += t.a_pair;
  }
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) {
    float* to = t.c + (i / kVecs) * t.c_row_stride + (i % kVecs) * kLanes;
    if (t.accumulate) sum[i] = _mm512_add_ps(_mm512_loadu_ps(to), sum[i]);
    _mm512_storeu_ps(to, sum[i]);
  }
}

// RunPairTile for i + 1 rows at [i].
template <int kMaxRows, int kVecs, int kPanelVecs, bool kPacked>
struct PairTileTable {
  void (*run[kMaxRows])(const PairTile& tile);

  template <int kRows = 1>
  constexpr void Fill() {
    run[kRows - 1] = &RunPairTile<kRows, kVecs, kPanelVecs, kPacked>;
    if constexpr (kRows < kMaxRows) Fill<kRows + 1>();
  }
  constexpr PairTileTable() : run() { Fill(); }
};

// GemmBf16Kernels::multiply.
template <int kRows, int kVecs>
struct PairLoop {
  static constexpr int64_t kCols = kVecs * kLanes;
  static constexpr PairTileTable<kRows, kVecs, kVecs, true> kPacked{};
  static constexpr PairTileTable<kRows, kVecs, kVecs, false> kInPlace{};
  // For the last columns, where a whole tile would waste most of its work.
  static constexpr PairTileTable<kRows, 1, kVecs, true> kPackedNarrow{};
  static constexpr PairTileTable<kRows, 1, kVecs, false> kInPlaceNarrow{};

  static void Run(const GemmBf16Block& x, int64_t t, int64_t first, int64_t rows, int64_t j) {
    PairTile tile;
    tile.pairs = x.k / 2;
    const char* a = static_cast<const char*>(x.a);
    tile.a = x.a_packed ? a + t * kRows * x.k * 2 : a + first * x.a_row_stride * 2;
    tile.a_row = x.a_row_stride * 2;
    tile.a_pair = x.a_packed ? kRows * kPair : kPair;
    tile.b = static_cast<const char*>(x.b) + j * x.k * 2;
    tile.c = x.c + first * x.c_row_stride + j;
    tile.c_row_stride = x.c_row_stride;
    tile.accumulate = x.accumulate;
    if (x.n - j <= kLanes) {
      (x.a_packed ? kPackedNarrow.run : kInPlaceNarrow.run)[rows - 1](tile);
    } else {
      (x.a_packed ? kPacked.run : kInPlace.run)[rows - 1](tile);
    }
  }

  // A B that fits the nearest cache is kept there while A passes by; otherwise one panel is.
  static void Multiply(const GemmBf16Block& x) {
    const RowTiles tiles = CutRows(x.m, kRows);
    constexpr int64_t kNearBytes = 24 * 1024;
    const auto rows_of = [&](int64_t t) { return tiles.rows - (t < tiles.large ? 0 : 1); };
    if (x.k * x.n * 2 <= kNearBytes) {
      int64_t first = 0;
      for (int64_t t = 0; t < tiles.count; first += rows_of(t), ++t) {
        for (int64_t j = 0; j < x.n; j += kCols) Run(x, t, first, rows_of(t), j);
      }
    } else {
      for (int64_t j = 0; j < x.n; j += kCols) {
        int64_t first = 0;
        for (int64_t t = 0; t < tiles.count; first += rows_of(t), ++t) {
          Run(x, t, first, rows_of(t), j);
        }
      }
    }
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_PAIRS_H_
