// The forward pass where a head has at most 8 elements and all scores are known to be moderate: one
// vector of queries and its results stay in registers while all keys go by.
//
// e^s is then taken of the score itself, without the maximum of a query's scores, which would have
// to be found first; the softmax is the same. |s_ij| <= |q_i| |k_j| says when.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_NARROW_H_
#define AUTOGRAD_KERNELS_ATTENTION_NARROW_H_

#include <stdint.h>

#include "autograd/kernels/attention_tile.h"

namespace autograd::kernels {
namespace {

// For V with 32 registers of f32.
template <class V>
struct AttentionNarrow {
  using Tile = AttentionTile<V>;
  using Vec = typename V::Vec;

  static constexpr int kElements = 8;
  // Exponentials between e^-20 and e^20 leave room for sums and products of any usual size.
  static constexpr float kMaxScore = 20 * Tile::kUnit;
  // Keys whose scores are computed side by side, to hide what an instruction's result takes.
  static constexpr int kKeys = 4;

  // The largest |k_j|^2 of dense vectors of 8 elements; infinity if one is not finite.
  static float MaxSquare(const float* keys, int64_t count) {
    Vec max = V::Zero(), sum = V::Zero();
    for (int64_t j = 0; j < count; j += V::kLanes) {
      Vec squares[V::kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < V::kLanes; ++i) {
        // The last ones once more.
        const int64_t key = j + i < count ? j + i : count - 1;
        const Vec k = V::LoadPartial(keys + key * kElements, kElements);
        squares[i] = k * k;
      }
      const Vec all = LaneSums<V>::Of(squares);
      max = V::Max(max, all);
      sum = sum + all;
    }
    // Max does not keep NaN.
    return V::ReduceAdd(sum) < Consts<V>::kInf ? V::ReduceMax(max) : Consts<V>::kInf;
  }

  // True if no query of a vector of a panel may have a score beyond kMaxScore.
  static bool Moderate(const float* queries, float max_square) {
    Vec square = V::Zero();
    for (int x = 0; x < kElements; ++x) {
      const Vec q = V::Load(queries + x * Tile::kWidth);
      square = V::Fma(q, q, square);
    }
    return V::Bits(V::Le(square * V::Set(max_square), V::Set(kMaxScore * kMaxScore))) ==
           (1u << V::kLanes) - 1;
  }

  // The sums of exponentials of a vector of queries; *out [8][kWidth] is the sum of values, weighed
  // by them. keys (times scale and kUnit) and values are dense vectors of 8 elements.
  static Vec Run(const float* queries, const float* keys, const float* values, int64_t count,
                 float* out) {
    Vec q[kElements], acc[kElements], sum = V::Zero();
#pragma GCC unroll 8
    for (int x = 0; x < kElements; ++x) {
      q[x] = V::Load(queries + x * Tile::kWidth);
      acc[x] = V::Zero();
    }
    // The values are weighed after the next scores are under way: an exponential takes long.
    Vec p[kKeys];
#pragma GCC unroll 4
    for (int j = 0; j < kKeys; ++j) p[j] = V::Zero();
    const float* last_values = values;
    int64_t j = 0;
    for (; j + kKeys <= count; j += kKeys) {
      Vec s[kKeys];
      Scores<kKeys>(q, keys + j * kElements, s);
      Weigh<kKeys>(p, last_values, acc);
#pragma GCC unroll 4
      for (int i = 0; i < kKeys; ++i) {
        p[i] = AttentionExp<V>::Of(s[i]);
        sum = sum + p[i];
      }
      last_values = values + j * kElements;
      // Keeps the compiler from undoing this order.
      asm volatile("" ::: "memory");
    }
    Weigh<kKeys>(p, last_values, acc);
    for (; j < count; ++j) {
      Vec s[1];
      Scores<1>(q, keys + j * kElements, s);
      s[0] = AttentionExp<V>::Of(s[0]);
      sum = sum + s[0];
      Weigh<1>(s, values + j * kElements, acc);
    }
#pragma GCC unroll 8
    for (int x = 0; x < kElements; ++x) V::Store(out + x * Tile::kWidth, acc[x]);
    return sum;
  }

 private:
  template <int kCount>
  [[gnu::always_inline]] static void Scores(const Vec (&q)[kElements], const float* keys,
                                            Vec (&s)[kCount]) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) s[i] = V::Set(keys[i * kElements]) * q[0];
#pragma GCC unroll 8
    for (int x = 1; x < kElements; ++x) {
#pragma GCC unroll 4
      for (int i = 0; i < kCount; ++i) {
        s[i] = V::Fma(V::Set(keys[i * kElements + x]), q[x], s[i]);
      }
    }
  }

  template <int kCount>
  [[gnu::always_inline]] static void Weigh(const Vec (&p)[kCount], const float* values,
                                           Vec (&acc)[kElements]) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
#pragma GCC unroll 8
      for (int x = 0; x < kElements; ++x) {
        acc[x] = V::Fma(V::Set(values[i * kElements + x]), p[i], acc[x]);
      }
    }
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_NARROW_H_
