// Square blocks transposed in 256-bit registers, for packing on AVX2 and AVX-512 alike.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_TRANSPOSE_H_
#define AUTOGRAD_KERNELS_GEMM_TRANSPOSE_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/gemm_load.h"

namespace autograd::kernels {
namespace {

// Four elements as floats.
inline __m128 LoadFour(const float* p) { return _mm_loadu_ps(p); }
inline __m128 LoadFour(const BFloat16* p) {
  const __m128i bits = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepu16_epi32(bits), 16));
}
inline __m128 LoadFour(const RoundedF32* p) {
  const __m128 x = _mm_loadu_ps(&p->value);
  const __m128i bits = _mm_castps_si128(x), upper = _mm_srli_epi32(bits, 16);
  const __m128i half =
      _mm_add_epi32(_mm_and_si128(upper, _mm_set1_epi32(1)), _mm_set1_epi32(0x7fff));
  const __m128i rounded = _mm_srli_epi32(_mm_add_epi32(bits, half), 16);
  const __m128i quiet = _mm_or_si128(upper, _mm_set1_epi32(0x40));
  const __m128i nan = _mm_castps_si128(_mm_cmpunord_ps(x, x));
  return _mm_castsi128_ps(_mm_slli_epi32(_mm_blendv_epi8(rounded, quiet, nan), 16));
}

struct Transpose8x8F32 {
  static constexpr int64_t kSize = 8;

  // Rows i and i + 4 are loaded into the halves of one register, which leaves only shuffles within
  // halves: two rounds of four registers for each half of the columns.
  template <class In>
  static void Run(const In* in, int64_t in_stride, float* out, int64_t out_stride) {
    for (int half = 0; half < 2; ++half) {
      const In* p = in + 4 * half;
      __m256 r[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(LoadFour(p + i * in_stride)),
                                    LoadFour(p + (i + 4) * in_stride), 1);
      }
      const __m256 a = _mm256_unpacklo_ps(r[0], r[1]), b = _mm256_unpackhi_ps(r[0], r[1]);
      const __m256 c = _mm256_unpacklo_ps(r[2], r[3]), d = _mm256_unpackhi_ps(r[2], r[3]);
      float* q = out + 4 * half * out_stride;
      _mm256_storeu_ps(q, _mm256_shuffle_ps(a, c, 0x44));
      _mm256_storeu_ps(q + out_stride, _mm256_shuffle_ps(a, c, 0xee));
      _mm256_storeu_ps(q + 2 * out_stride, _mm256_shuffle_ps(b, d, 0x44));
      _mm256_storeu_ps(q + 3 * out_stride, _mm256_shuffle_ps(b, d, 0xee));
    }
  }
};

struct Transpose4x4F64 {
  static constexpr int64_t kSize = 4;

  static void Run(const double* in, int64_t in_stride, double* out, int64_t out_stride) {
    for (int half = 0; half < 2; ++half) {
      const double* p = in + 2 * half;
      const __m256d even = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)),
                                                _mm_loadu_pd(p + 2 * in_stride), 1);
      const __m256d odd = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p + in_stride)),
                                               _mm_loadu_pd(p + 3 * in_stride), 1);
      double* q = out + 2 * half * out_stride;
      _mm256_storeu_pd(q, _mm256_unpacklo_pd(even, odd));
      _mm256_storeu_pd(q + out_stride, _mm256_unpackhi_pd(even, odd));
    }
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_TRANSPOSE_H_
