// Squares of 4- and 8-byte elements transposed in AVX2 registers, for strided_copy.h (AVX-512 uses
// them as well: memory limits this, not the shuffles).
#ifndef AUTOGRAD_KERNELS_TRANSPOSE_AVX2_H_
#define AUTOGRAD_KERNELS_TRANSPOSE_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

namespace autograd::kernels {
namespace {

struct Square4x8 {
  static constexpr int64_t kSize = 8;

  static void Transpose(const uint32_t* src, int64_t src_row, uint32_t* dst, int64_t dst_column) {
    __m256 r[8], t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(src + i * src_row));
    }
    // Pairs of rows, then quadruples within each half, then the halves.
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Store(dst + i * dst_column, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
      Store(dst + (i + 4) * dst_column, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
  }

  static void Store(uint32_t* p, __m256 v) { _mm256_storeu_ps(reinterpret_cast<float*>(p), v); }
};

struct Square8x4 {
  static constexpr int64_t kSize = 4;

  static void Transpose(const uint64_t* src, int64_t src_row, uint64_t* dst, int64_t dst_column) {
    __m256d r[4], t[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm256_loadu_pd(reinterpret_cast<const double*>(src + i * src_row));
    }
    t[0] = _mm256_unpacklo_pd(r[0], r[1]);
    t[1] = _mm256_unpackhi_pd(r[0], r[1]);
    t[2] = _mm256_unpacklo_pd(r[2], r[3]);
    t[3] = _mm256_unpackhi_pd(r[2], r[3]);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      Store(dst + i * dst_column, _mm256_permute2f128_pd(t[i], t[i + 2], 0x20));
      Store(dst + (i + 2) * dst_column, _mm256_permute2f128_pd(t[i], t[i + 2], 0x31));
    }
  }

  static void Store(uint64_t* p, __m256d v) { _mm256_storeu_pd(reinterpret_cast<double*>(p), v); }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_TRANSPOSE_AVX2_H_
