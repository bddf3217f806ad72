#include "autograd/kernels/attention_simd.h"
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

}  // namespace

namespace avx512 {

const AttentionTable kAttention = {MakeAttentionKernels<Avx512F32>(),
                                   MakeAttentionKernels<Avx512F64>(),
                                   WidenedAttention<Bf16Lanes<Avx512F32>>::Make()};

}  // namespace avx512
}  // namespace autograd::kernels
