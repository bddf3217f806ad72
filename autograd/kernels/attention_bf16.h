// Attention of bf16 vectors with the kernels of f32: the vectors of a head become f32 in scratch,
// and what was computed is rounded once. A head's vectors are few beside its scores, and stay in
// the first- and second-level cache.
//
// Lanes says how: Widen(from, n, to) and Round(from, n, to) convert n elements, and Kernels() are
// the kernels of f32.
//
// Also for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_BF16_H_
#define AUTOGRAD_KERNELS_ATTENTION_BF16_H_

#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/attention_kernels.h"

namespace autograd::kernels {
namespace {

template <class Lanes>
class WidenedAttention {
 public:
  static constexpr AttentionKernels<BFloat16> Make() {
    return {ForwardScratch, Forward, BackwardScratch, Backward};
  }

 private:
  static int64_t RoundUp(int64_t n) { return (n + 15) / 16 * 16; }
  // Of q, k, v and out, or of their gradients.
  static int64_t Elements(const AttentionHeadSize& size) {
    return RoundUp((size.queries + size.keys) * (size.head + size.value));
  }

  static int64_t ForwardScratch(const AttentionHeadSize& size) {
    return Elements(size) + Lanes::Kernels().forward_scratch(size);
  }
  static int64_t BackwardScratch(const AttentionHeadSize& size) {
    return 2 * Elements(size) + Lanes::Kernels().backward_scratch(size);
  }

  static void Forward(const AttentionHead<BFloat16>& head, float* scratch) {
    const AttentionHeadSize& size = head.size;
    float* rest = scratch;
    const VectorList<const float> q = Widened(head.q, size.queries, size.head, &rest);
    const VectorList<const float> k = Widened(head.k, size.keys, size.head, &rest);
    const VectorList<const float> v = Widened(head.v, size.keys, size.value, &rest);
    const VectorList<float> out = {rest, size.value};
    Lanes::Kernels().forward({size, head.scale, q, k, v, out, head.log_sum_exp},
                             scratch + Elements(size));
    Round(out, size.queries, size.value, head.out);
  }

  static void Backward(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    const AttentionHeadSize& size = head.size;
    float* rest = scratch;
    const VectorList<const float> q = Widened(head.q, size.queries, size.head, &rest);
    const VectorList<const float> k = Widened(head.k, size.keys, size.head, &rest);
    const VectorList<const float> v = Widened(head.v, size.keys, size.value, &rest);
    const VectorList<const float> out = Widened(head.out, size.queries, size.value, &rest);
    rest = scratch + Elements(size);
    const VectorList<const float> g = Widened(head.out_grad, size.queries, size.value, &rest);
    const VectorList<float> dq = Room(head.dq, size.queries, size.head, &rest);
    const VectorList<float> dk = Room(head.dk, size.keys, size.head, &rest);
    const VectorList<float> dv = Room(head.dv, size.keys, size.value, &rest);
    Lanes::Kernels().backward({size, head.scale, q, k, v, out, g, head.log_sum_exp, dq, dk, dv},
                              scratch + 2 * Elements(size));
    Round(dq, size.queries, size.head, head.dq);
    Round(dk, size.keys, size.head, head.dk);
    Round(dv, size.keys, size.value, head.dv);
  }

  // A dense copy at *rest, which then points behind it.
  static VectorList<const float> Widened(const VectorList<const BFloat16>& from, int64_t count,
                                         int64_t n, float** rest) {
    float* to = *rest;
    *rest += count * n;
    for (int64_t i = 0; i < count; ++i) Lanes::Widen(from[i], n, to + i * n);
    return {to, n};
  }

  // Room for what will be rounded to `wanted`.
  static VectorList<float> Room(const VectorList<BFloat16>& wanted, int64_t count, int64_t n,
                                float** rest) {
    if (wanted.data == nullptr) return {nullptr, 0};
    float* room = *rest;
    *rest += count * n;
    return {room, n};
  }

  static void Round(const VectorList<float>& from, int64_t count, int64_t n,
                    const VectorList<BFloat16>& to) {
    if (to.data == nullptr) return;
    for (int64_t i = 0; i < count; ++i) Lanes::Round(from[i], n, to[i]);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_BF16_H_
