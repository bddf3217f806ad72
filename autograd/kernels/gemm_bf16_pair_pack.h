// Packing of pairs for gemm_bf16_pairs.h: [k / 2, rows or columns, 2], an odd k filled up with
// zeros.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_PAIR_PACK_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_PAIR_PACK_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_load.h"
#include "autograd/kernels/gemm_transpose.h"

namespace autograd::kernels {
namespace {

inline BFloat16 AsBf16(BFloat16 x) { return x; }
inline BFloat16 AsBf16(RoundedF32 x) { return RoundElement(x.value); }

inline __mmask32 FirstLanes32(int64_t n) {
  return n >= 32 ? ~__mmask32{0} : static_cast<__mmask32>((1u << n) - 1u);
}

// n <= 32 elements, zeros behind them.
inline __m512i LoadBf16x32(const BFloat16* p, int64_t n) {
  return _mm512_maskz_loadu_epi16(FirstLanes32(n), p);
}
inline __m512i LoadBf16x32(const RoundedF32* p, int64_t n) {
  const __mmask32 lanes = FirstLanes32(n);
  const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(lanes & 0xffff), p);
  const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(lanes >> 16), p + 16);
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Lanes of two rows one after the other: those of the first 16 columns, and of the last.
struct Interleaved {
  __m512i low, high;
};
inline Interleaved InterleaveRows(__m512i even, __m512i odd) {
  alignas(64) static constexpr uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                    37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                    11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  return {_mm512_permutex2var_epi16(even, low, odd), _mm512_permutex2var_epi16(even, high, odd)};
}

// out[pair p, i] = the pair (2 p, 2 p + 1) along k of row i < count: any strides.
template <class In>
void PackPairsAny(int64_t k, int64_t count, const In* in, int64_t stride, int64_t k_stride,
                  BFloat16* out, int64_t out_pairs) {
  for (int64_t p = 0; p < k; ++p) {
    BFloat16* to = out + p / 2 * out_pairs * 2 + p % 2;
    for (int64_t i = 0; i < count; ++i) to[2 * i] = AsBf16(in[i * stride + p * k_stride]);
  }
  if (k % 2 == 0) return;
  BFloat16* last = out + k / 2 * out_pairs * 2 + 1;
  for (int64_t i = 0; i < count; ++i) last[2 * i] = {0};
}

// GemmBf16Kernels::pack_a.
template <int kRows>
void PackPairsA(int64_t m, int64_t k, const BFloat16* a, int64_t row_stride, int64_t col_stride,
                void* out) {
  static_assert(kRows <= 16);
  const RowTiles tiles = CutRows(m, kRows);
  BFloat16* to = static_cast<BFloat16*>(out);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int64_t rows = t < tiles.large ? tiles.rows : tiles.rows - 1;
    if (row_stride == 1) {
      const __mmask16 lanes = static_cast<__mmask16>((1u << rows) - 1u);
      for (int64_t p = 0; p < k; p += 2) {
        const BFloat16* from = a + p * col_stride;
        const __m256i even = _mm256_maskz_loadu_epi16(lanes, from);
        const __m256i odd =
            p + 1 < k ? _mm256_maskz_loadu_epi16(lanes, from + col_stride) : _mm256_setzero_si256();
        const __m512i pairs = _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                                              _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
        _mm512_mask_storeu_epi32(to + p * kRows, lanes, pairs);
      }
    } else {
      PackPairsAny(k, rows, a, row_stride, col_stride, to, kRows);
    }
    a += rows * row_stride;
    to += kRows * ((k + 1) / 2 * 2);
  }
}

// A panel whose rows are contiguous.
template <class In>
void PackPanelRows(int64_t k, int64_t cols, const In* b, int64_t row_stride, BFloat16* out) {
  for (int64_t p = 0; p < k; p += 2) {
    const In* from = b + p * row_stride;
    const __m512i odd = p + 1 < k ? LoadBf16x32(from + row_stride, cols) : _mm512_setzero_si512();
    const Interleaved pairs = InterleaveRows(LoadBf16x32(from, cols), odd);
    _mm512_storeu_si512(out + p * 32, pairs.low);
    _mm512_storeu_si512(out + p * 32 + 32, pairs.high);
  }
}

// A panel whose columns are contiguous along k: a transposition of pairs, by way of bf16 copies of
// a slice of the columns.
template <class In>
void PackPanelColumns(int64_t k, int64_t cols, const In* b, int64_t col_stride, BFloat16* out) {
  constexpr int64_t kSlice = 32, kSize = Transpose8x8F32::kSize;
  // Pairs in the disguise of floats, which are only moved.
  alignas(64) float copy[32 * kSlice / 2];
  const int64_t pairs = (k + 1) / 2;
  for (int64_t p = 0; p < k; p += kSlice) {
    const int64_t count = k - p < kSlice ? k - p : kSlice;
    for (int64_t j = 0; j < 32; ++j) {
      const __m512i column =
          j < cols ? LoadBf16x32(b + j * col_stride + p, count) : _mm512_setzero_si512();
      _mm512_store_si512(copy + j * kSlice / 2, column);
    }
    float* to = reinterpret_cast<float*>(out + p * 32);
    const int64_t whole = (count + 1) / 2 / kSize * kSize;
    for (int64_t q = 0; q < whole; q += kSize) {
      for (int64_t j = 0; j < 32; j += kSize) {
        Transpose8x8F32::Run(copy + j * kSlice / 2 + q, kSlice / 2, to + q * 32 + j, 32);
      }
    }
    for (int64_t q = whole; q < (count + 1) / 2 && p / 2 + q < pairs; ++q) {
      for (int64_t j = 0; j < 32; ++j) to[q * 32 + j] = copy[j * kSlice / 2 + q];
    }
  }
}

// GemmBf16Kernels::pack_b and pack_b_f32 for panels of 32 columns.
template <class In>
void PackPairsB(int64_t k, int64_t n, const In* b, int64_t row_stride, int64_t col_stride,
                BFloat16* out) {
  for (int64_t j = 0; j < n; j += 32) {
    const int64_t cols = n - j < 32 ? n - j : 32;
    if (col_stride == 1) {
      PackPanelRows(k, cols, b, row_stride, out);
    } else if (row_stride == 1) {
      PackPanelColumns(k, cols, b, col_stride, out);
    } else {
      if (cols < 32) {
        for (int64_t i = 0; i < (k + 1) / 2 * 64; i += 32) {
          _mm512_storeu_si512(out + i, _mm512_setzero_si512());
        }
      }
      PackPairsAny(k, cols, b, col_stride, row_stride, out, 32);
    }
    b += 32 * col_stride;
    out += 32 * ((k + 1) / 2 * 2);
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_PAIR_PACK_H_
