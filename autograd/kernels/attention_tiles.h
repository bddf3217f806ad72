// What both passes of attention by AMX tiles compute between products: exponentials, and pairs of
// bf16. The processors that have tiles do this with fewer instructions than attention_pairs.h,
// which serves the others: the rest and the power of two of an exponential take one each.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_TILES_H_
#define AUTOGRAD_KERNELS_ATTENTION_TILES_H_

#include <immintrin.h>

namespace autograd::kernels {
namespace {

// 2^t with a relative error of 2^-13.7, much less than what rounding to bf16 takes: minimax on
// [0, 1) for that. NaN stays.
[[gnu::always_inline]] inline __m512 TileExp2(__m512 t) {
  constexpr int kFromBelow = 1;  // t less the integer below it
  const __m512 r = _mm512_reduce_ps(t, kFromBelow);
  __m512 y = _mm512_fmadd_ps(r, _mm512_set1_ps(0.0780245226f), _mm512_set1_ps(0.226067155f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.69583354f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.999925219f));
  return _mm512_scalef_ps(y, t);
}

// The pairs (a_i, 0), rounded to nearest, halves away from 0. Infinities stay; so does NaN whose
// lower half is 0, as it is where the processor or bf16 made it.
[[gnu::always_inline]] inline __m512i TilePairs(__m512 a) {
  const __m512i half = _mm512_set1_epi32(0x8000);
  return _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(a), half), 16);
}

// The pairs (a_i, b_i). vcvtne2ps2bf16 takes as long as all this, and its result is not in pairs.
[[gnu::always_inline]] inline __m512i TilePairs(__m512 a, __m512 b) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(-0x10000);
  const __m512i high = _mm512_add_epi32(_mm512_castps_si512(b), half);
  constexpr int kLowOrHighAndUpper = 0xf8;
  return _mm512_ternarylogic_epi32(TilePairs(a), high, upper, kLowOrHighAndUpper);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILES_H_
