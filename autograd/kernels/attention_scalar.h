// The scalar reference of attention_kernels.h: one query after the other.
#ifndef AUTOGRAD_KERNELS_ATTENTION_SCALAR_H_
#define AUTOGRAD_KERNELS_ATTENTION_SCALAR_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "autograd/dtype.h"
#include "autograd/kernels/attention_bf16.h"
#include "autograd/kernels/attention_kernels.h"

namespace autograd::kernels {

template <class T>
class ScalarAttention {
 public:
  static constexpr AttentionKernels<T> Make() { return {Scratch, Forward, Scratch, Backward}; }

 private:
  // A row of probabilities and one of their gradients.
  static int64_t Scratch(const AttentionHeadSize& size) { return 2 * size.keys; }

  static T Dot(const T* a, const T* b, int64_t n) {
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
  }
  // y += a x.
  static void AddScaled(T a, const T* x, T* y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
  }
  static void Clear(const VectorList<T>& rows, int64_t count, int64_t n) {
    if (rows.data == nullptr) return;
    for (int64_t i = 0; i < count; ++i) std::fill_n(rows[i], n, T(0));
  }
  // Number of keys that a query sees.
  static int64_t Visible(const AttentionHeadSize& size, int64_t query) {
    return size.causal ? std::min(size.keys, query + 1) : size.keys;
  }

  static void Forward(const AttentionHead<T>& head, T* scores) {
    const AttentionHeadSize& size = head.size;
    for (int64_t i = 0; i < size.queries; ++i) {
      const int64_t keys = Visible(size, i);
      T max = -std::numeric_limits<T>::infinity(), sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        scores[j] = head.scale * Dot(head.q[i], head.k[j], size.head);
        max = std::max(max, scores[j]);
      }
      T* out = head.out[i];
      std::fill_n(out, size.value, T(0));
      for (int64_t j = 0; j < keys; ++j) {
        const T weight = std::exp(scores[j] - max);
        sum += weight;
        AddScaled(weight, head.v[j], out, size.value);
      }
      for (int64_t x = 0; x < size.value; ++x) out[x] /= sum;
      if (head.log_sum_exp != nullptr) head.log_sum_exp[i] = max + std::log(sum);
    }
  }

  static void Backward(const AttentionHeadBackward<T>& head, T* scratch) {
    const AttentionHeadSize& size = head.size;
    Clear(head.dq, size.queries, size.head);
    Clear(head.dk, size.keys, size.head);
    Clear(head.dv, size.keys, size.value);
    for (int64_t i = 0; i < size.queries; ++i) BackwardOfQuery(head, i, scratch);
  }

  static void BackwardOfQuery(const AttentionHeadBackward<T>& head, int64_t i, T* scratch) {
    const AttentionHeadSize& size = head.size;
    const int64_t keys = Visible(size, i);
    T *p = scratch, *ds = scratch + size.keys;
    const T* g = head.out_grad[i];
    const T shift = Dot(g, head.out[i], size.value);
    for (int64_t j = 0; j < keys; ++j) {
      const T score = head.scale * Dot(head.q[i], head.k[j], size.head);
      p[j] = std::exp(score - head.log_sum_exp[i]);
      ds[j] = head.scale * p[j] * (Dot(g, head.v[j], size.value) - shift);
    }
    for (int64_t j = 0; j < keys; ++j) {
      if (head.dq.data != nullptr) AddScaled(ds[j], head.k[j], head.dq[i], size.head);
      if (head.dk.data != nullptr) AddScaled(ds[j], head.q[i], head.dk[j], size.head);
      if (head.dv.data != nullptr) AddScaled(p[j], g, head.dv[j], size.value);
    }
  }
};

struct ScalarBf16Lanes {
  static constexpr AttentionKernels<float> Kernels() { return ScalarAttention<float>::Make(); }
  static void Widen(const BFloat16* from, int64_t n, float* to) {
    std::transform(from, from + n, to, ToFloat);
  }
  static void Round(const float* from, int64_t n, BFloat16* to) {
    std::transform(from, from + n, to, ToBFloat16);
  }
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_SCALAR_H_
