#include <immintrin.h>
#include <stdint.h>

#include "autograd/random/philox_kernels.h"
#include "autograd/random/philox_simd.h"

namespace autograd::kernels {
namespace {

struct V {
  using F = __m256;
  using I = __m256i;
  static constexpr int kLanes = 8;

  static F Set(float x) { return _mm256_set1_ps(x); }
  static F Add(F a, F b) { return _mm256_add_ps(a, b); }
  static F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F Sqrt(F a) { return _mm256_sqrt_ps(a); }
  static F FromInt(I a) { return _mm256_cvtepi32_ps(a); }
  // AVX2 converts signed integers only. Both halves are exact, so the sum is rounded once, as it
  // should be.
  static F FromUnsigned(I a) {
    return Fma(FromInt(ShiftRight<16>(a)), Set(65536.0f), FromInt(AndInt(a, SetInt(0xffff))));
  }
  static I BitsOf(F a) { return _mm256_castps_si256(a); }
  static F FromBits(I a) { return _mm256_castsi256_ps(a); }
  static void Store(float* p, F a) { _mm256_storeu_ps(p, a); }
  static void StoreInt(uint32_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }

  static I SetInt(int32_t x) { return _mm256_set1_epi32(x); }
  static I LaneIndex() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static I AddInt(I a, I b) { return _mm256_add_epi32(a, b); }
  static I SubInt(I a, I b) { return _mm256_sub_epi32(a, b); }
  static I AndInt(I a, I b) { return _mm256_and_si256(a, b); }
  static I XorInt(I a, I b) { return _mm256_xor_si256(a, b); }
  static I Xor3(I a, I b, I c) { return XorInt(a, XorInt(b, c)); }
  template <int kBits>
  static I ShiftLeft(I a) {
    return _mm256_slli_epi32(a, kBits);
  }
  template <int kBits>
  static I ShiftRight(I a) {
    return _mm256_srli_epi32(a, kBits);
  }
  template <int kBits>
  static I ShiftRightSigned(I a) {
    return _mm256_srai_epi32(a, kBits);
  }
  static F SelectOdd(I condition, F odd, F even) {
    return _mm256_blendv_ps(even, odd, FromBits(ShiftLeft<31>(condition)));
  }
  static I MultiplyEven(I a, I b) { return _mm256_mul_epu32(a, b); }
  static I MoveOddToEven(I a) { return _mm256_shuffle_epi32(a, 0xF5); }
  // Even lanes of a, and those of b in the odd lanes.
  static I Interleave(I a, I b) {
    return _mm256_blend_epi32(a, _mm256_shuffle_epi32(b, 0xA0), 0xAA);
  }
};

}  // namespace

const PhiloxKernels kPhiloxAvx2 = {PhiloxWords<V>, PhiloxUniform<V>, PhiloxNormal<V>};

}  // namespace autograd::kernels
