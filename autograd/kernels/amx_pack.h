// Operands of AMX products copied into tiles of 1 KiB: rows of 64 bytes that follow each other, so
// that a tile's load touches 16 cache lines and no two of them fall into the same set.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_AMX_PACK_H_
#define AUTOGRAD_KERNELS_AMX_PACK_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/amx_tile.h"

namespace autograd::kernels {
namespace {

constexpr int64_t kTileElements = kTileRows * kTileDepth;  // bf16
constexpr int64_t kTileSize = kTileElements * static_cast<int64_t>(sizeof(BFloat16));

inline int64_t AtMost(int64_t a, int64_t b) { return a < b ? a : b; }

// Element i of row j becomes element j of row i: 16 x 16 of 32 bits. Pairs of rows, then
// quadruples within each quarter of the registers, then the quarters.
[[gnu::always_inline]] inline void Transpose16x16(__m512i (&r)[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

inline __mmask16 FirstOf16(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
inline __mmask32 FirstOf32(int64_t n) { return static_cast<__mmask32>((uint64_t{1} << n) - 1u); }

// The first n of 16 or 32 elements as bf16, zeros behind them.
inline __m256i Load16(const BFloat16* p, int64_t n) {
  return _mm256_maskz_loadu_epi16(FirstOf16(n), p);
}
inline __m256i Load16(const float* p, int64_t n) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(FirstOf16(n), p)));
}
inline __m512i Load32(const BFloat16* p, int64_t n) {
  return _mm512_maskz_loadu_epi16(FirstOf32(n), p);
}
inline __m512i Load32(const float* p, int64_t n) {
  const __m256i lower = Load16(p, n < 16 ? n : 16);
  const __m256i upper = n <= 16 ? _mm256_setzero_si256() : Load16(p + 16, n - 16);
  return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
}
inline BFloat16 ToBf16(BFloat16 x) { return x; }
inline BFloat16 ToBf16(float x) {
  const __m128bh y = _mm_cvtneps_pbh(_mm_set_ss(x));
  return {static_cast<uint16_t>(_mm_extract_epi16(reinterpret_cast<__m128i>(y), 0))};
}

// [a0 b0 a1 b1 ...].
inline __m512i Pairs(__m256i a, __m256i b) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(a), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}

// Pairs (p, p + 1) of rows of x, element (p, j) at x[p row_stride + j], rows < depth, columns <
// cols; zeros elsewhere.
template <class T>
[[gnu::always_inline]] inline void LoadPairs(int64_t depth, int64_t cols, const T* x,
                                             int64_t row_stride, __m512i (&pairs)[16]) {
#pragma GCC unroll 16
  for (int p = 0; p < 16; ++p) {
    const int64_t row = 2 * p;
    const __m256i zero = _mm256_setzero_si256();
    const __m256i even = row < depth ? Load16(x + row * row_stride, cols) : zero;
    const __m256i odd = row + 1 < depth ? Load16(x + (row + 1) * row_stride, cols) : zero;
    pairs[p] = Pairs(even, odd);
  }
}

// Rows of up to 32 elements, element (i, p) at x[i row_stride + p], i < rows, p < depth.
template <class T>
[[gnu::always_inline]] inline void LoadRows(int64_t rows, int64_t depth, const T* x,
                                            int64_t row_stride, __m512i (&r)[16]) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    r[i] = i < rows ? Load32(x + i * row_stride, depth) : _mm512_setzero_si512();
  }
}

[[gnu::always_inline]] inline void StoreRows(const __m512i (&r)[16], BFloat16* tile) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) _mm512_storeu_si512(tile + i * kTileDepth, r[i]);
}

// One tile of A: element (i, p), i < rows <= 16, p < depth <= 32, of a[i row_stride + p col_stride]
// at tile[i * 32 + p]; zeros elsewhere.
template <class T>
[[gnu::noinline]] void PackTileA(int64_t rows, int64_t depth, const T* a, int64_t row_stride,
                                 int64_t col_stride, BFloat16* tile) {
  __m512i r[16];
  if (col_stride == 1) {
    LoadRows(rows, depth, a, row_stride, r);
    return StoreRows(r, tile);
  }
  if (row_stride == 1) {
    LoadPairs(depth, rows, a, col_stride, r);
    Transpose16x16(r);
    return StoreRows(r, tile);
  }
  __builtin_memset(tile, 0, kTileElements * sizeof(BFloat16));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t p = 0; p < depth; ++p) {
      tile[i * kTileDepth + p] = ToBf16(a[i * row_stride + p * col_stride]);
    }
  }
}

// One tile of B: element (p, j), p < depth <= 32, j < cols <= 16, of b[p row_stride + j col_stride]
// at tile[(p / 2 * 16 + j) * 2 + p % 2]; zeros elsewhere.
template <class T>
[[gnu::noinline]] void PackTileB(int64_t depth, int64_t cols, const T* b, int64_t row_stride,
                                 int64_t col_stride, BFloat16* tile) {
  __m512i r[16];
  if (col_stride == 1) {
    LoadPairs(depth, cols, b, row_stride, r);
    return StoreRows(r, tile);
  }
  if (row_stride == 1) {
    LoadRows(cols, depth, b, col_stride, r);
    Transpose16x16(r);
    return StoreRows(r, tile);
  }
  __builtin_memset(tile, 0, kTileElements * sizeof(BFloat16));
  for (int64_t p = 0; p < depth; ++p) {
    for (int64_t j = 0; j < cols; ++j) {
      tile[(p / 2 * kTileCols + j) * 2 + p % 2] = ToBf16(b[p * row_stride + j * col_stride]);
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_AMX_PACK_H_
