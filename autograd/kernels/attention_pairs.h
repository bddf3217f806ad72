// The pieces of attention of bf16 vectors of at most 8 elements by AVX512_BF16, whose instruction
// adds the products of pairs of bf16 to a sum in f32: half as many instructions as f32 takes.
//
// A product is summed over elements, queries or keys, and what lies side by side in a pair is what
// it is summed over:
//   element pairs   a register of 16 pairs (x_2i, x_2i+1) of 16 vectors
//   vector pairs    a register of 16 pairs (row a, row b) of 16 columns
// Vectors are first copied to dense rows of 8 elements, filled with zeros.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_PAIRS_H_
#define AUTOGRAD_KERNELS_ATTENTION_PAIRS_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/attention_kernels.h"

namespace autograd::kernels {
namespace {

struct AttentionPairs {
  static constexpr int kElements = 8;
  static constexpr int kLanes = 16;
  static constexpr float kLog2E = 1.44269504f;

  static int64_t RoundUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
  static bool Fits(const AttentionHeadSize& size) {
    return size.head <= kElements && size.value <= kElements && !size.causal;
  }

  // Of a register, where `rest` vectors are left.
  static int64_t Lanes(int64_t rest) { return rest < 0 ? 0 : rest < kLanes ? rest : kLanes; }

  // sum += the products of pairs.
  [[gnu::always_inline]] static __m512 Dot(__m512i a, __m512i b, __m512 sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  // A pair in memory for all lanes.
  [[gnu::always_inline]] static __m512i Broadcast(const BFloat16* pair) {
    int32_t bits;
    __builtin_memcpy(&bits, pair, sizeof bits);
    return _mm512_set1_epi32(bits);
  }

  // 2^t for -126 <= t <= 126 with a relative error of 2^-13.3, much less than what rounding to bf16
  // takes: minimax on [-1/2, 1/2] for that.
  [[gnu::always_inline]] static __m512 Exp2(__m512 t) {
    const __m512 round = _mm512_set1_ps(0x1.8p23f);
    const __m512 shifted = t + round, r = t - (shifted - round);
    __m512 y = _mm512_fmadd_ps(r, _mm512_set1_ps(0.05500893f), _mm512_set1_ps(0.24221096f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.693282927f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1));
    // The integer is in the lower bits of `shifted`.
    return _mm512_castsi512_ps(_mm512_add_epi32(
        _mm512_castps_si512(y), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
  }

  // The pairs (a_i, b_i), rounded.
  [[gnu::always_inline]] static __m512i Interleave(__m512 a, __m512 b) {
    alignas(64) static constexpr uint16_t kAlternate[32] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_permutexvar_epi16(_mm512_load_si512(kAlternate), Round(a, b));
  }
  // a, then b, rounded.
  [[gnu::always_inline]] static __m512i Round(__m512 a, __m512 b) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
  }

  // Rows of 8 elements; zeros from row `count` to `padded`.
  static void CopyRows(const VectorList<const BFloat16>& from, int64_t count, int64_t padded,
                       int64_t n, BFloat16* to) {
    // Rows come from memory for the first of an image's heads, and lie too far apart for the
    // processor to see what follows.
    constexpr int64_t kAhead = 16;
    const __mmask8 mask = FirstElements(n);
    for (int64_t i = 0; i < count; ++i) {
      __builtin_prefetch(from[i + kAhead]);
      StoreRow(to + i * kElements, _mm_maskz_loadu_epi16(mask, from[i]));
    }
    for (int64_t i = count; i < padded; ++i) StoreRow(to + i * kElements, _mm_setzero_si128());
  }

  // Element pairs of 16 rows.
  static void ElementPairs(const BFloat16* rows, __m512i (&pairs)[4]) {
    __m512i r[4];
    for (int i = 0; i < 4; ++i) {
      const BFloat16* row = rows + i * kElements;
      r[i] = _mm512_castsi128_si512(LoadRow(row));
      r[i] = _mm512_inserti32x4(r[i], LoadRow(row + 4 * kElements), 1);
      r[i] = _mm512_inserti32x4(r[i], LoadRow(row + 8 * kElements), 2);
      r[i] = _mm512_inserti32x4(r[i], LoadRow(row + 12 * kElements), 3);
    }
    Transpose(r);
    for (int i = 0; i < 4; ++i) pairs[i] = r[i];
  }

  // Vector pairs of rows 2i and 2i + 1, for an even `count` of rows: 8 pairs each.
  static void VectorPairs(const BFloat16* rows, int64_t count, BFloat16* pairs) {
    for (int64_t i = 0; i < count; i += 2, rows += 2 * kElements, pairs += 2 * kElements) {
      const __m128i a = LoadRow(rows), b = LoadRow(rows + kElements);
      StoreRow(pairs, _mm_unpacklo_epi16(a, b));
      StoreRow(pairs + kElements, _mm_unpackhi_epi16(a, b));
    }
  }

  // Writes vectors first ... first + 15, or up to `count`, with n elements; x[j] has element j of
  // each.
  static void StoreVectors(const __m512 (&x)[kElements], int64_t first, int64_t count, int64_t n,
                           const VectorList<BFloat16>& to) {
    __m512i r[4];
    for (int i = 0; i < 4; ++i) r[i] = Interleave(x[2 * i], x[2 * i + 1]);
    Transpose(r);
    alignas(64) BFloat16 rows[kLanes][kElements];
    for (int i = 0; i < 4; ++i) {
      StoreRow(rows[i], _mm512_castsi512_si128(r[i]));
      StoreRow(rows[i + 4], _mm512_extracti32x4_epi32(r[i], 1));
      StoreRow(rows[i + 8], _mm512_extracti32x4_epi32(r[i], 2));
      StoreRow(rows[i + 12], _mm512_extracti32x4_epi32(r[i], 3));
    }
    const int64_t last = first + kLanes < count ? first + kLanes : count;
    for (int64_t i = first; i < last; ++i) StorePartialRow(to[i], LoadRow(rows[i - first]), n);
  }

  static __m128i LoadRow(const BFloat16* row) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
  }
  static void StoreRow(BFloat16* row, __m128i x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(row), x);
  }
  static void StorePartialRow(BFloat16* row, __m128i x, int64_t n) {
    _mm_mask_storeu_epi16(row, FirstElements(n), x);
  }

 private:
  static __mmask8 FirstElements(int64_t n) { return static_cast<__mmask8>((1u << n) - 1); }

  // Transposes the 4 x 4 pairs in each quarter of the registers.
  static void Transpose(__m512i (&r)[4]) {
    const __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpacklo_epi32(r[2], r[3]);
    const __m512i c = _mm512_unpackhi_epi32(r[0], r[1]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    r[0] = _mm512_unpacklo_epi64(a, b);
    r[1] = _mm512_unpackhi_epi64(a, b);
    r[2] = _mm512_unpacklo_epi64(c, d);
    r[3] = _mm512_unpackhi_epi64(c, d);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_PAIRS_H_
