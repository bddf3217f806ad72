// Elements on their way into and out of the matrix product: floats as they are, bf16 widened, and
// floats rounded to bf16.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_LOAD_H_
#define AUTOGRAD_KERNELS_GEMM_LOAD_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

// A float that counts as the nearest bf16.
struct RoundedF32 {
  float value;
};

static_assert(sizeof(RoundedF32) == sizeof(float));

inline float WidenElement(BFloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

// To nearest, ties to even; a NaN stays one.
inline BFloat16 RoundElement(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  if (x != x) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <class T>
T ElementAs(T x) {
  return x;
}
template <class T>
T ElementAs(BFloat16 x) {
  return WidenElement(x);
}
template <class T>
T ElementAs(RoundedF32 x) {
  return WidenElement(RoundElement(x.value));
}

template <class V>
typename V::Vec LoadAs(const typename V::Scalar* p) {
  return V::Load(p);
}
template <class V>
typename V::Vec LoadAs(const BFloat16* p) {
  return V::LoadBf16(p);
}
template <class V>
typename V::Vec LoadAs(const RoundedF32* p) {
  BFloat16 lanes[V::kLanes];
  V::StoreBf16(lanes, V::Load(&p->value));
  return V::LoadBf16(lanes);
}

template <class V>
typename V::Vec LoadPartialAs(const typename V::Scalar* p, int64_t n) {
  return V::LoadPartial(p, n);
}
template <class V>
typename V::Vec LoadPartialAs(const BFloat16* p, int64_t n) {
  return V::LoadBf16Partial(p, n);
}
template <class V>
typename V::Vec LoadPartialAs(const RoundedF32* p, int64_t n) {
  BFloat16 lanes[V::kLanes];
  V::StoreBf16(lanes, V::LoadPartial(&p->value, n));
  return V::LoadBf16(lanes);
}

template <class V>
void StoreAs(typename V::Scalar* p, typename V::Vec x) {
  V::Store(p, x);
}
template <class V>
void StoreAs(BFloat16* p, typename V::Vec x) {
  V::StoreBf16(p, x);
}

template <class V>
void StorePartialAs(typename V::Scalar* p, typename V::Vec x, int64_t n) {
  V::StorePartial(p, x, n);
}
template <class V>
void StorePartialAs(BFloat16* p, typename V::Vec x, int64_t n) {
  V::StoreBf16Partial(p, x, n);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_LOAD_H_
