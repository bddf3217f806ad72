// What attention does with registers of AVX-512 in its own way: sums of lanes, and exponentials
// with a table.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_AVX512_H_
#define AUTOGRAD_KERNELS_ATTENTION_AVX512_H_

#include <stdint.h>

#include "autograd/kernels/attention_tile.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {
namespace {

// Two vectors become one at each step, in which half as many lanes belong to each: halves of the
// register, then quarters, then pairs and single lanes.
template <>
struct LaneSums<Avx512F32> {
  [[gnu::always_inline]] static __m512 Of(__m512 (&r)[16]) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      r[i] = _mm512_add_ps(_mm512_shuffle_f32x4(r[i], r[i + 8], 0x44),
                           _mm512_shuffle_f32x4(r[i], r[i + 8], 0xee));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm512_add_ps(_mm512_shuffle_f32x4(r[i], r[i + 4], 0x88),
                           _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd));
    }
    const __m512 even =
        _mm512_add_ps(_mm512_unpacklo_ps(r[0], r[2]), _mm512_unpackhi_ps(r[0], r[2]));
    const __m512 odd =
        _mm512_add_ps(_mm512_unpacklo_ps(r[1], r[3]), _mm512_unpackhi_ps(r[1], r[3]));
    const __m512 sums = _mm512_add_ps(_mm512_unpacklo_ps(even, odd), _mm512_unpackhi_ps(even, odd));
    // Quarters hold the vectors 0-3, 8-11, 4-7, 12-15.
    return _mm512_shuffle_f32x4(sums, sums, _MM_SHUFFLE(3, 1, 2, 0));
  }
};

// 2^(x / 32) = 2^(n / 32) (1 + r poly(r)) with n = round(x), |r| <= 1/2: a table in two registers
// leaves a polynomial of two coefficients (minimax for the relative error, 2^-24.2), where without
// one there are five.
template <>
struct AttentionExp<Avx512F32> {
  static constexpr float kUnit = 32 * MathConst<float>::kLog2E;

  [[gnu::always_inline]] static __m512 Of(__m512 x) {
    // The bits of 2^(i / 32), less what the lower bits of n add to those of the exponent.
    alignas(64) static constexpr uint32_t kTable[32] = {
        0x3f800000, 0x3f7ecd87, 0x3f7daac3, 0x3f7c980f, 0x3f7b95c2, 0x3f7aa43a, 0x3f79c3d3,
        0x3f78f4f0, 0x3f7837f0, 0x3f778d3a, 0x3f76f532, 0x3f767043, 0x3f75fed7, 0x3f75a15b,
        0x3f75583f, 0x3f7523f6, 0x3f7504f3, 0x3f74fbaf, 0x3f7508a4, 0x3f752c4d, 0x3f75672a,
        0x3f75b9be, 0x3f76248c, 0x3f76a81e, 0x3f7744fd, 0x3f77fbb8, 0x3f78ccdf, 0x3f79b907,
        0x3f7ac0c7, 0x3f7be4ba, 0x3f7d257d, 0x3f7e83b3,
    };
    const __m512 round = _mm512_set1_ps(MathConst<float>::kRound);
    const __m512 shifted = x + round, r = x - (shifted - round);
    const __m512i n = _mm512_castps_si512(shifted);
    // The lower 5 bits of n choose.
    const __m512i bits =
        _mm512_permutex2var_epi32(_mm512_load_si512(kTable), n, _mm512_load_si512(kTable + 16));
    const __m512 power = _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_slli_epi32(n, 18)));
    const __m512 y =
        _mm512_fmadd_ps(r, _mm512_set1_ps(2.34596290e-4f), _mm512_set1_ps(2.16611666e-2f));
    return _mm512_fmadd_ps(power, r * y, power);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_AVX512_H_
