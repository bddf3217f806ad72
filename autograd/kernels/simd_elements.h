// Vectors of elements as they lie in memory: V's scalars themselves, or bf16, widened to f32 where
// it is loaded and rounded to nearest even where it is stored. V is a vector type of simd_avx2.h or
// simd_avx512.h. See vec_math.h for the rules of these headers.
#ifndef AUTOGRAD_KERNELS_SIMD_ELEMENTS_H_
#define AUTOGRAD_KERNELS_SIMD_ELEMENTS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadElements(const typename V::Scalar* p) {
  return V::Load(p);
}
template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadElements(const BFloat16* p) {
  return V::LoadBf16(p);
}
// The first n, fewer than a vector has, and 0 in the other lanes.
template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadElements(const typename V::Scalar* p, int64_t n) {
  return V::LoadPartial(p, n);
}
template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadElements(const BFloat16* p, int64_t n) {
  return V::LoadBf16Partial(p, n);
}

template <class V>
[[gnu::always_inline]] inline void StoreElements(typename V::Scalar* p, typename V::Vec v) {
  V::Store(p, v);
}
template <class V>
[[gnu::always_inline]] inline void StoreElements(BFloat16* p, typename V::Vec v) {
  V::StoreBf16(p, v);
}
template <class V>
[[gnu::always_inline]] inline void StoreElements(typename V::Scalar* p, typename V::Vec v,
                                                 int64_t n) {
  V::StorePartial(p, v, n);
}
template <class V>
[[gnu::always_inline]] inline void StoreElements(BFloat16* p, typename V::Vec v, int64_t n) {
  V::StoreBf16Partial(p, v, n);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_SIMD_ELEMENTS_H_
