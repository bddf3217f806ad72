// The vector types of the AVX2 kernels. A kernel is a template on such a type (simd_avx512.h has
// the wider ones), so that its source is written once:
//
//   template <class V>
//   void Double(const typename V::Scalar* x, typename V::Scalar* y, int64_t n) {
//     int64_t i = 0;
//     for (; i + V::kLanes <= n; i += V::kLanes) V::Store(y + i, V::Load(x + i) + V::Load(x + i));
//     if (i < n) V::StorePartial(y + i, V::LoadPartial(x + i, n - i) + V::LoadPartial(x + i, n -
//     i), n - i);
//   }
//
// The interface:
//   Vec           the register; +, -, *, / and unary - work on it directly (vector extensions of
//   gcc and clang). Mask          one truth value a lane; MaskAnd, MaskOr, MaskNot; Bits(m) has
//   lane i in bit i. Load, Store   at any alignment. LoadPartial(p, n) reads n < kLanes elements
//   and fills up with zeros;
//                 StorePartial(p, v, n) writes n. Neither touches memory beyond. Stream is a store
//                 past the caches, p aligned to the size of Vec.
//   LoadBf16, StoreBf16, LoadBf16Partial, StoreBf16Partial   (f32) the same from and to bf16: exact
//                 one way; to nearest, ties to even, the other, and NaN stays NaN.
//   Fma(a, b, c)  a * b + c; Fms a * b - c; Fnma c - a * b; rounded once.
//   Min(a, b)     a < b ? a : b, and Max likewise with >: the second operand where either is NaN
//   (as the instruction). Eq, Lt, Le    false where either is NaN. Select(m, a, b) is m ? a : b.
//   SignMask      true where the sign bit is set.
//   Round         to nearest, ties to even.
//   ShiftLeft<k>, ShiftRight<k>, AddInt, SubInt, SetInt: on the bits of a lane, taken as an integer
//   of its width. Scale(a, n)   a * 2^n, rounded once, for integers n in [-250, 250] (f32) or
//   [-2000, 2000] (f64). ReduceAdd     the sum of the lanes, halves first.
//
// For files compiled with -mavx2 -mfma only (isa_hdrs of kernel_library).
#ifndef AUTOGRAD_KERNELS_SIMD_AVX2_H_
#define AUTOGRAD_KERNELS_SIMD_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

// 8 floats.
struct Avx2F32 {
  using Scalar = float;
  using Vec = __m256;
  struct Mask {
    __m256 m;
  };
  static constexpr int kLanes = 8;

  static __m256i FirstLanes(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }

