#include "autograd/kernels/attention_avx512.h"
#include "autograd/kernels/attention_pairs_backward.h"
#include "autograd/kernels/attention_pairs_forward.h"
#include "autograd/kernels/attention_simd.h"

namespace autograd::kernels {
namespace {

// Pairs where vectors are short; otherwise f32.
struct PairsAttention {
  static constexpr AttentionKernels<BFloat16> Wide() {
    return WidenedAttention<Bf16Lanes<Avx512F32>>::Make();
  }
  static int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

  static int64_t ForwardScratch(const AttentionHeadSize& size) {
    const int64_t wide = Wide().forward_scratch(size);
    return AttentionPairs::Fits(size) ? Max(PairsForward::Scratch(size), wide) : wide;
  }
  static void Forward(const AttentionHead<BFloat16>& head, float* scratch) {
    if (AttentionPairs::Fits(head.size) && PairsForward::Run(head, scratch)) return;
    Wide().forward(head, scratch);
  }
  static int64_t BackwardScratch(const AttentionHeadSize& size) {
    return AttentionPairs::Fits(size) ? PairsBackward::Scratch(size)
                                      : Wide().backward_scratch(size);
  }
  static void Backward(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    if (AttentionPairs::Fits(head.size)) return PairsBackward::Run(head, scratch);
    Wide().backward(head, scratch);
  }
};

}  // namespace

namespace avx512_bf16 {

const AttentionKernels<BFloat16> kAttentionBf16 = {
    PairsAttention::ForwardScratch, PairsAttention::Forward, PairsAttention::BackwardScratch,
    PairsAttention::Backward};

}  // namespace avx512_bf16
}  // namespace autograd::kernels
