#include <immintrin.h>
#include <stdint.h>

#include "autograd/random/philox_kernels.h"
#include "autograd/random/philox_simd.h"

namespace autograd::kernels {
namespace {

struct V {
  using F = __m512;
  using I = __m512i;
  static constexpr int kLanes = 16;

  static F Set(float x) { return _mm512_set1_ps(x); }
  static F Add(F a, F b) { return _mm512_add_ps(a, b); }
  static F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F Sqrt(F a) { return _mm512_sqrt_ps(a); }
  static F FromInt(I a) { return _mm512_cvtepi32_ps(a); }
  static F FromUnsigned(I a) { return _mm512_cvtepu32_ps(a); }
  static I BitsOf(F a) { return _mm512_castps_si512(a); }
  static F FromBits(I a) { return _mm512_castsi512_ps(a); }
  static void Store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static void StoreInt(uint32_t* p, I a) { _mm512_storeu_si512(p, a); }

  static I SetInt(int32_t x) { return _mm512_set1_epi32(x); }
  static I LaneIndex() {
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
  static I AddInt(I a, I b) { return _mm512_add_epi32(a, b); }
  static I SubInt(I a, I b) { return _mm512_sub_epi32(a, b); }
  static I AndInt(I a, I b) { return _mm512_and_si512(a, b); }
  static I XorInt(I a, I b) { return _mm512_xor_si512(a, b); }
  static I Xor3(I a, I b, I c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
  template <int kBits>
  static I ShiftLeft(I a) {
    return _mm512_slli_epi32(a, kBits);
  }
  template <int kBits>
  static I ShiftRight(I a) {
    return _mm512_srli_epi32(a, kBits);
  }
  template <int kBits>
  static I ShiftRightSigned(I a) {
    return _mm512_srai_epi32(a, kBits);
  }
  static F SelectOdd(I condition, F odd, F even) {
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(condition, _mm512_set1_epi32(1)), even, odd);
  }
  static I MultiplyEven(I a, I b) { return _mm512_mul_epu32(a, b); }
  static I MoveOddToEven(I a) { return _mm512_shuffle_epi32(a, _MM_PERM_DDBB); }
  // Even lanes of a, and those of b in the odd lanes.
  static I Interleave(I a, I b) { return _mm512_mask_shuffle_epi32(a, 0xAAAA, b, _MM_PERM_CCAA); }
};

}  // namespace

const PhiloxKernels kPhiloxAvx512 = {PhiloxWords<V>, PhiloxUniform<V>, PhiloxNormal<V>};

}  // namespace autograd::kernels
