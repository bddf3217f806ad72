// The forward pass of attention_pairs.h: 16 queries in the lanes and their results stay in
// registers while all keys go by, as in attention_narrow.h.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_PAIRS_FORWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_PAIRS_FORWARD_H_

#include <stdint.h>

#include "autograd/kernels/attention_pairs.h"
#include "autograd/kernels/simd_avx512.h"
#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

class PairsForward : protected AttentionPairs {
 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    return CommonScratch(size) + RoundUp(size.keys, kBlockKeys) * kElements / 2;
  }

  // False, with nothing written, where scores may be large.
  static bool Run(const AttentionHead<BFloat16>& head, float* scratch) {
    PairsForward pass(head, scratch);
    if (!pass.Moderate()) return false;
    pass.PackValues();
    for (int64_t i = 0; i < head.size.queries; i += kLanes) pass.Queries(i);
    return true;
  }

 protected:
  // Keys are padded to a multiple of this.
  static constexpr int64_t kBlockKeys = 32;

  // Without v_.
  static int64_t CommonScratch(const AttentionHeadSize& size) {
    const int64_t keys = RoundUp(size.keys, kBlockKeys), queries = RoundUp(size.queries, kLanes);
    return (queries + 2 * keys) * kElements / 2;
  }

  PairsForward(const AttentionHead<BFloat16>& head, float* scratch) : head_(head) {
    const AttentionHeadSize& size = head.size;
    const int64_t keys = RoundUp(size.keys, kBlockKeys), queries = RoundUp(size.queries, kLanes);
    q_ = reinterpret_cast<BFloat16*>(scratch);
    k_ = q_ + queries * kElements;
    values_ = k_ + keys * kElements;
    CopyRows(head.q, size.queries, queries, size.head, q_);
    CopyRows(head.k, size.keys, keys, size.head, k_);
    CopyRows(head.v, size.keys, keys, size.value, values_);
  }

  // False for NaN too.
  bool Moderate() const {
    // As in attention_narrow.h.
    const float max_score = 20;
    const float q = MaxSquare(q_, head_.size.queries), k = MaxSquare(k_, head_.size.keys);
    return q * k * head_.scale * head_.scale <= max_score * max_score;
  }

  const AttentionHead<BFloat16>& head_;
  BFloat16 *q_, *k_, *values_;  // dense rows

 private:
  static constexpr int kKeys = 4;

  void PackValues() {
    const int64_t keys = RoundUp(head_.size.keys, kBlockKeys);
    v_ = values_ + keys * kElements;
    VectorPairs(values_, keys, v_);
  }

  // The largest square of a vector's length; NaN or infinity if one is not finite.
  float MaxSquare(const BFloat16* rows, int64_t count) const {
    __m512 max = _mm512_setzero_ps(), sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < count; i += kLanes) {
      __m512i pairs[4];
      ElementPairs(rows + i * kElements, pairs);
      __m512 square = _mm512_setzero_ps();
      for (int x = 0; x < 4; ++x) square = Dot(pairs[x], pairs[x], square);
      max = _mm512_max_ps(max, square);
      sum = sum + square;
    }
    // The maximum does not keep NaN, the sum does.
    const float total = Avx512F32::ReduceAdd(sum);
    return total < __builtin_inff() ? Avx512F32::ReduceMax(max) : total;
  }

  void Queries(int64_t first) {
    __m512i q[4];
    ElementPairs(q_ + first * kElements, q);
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E);
    __m512 acc[kElements], sum = _mm512_setzero_ps();
    for (int x = 0; x < kElements; ++x) acc[x] = _mm512_setzero_ps();
    // The values are weighed after the next scores are under way: an exponential takes long.
    __m512i p[kKeys / 2] = {};
    const BFloat16* last_values = v_;
    int64_t j = 0;
    for (; j + kKeys <= head_.size.keys; j += kKeys) {
      __m512 s[kKeys];
      Scores<kKeys>(q, k_ + j * kElements, s);
      Weigh<kKeys / 2>(p, last_values, acc);
#pragma GCC unroll 4
      for (int i = 0; i < kKeys; ++i) {
        s[i] = Exp2(s[i] * scale);
        sum = sum + s[i];
      }
#pragma GCC unroll 2
      for (int i = 0; i < kKeys / 2; ++i) p[i] = Interleave(s[2 * i], s[2 * i + 1]);
      last_values = v_ + j * kElements;
      // Keeps the compiler from undoing this order.
      asm volatile("" ::: "memory");
    }
    Weigh<kKeys / 2>(p, last_values, acc);
    for (; j < head_.size.keys; j += 2) {
      __m512 s[2];
      Scores<2>(q, k_ + j * kElements, s);
      s[0] = Exp2(s[0] * scale);
      s[1] = j + 1 < head_.size.keys ? Exp2(s[1] * scale) : _mm512_setzero_ps();
      sum = sum + s[0];
      sum = sum + s[1];
      const __m512i pair[1] = {Interleave(s[0], s[1])};
      Weigh<1>(pair, v_ + j * kElements, acc);
    }
    Finish(first, sum, acc);
  }

  void Finish(int64_t first, __m512 sum, __m512 (&acc)[kElements]) const {
    const __m512 factor = _mm512_set1_ps(1) / sum;
    for (int x = 0; x < kElements; ++x) acc[x] = factor * acc[x];
    StoreVectors(acc, first, head_.size.queries, head_.size.value, head_.out);
    if (head_.log_sum_exp == nullptr) return;
    Avx512F32::StorePartial(head_.log_sum_exp + first, Log<Avx512F32>(sum),
                            Lanes(head_.size.queries - first));
  }

  template <int kCount>
  [[gnu::always_inline]] static void Scores(const __m512i (&q)[4], const BFloat16* keys,
                                            __m512 (&s)[kCount]) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) s[i] = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
#pragma GCC unroll 4
      for (int i = 0; i < kCount; ++i) {
        s[i] = Dot(q[x], Broadcast(keys + i * kElements + 2 * x), s[i]);
      }
    }
  }

  template <int kPairs>
  [[gnu::always_inline]] static void Weigh(const __m512i (&p)[kPairs], const BFloat16* values,
                                           __m512 (&acc)[kElements]) {
#pragma GCC unroll 2
    for (int i = 0; i < kPairs; ++i) {
#pragma GCC unroll 8
      for (int x = 0; x < kElements; ++x) {
        acc[x] = Dot(p[i], Broadcast(values + 2 * (i * kElements + x)), acc[x]);
      }
    }
  }

  BFloat16* v_ = nullptr;  // pairs of values
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_PAIRS_FORWARD_H_