  static Vec Load(const float* p) { return _mm256_loadu_ps(p); }
  static void Store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
  static void Stream(float* p, Vec v) { _mm256_stream_ps(p, v); }
  static Vec LoadPartial(const float* p, int64_t n) { return _mm256_maskload_ps(p, FirstLanes(n)); }
  static void StorePartial(float* p, Vec v, int64_t n) { _mm256_maskstore_ps(p, FirstLanes(n), v); }
  static Vec LoadBf16(const BFloat16* p) {
    return WidenBf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Vec LoadBf16Partial(const BFloat16* p, int64_t n) {
    alignas(16) BFloat16 lanes[kLanes] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    return LoadBf16(lanes);
  }
  static void StoreBf16(BFloat16* p, Vec v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), RoundToBf16(v));
  }
  static void StoreBf16Partial(BFloat16* p, Vec v, int64_t n) {
    alignas(16) BFloat16 lanes[kLanes];
    StoreBf16(lanes, v);
    for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
  }
  static Vec WidenBf16(__m128i a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16));
  }
  static __m128i RoundToBf16(Vec v) {
    const __m256i bits = _mm256_castps_si256(v), upper = _mm256_srli_epi32(bits, 16);
    const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_srli_epi32(
        _mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff)), 16);
    const __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    const __m256i lanes = _mm256_castps_si256(
        _mm256_blendv_ps(_mm256_castsi256_ps(rounded), _mm256_castsi256_ps(quiet), IsNan(v).m));
    return _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  }
  static Vec Set(float x) { return _mm256_set1_ps(x); }
  static Vec Zero() { return _mm256_setzero_ps(); }

  static Vec Fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static Vec Fms(Vec a, Vec b, Vec c) { return _mm256_fmsub_ps(a, b, c); }
  static Vec Fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
  static Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
  static Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
  static Vec Sqrt(Vec a) { return _mm256_sqrt_ps(a); }
  static Vec And(Vec a, Vec b) { return _mm256_and_ps(a, b); }
  static Vec AndNot(Vec a, Vec b) { return _mm256_andnot_ps(a, b); }
  static Vec Or(Vec a, Vec b) { return _mm256_or_ps(a, b); }
  static Vec Xor(Vec a, Vec b) { return _mm256_xor_ps(a, b); }
  static Vec Floor(Vec a) { return _mm256_floor_ps(a); }
  static Vec Ceil(Vec a) { return _mm256_ceil_ps(a); }
  static Vec Round(Vec a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static Mask Eq(Vec a, Vec b) { return {_mm256_cmp_ps(a, b, _CMP_EQ_OQ)}; }
  static Mask Lt(Vec a, Vec b) { return {_mm256_cmp_ps(a, b, _CMP_LT_OQ)}; }
  static Mask Le(Vec a, Vec b) { return {_mm256_cmp_ps(a, b, _CMP_LE_OQ)}; }
  static Mask IsNan(Vec a) { return {_mm256_cmp_ps(a, a, _CMP_UNORD_Q)}; }
  static Mask MaskAnd(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
  static Mask MaskOr(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
  static Mask MaskNot(Mask a) { return {_mm256_xor_ps(a.m, SetInt(-1))}; }
  static unsigned Bits(Mask a) { return static_cast<unsigned>(_mm256_movemask_ps(a.m)); }
  static Vec Select(Mask m, Vec a, Vec b) { return _mm256_blendv_ps(b, a, m.m); }
  static Mask SignMask(Vec a) {
    return {_mm256_castsi256_ps(_mm256_srai_epi32(_mm256_castps_si256(a), 31))};
  }

  template <int kShift>
  static Vec ShiftLeft(Vec a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), kShift));
  }
  template <int kShift>
  static Vec ShiftRight(Vec a) {
    return _mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(a), kShift));
  }
  static Vec AddInt(Vec a, Vec b) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
  }
  static Vec SubInt(Vec a, Vec b) {
    return _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
  }
  static Vec SetInt(int32_t x) { return _mm256_castsi256_ps(_mm256_set1_epi32(x)); }

  // Two exact powers of two, because one would leave the range of exponents; only the second
  // product can round, as the first one stays normal for every a in [1/4, 4].
  static Vec Scale(Vec a, Vec n) {
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    return a * PowerOfTwo(half) * PowerOfTwo(_mm256_sub_epi32(whole, half));
  }
  static Vec PowerOfTwo(Vec n) { return PowerOfTwo(_mm256_cvtps_epi32(n)); }
  static Vec PowerOfTwo(__m256i n) {
    const __m256i biased = _mm256_add_epi32(n, _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }

  static float ReduceAdd(Vec a) {
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)));
  }
  static float ReduceMax(Vec a) {
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)));
  }
};

// 4 doubles.
struct Avx2F64 {
  using Scalar = double;
  using Vec = __m256d;
  struct Mask {
    __m256d m;
  };
  static constexpr int kLanes = 4;

  static __m256i FirstLanes(int64_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }

  static Vec Load(const double* p) { return _mm256_loadu_pd(p); }
  static void Store(double* p, Vec v) { _mm256_storeu_pd(p, v); }
  static void Stream(double* p, Vec v) { _mm256_stream_pd(p, v); }
  static Vec LoadPartial(const double* p, int64_t n) {
    return _mm256_maskload_pd(p, FirstLanes(n));
  }
  static void StorePartial(double* p, Vec v, int64_t n) {
    _mm256_maskstore_pd(p, FirstLanes(n), v);
  }
  static Vec Set(double x) { return _mm256_set1_pd(x); }
  static Vec Zero() { return _mm256_setzero_pd(); }

