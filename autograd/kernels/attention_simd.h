// Attention of one batch entry and head over a vector type of simd_avx2.h or simd_avx512.h: the
// functions of attention_kernels.h. attention_tile.h says how the data lies.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_SIMD_H_
#define AUTOGRAD_KERNELS_ATTENTION_SIMD_H_

#include "autograd/kernels/attention_backward.h"
#include "autograd/kernels/attention_forward.h"

namespace autograd::kernels {
namespace {

template <class V>
constexpr AttentionKernels<typename V::Scalar> MakeAttentionKernels() {
  return {AttentionForwardPass<V>::Scratch, AttentionForwardPass<V>::Run,
          AttentionBackwardPass<V>::Scratch, AttentionBackwardPass<V>::Run};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_SIMD_H_
