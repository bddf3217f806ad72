// The vector types of the AVX-512 kernels: the same interface as simd_avx2.h, which documents it.
//
// For files compiled with AVX-512 flags only (isa_hdrs of kernel_library).
#ifndef AUTOGRAD_KERNELS_SIMD_AVX512_H_
#define AUTOGRAD_KERNELS_SIMD_AVX512_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

// 16 floats.
struct Avx512F32 {
  using Scalar = float;
  using Vec = __m512;
  using Mask = __mmask16;
  static constexpr int kLanes = 16;

  static Mask FirstLanes(int64_t n) { return static_cast<Mask>((1u << n) - 1u); }

  static Vec Load(const float* p) { return _mm512_loadu_ps(p); }
  static void Store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
  static void Stream(float* p, Vec v) { _mm512_stream_ps(p, v); }
  static Vec LoadPartial(const float* p, int64_t n) {
    return _mm512_maskz_loadu_ps(FirstLanes(n), p);
  }
  static void StorePartial(float* p, Vec v, int64_t n) {
    _mm512_mask_storeu_ps(p, FirstLanes(n), v);
  }
  static Vec LoadBf16(const BFloat16* p) {
    return WidenBf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Vec LoadBf16Partial(const BFloat16* p, int64_t n) {
    return WidenBf16(_mm256_maskz_loadu_epi16(FirstLanes(n), p));
  }
  static void StoreBf16(BFloat16* p, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), RoundToBf16(v));
  }
  static void StoreBf16Partial(BFloat16* p, Vec v, int64_t n) {
    _mm256_mask_storeu_epi16(p, FirstLanes(n), RoundToBf16(v));
  }
  static Vec WidenBf16(__m256i a) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16));
  }
  static __m256i RoundToBf16(Vec v) {
    const __m512i bits = _mm512_castps_si512(v), upper = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_srli_epi32(
        _mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff)), 16);
    const __m512i quiet = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_blend_epi32(IsNan(v), rounded, quiet));
  }
  static Vec Set(float x) { return _mm512_set1_ps(x); }
  static Vec Zero() { return _mm512_setzero_ps(); }

  static Vec Fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  static Vec Fms(Vec a, Vec b, Vec c) { return _mm512_fmsub_ps(a, b, c); }
  static Vec Fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
  static Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  static Vec Sqrt(Vec a) { return _mm512_sqrt_ps(a); }
  static Vec And(Vec a, Vec b) { return _mm512_and_ps(a, b); }
  static Vec AndNot(Vec a, Vec b) { return _mm512_andnot_ps(a, b); }
  static Vec Or(Vec a, Vec b) { return _mm512_or_ps(a, b); }
  static Vec Xor(Vec a, Vec b) { return _mm512_xor_ps(a, b); }
  static Vec Floor(Vec a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  }
  static Vec Ceil(Vec a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
  }
  static Vec Round(Vec a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static Mask Eq(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static Mask Lt(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static Mask Le(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
  static Mask IsNan(Vec a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
  static Mask MaskAnd(Mask a, Mask b) { return static_cast<Mask>(a & b); }
  static Mask MaskOr(Mask a, Mask b) { return static_cast<Mask>(a | b); }
  static Mask MaskNot(Mask a) { return static_cast<Mask>(~a); }
  static unsigned Bits(Mask a) { return a; }
  static Vec Select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }
  static Mask SignMask(Vec a) { return _mm512_movepi32_mask(_mm512_castps_si512(a)); }

  template <int kShift>
  static Vec ShiftLeft(Vec a) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), kShift));
  }
  template <int kShift>
  static Vec ShiftRight(Vec a) {
    return _mm512_castsi512_ps(_mm512_srli_epi32(_mm512_castps_si512(a), kShift));
  }
  static Vec AddInt(Vec a, Vec b) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static Vec SubInt(Vec a, Vec b) {
    return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static Vec SetInt(int32_t x) { return _mm512_castsi512_ps(_mm512_set1_epi32(x)); }
  static Vec Scale(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
  static Vec PowerOfTwo(Vec n) { return _mm512_scalef_ps(_mm512_set1_ps(1), n); }

  static float ReduceAdd(Vec a) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)));
  }
  static float ReduceMax(Vec a) {
    const __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)));
  }
};

