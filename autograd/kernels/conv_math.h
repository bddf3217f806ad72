// How the tiles of a convolution multiply and how they read and write images: the policies of
// conv_tile.h and conv_dot_tile.h, on a vector type V of floats (simd_avx2.h documents those).
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_MATH_H_
#define AUTOGRAD_KERNELS_CONV_MATH_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace {

// Products of floats. A policy has V, the vectors of sums; Source, what is multiplied; kDepth, how
// many channels one multiply-add adds up; Row, a vector of weights or channels; LoadRow and
// LoadRowPartial (of n elements of Source, zeros beyond); Broadcast, kDepth channels of a pixel in
// all lanes.
template <class Vector>
struct F32Math {
  using V = Vector;
  using Source = float;
  using Row = typename V::Vec;
  static constexpr int kDepth = 1;

  static Row LoadRow(const float* p) { return V::Load(p); }
  static Row LoadRowPartial(const float* p, int64_t n) { return V::LoadPartial(p, n); }
  static Row Broadcast(const float* p) { return V::Set(*p); }
  static typename V::Vec MulAdd(Row a, Row b, typename V::Vec sum) { return V::Fma(a, b, sum); }
};

// Floats from and to images of any type.
template <class V>
struct ImageIo {
  using Vec = typename V::Vec;
  static Vec Load(const float* p) { return V::Load(p); }
  static Vec Load(const BFloat16* p) { return V::LoadBf16(p); }
  static Vec LoadPartial(const float* p, int64_t n) { return V::LoadPartial(p, n); }
  static Vec LoadPartial(const BFloat16* p, int64_t n) { return V::LoadBf16Partial(p, n); }
  static void Store(float* p, Vec v) { V::Store(p, v); }
  static void Store(BFloat16* p, Vec v) { V::StoreBf16(p, v); }
  static void StorePartial(float* p, Vec v, int64_t n) { V::StorePartial(p, v, n); }
  static void StorePartial(BFloat16* p, Vec v, int64_t n) { V::StoreBf16Partial(p, v, n); }
  static float LoadOne(const float* p) { return *p; }
  static float LoadOne(const BFloat16* p) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(p->bits) << 16);
  }
  static void StoreOne(float* p, float x) { *p = x; }
  static void StoreOne(BFloat16* p, float x) { V::StoreBf16Partial(p, V::Set(x), 1); }
};

// DirectKernels::row_channels where rows are copied as they are.
inline int64_t SameChannels(int64_t channels) { return channels; }

// DirectKernels::copy to floats, which need no zeros.
template <class V, class Image>
void CopyToFloats(int64_t count, int64_t channels, const Image* from, int64_t /*to_channels*/,
                  float* to) {
  const int64_t size = count * channels;
  int64_t i = 0;
  for (; i + V::kLanes <= size; i += V::kLanes) V::Store(to + i, ImageIo<V>::Load(from + i));
  if (i < size) V::StorePartial(to + i, ImageIo<V>::LoadPartial(from + i, size - i), size - i);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_MATH_H_
