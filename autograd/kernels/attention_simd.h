// Attention of one batch entry and head over a vector type of simd_avx2.h or simd_avx512.h: the
// functions of attention_kernels.h. attention_tile.h says how the data lies. (bf16 has a way of its
// own where AVX512_BF16 is there: attention_pairs.h.)
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_SIMD_H_
#define AUTOGRAD_KERNELS_ATTENTION_SIMD_H_

#include "autograd/kernels/attention_backward.h"
#include "autograd/kernels/attention_bf16.h"
#include "autograd/kernels/attention_forward.h"

namespace autograd::kernels {
namespace {

template <class V>
constexpr AttentionKernels<typename V::Scalar> MakeAttentionKernels() {
  return {AttentionForwardPass<V>::Scratch, AttentionForwardPass<V>::Run,
          AttentionBackwardPass<V>::Scratch, AttentionBackwardPass<V>::Run};
}

// V of f32.
template <class V>
struct Bf16Lanes {
  static constexpr AttentionKernels<float> Kernels() { return MakeAttentionKernels<V>(); }

  [[gnu::always_inline]] static void Widen(const BFloat16* from, int64_t n, float* to) {
    int64_t i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) V::Store(to + i, V::LoadBf16(from + i));
    if (i < n) V::StorePartial(to + i, V::LoadBf16Partial(from + i, n - i), n - i);
  }
  [[gnu::always_inline]] static void Round(const float* from, int64_t n, BFloat16* to) {
    int64_t i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) V::StoreBf16(to + i, V::Load(from + i));
    if (i < n) V::StoreBf16Partial(to + i, V::LoadPartial(from + i, n - i), n - i);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_SIMD_H_