// 8 doubles.
struct Avx512F64 {
  using Scalar = double;
  using Vec = __m512d;
  using Mask = __mmask8;
  static constexpr int kLanes = 8;

  static Mask FirstLanes(int64_t n) { return static_cast<Mask>((1u << n) - 1u); }

  static Vec Load(const double* p) { return _mm512_loadu_pd(p); }
  static void Store(double* p, Vec v) { _mm512_storeu_pd(p, v); }
  static void Stream(double* p, Vec v) { _mm512_stream_pd(p, v); }
  static Vec LoadPartial(const double* p, int64_t n) {
    return _mm512_maskz_loadu_pd(FirstLanes(n), p);
  }
  static void StorePartial(double* p, Vec v, int64_t n) {
    _mm512_mask_storeu_pd(p, FirstLanes(n), v);
  }
  static Vec Set(double x) { return _mm512_set1_pd(x); }
  static Vec Zero() { return _mm512_setzero_pd(); }

  static Vec Fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_pd(a, b, c); }
  static Vec Fms(Vec a, Vec b, Vec c) { return _mm512_fmsub_pd(a, b, c); }
  static Vec Fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_pd(a, b, c); }
  static Vec Min(Vec a, Vec b) { return _mm512_min_pd(a, b); }
  static Vec Max(Vec a, Vec b) { return _mm512_max_pd(a, b); }
  static Vec Sqrt(Vec a) { return _mm512_sqrt_pd(a); }
  static Vec And(Vec a, Vec b) { return _mm512_and_pd(a, b); }
  static Vec AndNot(Vec a, Vec b) { return _mm512_andnot_pd(a, b); }
  static Vec Or(Vec a, Vec b) { return _mm512_or_pd(a, b); }
  static Vec Xor(Vec a, Vec b) { return _mm512_xor_pd(a, b); }
  static Vec Floor(Vec a) {
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  }
  static Vec Ceil(Vec a) {
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
  }
  static Vec Round(Vec a) {
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static Mask Eq(Vec a, Vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  static Mask Lt(Vec a, Vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static Mask Le(Vec a, Vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
  static Mask IsNan(Vec a) { return _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q); }
  static Mask MaskAnd(Mask a, Mask b) { return static_cast<Mask>(a & b); }
  static Mask MaskOr(Mask a, Mask b) { return static_cast<Mask>(a | b); }
  static Mask MaskNot(Mask a) { return static_cast<Mask>(~a); }
  static unsigned Bits(Mask a) { return a; }
  static Vec Select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_pd(m, b, a); }
  static Mask SignMask(Vec a) { return _mm512_movepi64_mask(_mm512_castpd_si512(a)); }

  template <int kShift>
  static Vec ShiftLeft(Vec a) {
    return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(a), kShift));
  }
  template <int kShift>
  static Vec ShiftRight(Vec a) {
    return _mm512_castsi512_pd(_mm512_srli_epi64(_mm512_castpd_si512(a), kShift));
  }
  static Vec AddInt(Vec a, Vec b) {
    return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b)));
  }
  static Vec SubInt(Vec a, Vec b) {
    return _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b)));
  }
  static Vec SetInt(int64_t x) { return _mm512_castsi512_pd(_mm512_set1_epi64(x)); }
  static Vec Scale(Vec a, Vec n) { return _mm512_scalef_pd(a, n); }
  static Vec PowerOfTwo(Vec n) { return _mm512_scalef_pd(_mm512_set1_pd(1), n); }

  // The lower and upper half of 16 floats, exactly; and back, rounded to nearest even.
  static Vec FromF32Lo(__m512 a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
  static Vec FromF32Hi(__m512 a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
  static __m512 ToF32(Vec lo, Vec hi) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(lo)), _mm512_cvtpd_ps(hi), 1);
  }

  static double ReduceAdd(Vec a) {
    const __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
  }
  static double ReduceMax(Vec a) {
    const __m256d h = _mm256_max_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d q = _mm_max_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_max_sd(q, _mm_unpackhi_pd(q, q)));
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SIMD_AVX512_H_
