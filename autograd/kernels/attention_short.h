// The kernels of bf16 for processors with AVX512_BF16, from the passes for vectors of at most 8
// elements.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_SHORT_H_
#define AUTOGRAD_KERNELS_ATTENTION_SHORT_H_

#include <stdint.h>

#include "autograd/kernels/attention_avx512.h"
#include "autograd/kernels/attention_pairs.h"
#include "autograd/kernels/attention_simd.h"

namespace autograd::kernels {
namespace {

// These passes where vectors are short; otherwise f32.
template <class ForwardPass, class BackwardPass>
struct ShortAttention {
  static constexpr AttentionKernels<BFloat16> Make() {
    return {ForwardScratch, Forward, BackwardScratch, Backward};
  }

 private:
  static constexpr AttentionKernels<BFloat16> Wide() {
    return WidenedAttention<Bf16Lanes<Avx512F32>>::Make();
  }
  static int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

  static int64_t ForwardScratch(const AttentionHeadSize& size) {
    const int64_t wide = Wide().forward_scratch(size);
    return AttentionPairs::Fits(size) ? Max(ForwardPass::Scratch(size), wide) : wide;
  }
  static void Forward(const AttentionHead<BFloat16>& head, float* scratch) {
    if (AttentionPairs::Fits(head.size) && ForwardPass::Run(head, scratch)) return;
    Wide().forward(head, scratch);
  }
  static int64_t BackwardScratch(const AttentionHeadSize& size) {
    return AttentionPairs::Fits(size) ? BackwardPass::Scratch(size) : Wide().backward_scratch(size);
  }
  static void Backward(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    if (AttentionPairs::Fits(head.size)) return BackwardPass::Run(head, scratch);
    Wide().backward(head, scratch);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_SHORT_H_
