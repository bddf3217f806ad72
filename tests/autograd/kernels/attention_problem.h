// Attention for tests: inputs and results of all heads, and sizes at and around those of blocks.
#ifndef TESTS_AUTOGRAD_KERNELS_ATTENTION_PROBLEM_H_
#define TESTS_AUTOGRAD_KERNELS_ATTENTION_PROBLEM_H_

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/attention.h"

namespace autograd::kernels {

inline double ToDouble(double x) { return x; }
inline double ToDouble(float x) { return static_cast<double>(x); }
inline double ToDouble(BFloat16 x) { return static_cast<double>(ToFloat(x)); }

template <class T>
T Rounded(double x) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return ToBFloat16(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

// Dense vectors by batch entry, token and head.
template <class T>
struct Array {
  Array(int64_t batch, int64_t token_count, int64_t head_count, int64_t size, uint32_t seed = 0)
      : tokens(token_count),
        heads(head_count),
        width(size),
        values(static_cast<size_t>(batch * token_count * head_count * size), Rounded<T>(77)) {
    if (seed == 0) return;
    for (T& value : values) {
      seed = seed * 1664525u + 1013904223u;
      value = Rounded<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
    }
  }

  double At(int64_t b, int64_t t, int64_t h, int64_t i) const {
    return ToDouble(values[static_cast<size_t>(((b * tokens + t) * heads + h) * width + i)]);
  }
  HeadVectors<T> Vectors() { return {values.data(), tokens * heads * width, heads * width, width}; }
  HeadVectors<const T> View() const {
    return {values.data(), tokens * heads * width, heads * width, width};
  }

  int64_t tokens, heads, width;
  std::vector<T> values;
};

template <class T>
struct Problem {
  explicit Problem(const AttentionSpec& s)
      : spec(s),
        q(s.size.batch, s.size.queries, s.size.heads, s.size.head, 1),
        k(s.size.batch, s.size.keys, s.size.heads, s.size.head, 2),
        v(s.size.batch, s.size.keys, s.size.heads, s.size.value, 3),
        g(s.size.batch, s.size.queries, s.size.heads, s.size.value, 4),
        out(s.size.batch, s.size.queries, s.size.heads, s.size.value),
        dq(s.size.batch, s.size.queries, s.size.heads, s.size.head),
        dk(s.size.batch, s.size.keys, s.size.heads, s.size.head),
        dv(s.size.batch, s.size.keys, s.size.heads, s.size.value),
        sums(static_cast<size_t>(s.size.batch * s.size.heads * s.size.queries), 77) {}

  AttentionInputs<T> Inputs() const { return {q.View(), k.View(), v.View()}; }
  void Run() {
    AttentionForward<T>(spec, Inputs(), out.Vectors(), sums.data());
    AttentionBackward<T>(spec, Inputs(), out.View(), sums.data(), g.View(),
                         {dq.Vectors(), dk.Vectors(), dv.Vectors()});
  }

  AttentionSpec spec;
  Array<T> q, k, v, g, out, dq, dk, dv;
  std::vector<AttentionMath<T>> sums;
};

inline std::string Name(const AttentionSpec& spec) {
  const auto& [batch, heads, queries, keys, d, dv] = spec.size;
  return std::to_string(queries) + " queries, " + std::to_string(keys) + " keys, head " +
         std::to_string(d) + ", value " + std::to_string(dv) + (spec.causal ? ", causal" : "");
}

// Sizes at and around those of vectors, panels and blocks.
inline std::vector<AttentionSpec> Specs() {
  std::vector<AttentionSpec> specs;
  for (const auto& [queries, keys, d, dv] :
       std::vector<std::array<int64_t, 4>>{{1, 1, 1, 1},
                                           {1, 7, 8, 8},
                                           {16, 14, 8, 8},
                                           {17, 15, 8, 8},
                                           {32, 16, 8, 16},
                                           {32, 16, 8, 8},
                                           {33, 31, 8, 3},
                                           {32, 32, 5, 8},
                                           {64, 48, 8, 8},
                                           {33, 223, 7, 9},
                                           {49, 49, 8, 8},
                                           {196, 196, 8, 8},
                                           {40, 224, 3, 5},
                                           {15, 225, 8, 4},
                                           {224, 30, 16, 8},
                                           {225, 31, 8, 24},
                                           {500, 460, 4, 8},
                                           {70, 500, 40, 33}}) {
    for (const bool causal : {false, true}) {
      specs.push_back({{2, 2, queries, keys, d, dv}, 0.9, causal});
    }
  }
  return specs;
}

template <class T>
std::vector<double> Doubles(const Array<T>& array) {
  std::vector<double> doubles;
  for (const T value : array.values) doubles.push_back(ToDouble(value));
  return doubles;
}

}  // namespace autograd::kernels

#endif  // TESTS_AUTOGRAD_KERNELS_ATTENTION_PROBLEM_H_
