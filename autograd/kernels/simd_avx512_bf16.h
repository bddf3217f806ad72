// The vector type of AVX512_BF16's kernels.
//
// For files compiled with flags for AVX512_BF16 only (isa_hdrs of kernel_library).
#ifndef AUTOGRAD_KERNELS_SIMD_AVX512_BF16_H_
#define AUTOGRAD_KERNELS_SIMD_AVX512_BF16_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {
namespace {

// Floats that the processor itself rounds to bf16: in one instruction rather than ten, to 0 where
// bf16 would be subnormal.
struct Avx512Bf16F32 : Avx512F32 {
  static void StoreBf16(BFloat16* p, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), RoundToBf16(v));
  }
  static void StoreBf16Partial(BFloat16* p, Vec v, int64_t n) {
    _mm256_mask_storeu_epi16(p, FirstLanes(n), RoundToBf16(v));
  }
  static __m256i RoundToBf16(Vec v) { return (__m256i)_mm512_cvtneps_pbh(v); }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SIMD_AVX512_BF16_H_