  static Vec Fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_pd(a, b, c); }
  static Vec Fms(Vec a, Vec b, Vec c) { return _mm256_fmsub_pd(a, b, c); }
  static Vec Fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_pd(a, b, c); }
  static Vec Min(Vec a, Vec b) { return _mm256_min_pd(a, b); }
  static Vec Max(Vec a, Vec b) { return _mm256_max_pd(a, b); }
  static Vec Sqrt(Vec a) { return _mm256_sqrt_pd(a); }
  static Vec And(Vec a, Vec b) { return _mm256_and_pd(a, b); }
  static Vec AndNot(Vec a, Vec b) { return _mm256_andnot_pd(a, b); }
  static Vec Or(Vec a, Vec b) { return _mm256_or_pd(a, b); }
  static Vec Xor(Vec a, Vec b) { return _mm256_xor_pd(a, b); }
  static Vec Floor(Vec a) { return _mm256_floor_pd(a); }
  static Vec Ceil(Vec a) { return _mm256_ceil_pd(a); }
  static Vec Round(Vec a) {
    return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static Mask Eq(Vec a, Vec b) { return {_mm256_cmp_pd(a, b, _CMP_EQ_OQ)}; }
  static Mask Lt(Vec a, Vec b) { return {_mm256_cmp_pd(a, b, _CMP_LT_OQ)}; }
  static Mask Le(Vec a, Vec b) { return {_mm256_cmp_pd(a, b, _CMP_LE_OQ)}; }
  static Mask IsNan(Vec a) { return {_mm256_cmp_pd(a, a, _CMP_UNORD_Q)}; }
  static Mask MaskAnd(Mask a, Mask b) { return {_mm256_and_pd(a.m, b.m)}; }
  static Mask MaskOr(Mask a, Mask b) { return {_mm256_or_pd(a.m, b.m)}; }
  static Mask MaskNot(Mask a) { return {_mm256_xor_pd(a.m, SetInt(-1))}; }
  static unsigned Bits(Mask a) { return static_cast<unsigned>(_mm256_movemask_pd(a.m)); }
  static Vec Select(Mask m, Vec a, Vec b) { return _mm256_blendv_pd(b, a, m.m); }
  static Mask SignMask(Vec a) {
    return {
        _mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_setzero_si256(), _mm256_castpd_si256(a)))};
  }

  template <int kShift>
  static Vec ShiftLeft(Vec a) {
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(a), kShift));
  }
  template <int kShift>
  static Vec ShiftRight(Vec a) {
    return _mm256_castsi256_pd(_mm256_srli_epi64(_mm256_castpd_si256(a), kShift));
  }
  static Vec AddInt(Vec a, Vec b) {
    return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b)));
  }
  static Vec SubInt(Vec a, Vec b) {
    return _mm256_castsi256_pd(_mm256_sub_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b)));
  }
  static Vec SetInt(int64_t x) { return _mm256_castsi256_pd(_mm256_set1_epi64x(x)); }

  static Vec Scale(Vec a, Vec n) {
    const Vec half = Floor(n * Set(0.5));
    return a * PowerOfTwo(half) * PowerOfTwo(n - half);
  }
  // AVX2 has no conversion from double to 64-bit integers: adding 1.5 * 2^52 leaves the integer in
  // the low bits.
  static Vec PowerOfTwo(Vec n) { return ShiftLeft<52>(n + Set(6755399441055744.0 + 1023.0)); }

  // The lower and upper half of 8 floats, exactly; and back, rounded to nearest even.
  static Vec FromF32Lo(__m256 a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
  static Vec FromF32Hi(__m256 a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
  static __m256 ToF32(Vec lo, Vec hi) {
    return _mm256_set_m128(_mm256_cvtpd_ps(hi), _mm256_cvtpd_ps(lo));
  }

  static double ReduceAdd(Vec a) {
    const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
  }
  static double ReduceMax(Vec a) {
    const __m128d q = _mm_max_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_max_sd(q, _mm_unpackhi_pd(q, q)));
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SIMD_AVX2_H_
