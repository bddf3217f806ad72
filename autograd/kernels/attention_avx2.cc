#include "autograd/kernels/attention_simd.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {
namespace {

// Two vectors become one at each step, in which half as many lanes belong to each.
template <>
struct LaneSums<Avx2F32> {
  [[gnu::always_inline]] static __m256 Of(__m256 (&r)[8]) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm256_add_ps(_mm256_permute2f128_ps(r[i], r[i + 4], 0x20),
                           _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
    const __m256 even =
        _mm256_add_ps(_mm256_unpacklo_ps(r[0], r[2]), _mm256_unpackhi_ps(r[0], r[2]));
    const __m256 odd =
        _mm256_add_ps(_mm256_unpacklo_ps(r[1], r[3]), _mm256_unpackhi_ps(r[1], r[3]));
    return _mm256_add_ps(_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd));
  }
};

}  // namespace

namespace avx2 {

const AttentionTable kAttention = {MakeAttentionKernels<Avx2F32>(), MakeAttentionKernels<Avx2F64>(),
                                   WidenedAttention<Bf16Lanes<Avx2F32>>::Make()};

}  // namespace avx2
}  // namespace autograd::kernels
