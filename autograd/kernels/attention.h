// Scaled dot-product attention and its gradients without the matrix of scores.
//
// For each batch entry and head, with the queries q_i, keys k_j and values v_j of that head,
//   s_ij = scale q_i . k_j,  p_ij = e^(s_ij) / sum_j e^(s_ij),  out_i = sum_j p_ij v_j.
// The forward pass goes through the keys in blocks and keeps, beside the result, one number a
// query: L_i = log sum_j e^(s_ij), from which the backward pass makes p_ij = e^(s_ij - L_i) again
// (Dao et al., FlashAttention, arXiv:2205.14135, algorithms 1 and 4; and 2307.08691). With g the
// gradient of out and D_i = g_i . out_i:
//   ds_ij = p_ij (g_i . v_j - D_i),
//   dq_i = scale sum_j ds_ij k_j,  dk_j = scale sum_i ds_ij q_i,  dv_j = sum_i p_ij g_i.
//
// Each (batch entry, head) is one task, so results have the same bits whatever the number of
// threads, the strides and the alignment.
//
// Example:
//   std::vector<float> q = {1, 0, 0, 1}, k = {9, 0, 0, 9}, v = {1, 2}, out(2), sums(2);
//   const kernels::AttentionSize size = {/*batch=*/1, /*heads=*/1, /*queries=*/2, /*keys=*/2,
//                                        /*head=*/2,  /*value=*/1};
//   const kernels::AttentionInputs<float> in = {
//       {q.data(), 4, 2, 2}, {k.data(), 4, 2, 2}, {v.data(), 2, 1, 1}};
//   kernels::AttentionForward<float>({size, 1.0, false}, in, {out.data(), 2, 1, 1}, sums.data());
//   std::cout << out[0] << " " << out[1] << "\n";  // 1.00012 1.99988
#ifndef AUTOGRAD_KERNELS_ATTENTION_H_
#define AUTOGRAD_KERNELS_ATTENTION_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// What attention of vectors of T is computed in, and the type of log_sum_exp: f32 for bf16.
template <class T>
struct AttentionMathOf {
  using Type = T;
};
template <>
struct AttentionMathOf<BFloat16> {
  using Type = float;
};
template <class T>
using AttentionMath = typename AttentionMathOf<T>::Type;

struct AttentionSize {
  int64_t batch, heads;
  int64_t queries, keys;
  int64_t head;   // elements of a query and of a key
  int64_t value;  // elements of a value and of a result
};

struct AttentionSpec {
  AttentionSize size;
  double scale = 1;
  // Query i sees the keys 0 ... i only.
  bool causal = false;
};

// Vectors by batch entry, token and head: vector (b, t, h) starts at data + b * batch + t * token +
// h * head (strides in elements) and is dense.
template <class T>
struct HeadVectors {
  T* data = nullptr;
  int64_t batch = 0, token = 0, head = 0;
};

template <class T>
struct AttentionInputs {
  HeadVectors<const T> q, k, v;
};

// Those whose data is null are not written.
template <class T>
struct AttentionGradients {
  HeadVectors<T> q, k, v;
};

// Writes out, and log_sum_exp [batch, heads, queries] unless that is null. Without keys, out is 0
// and log_sum_exp -infinity. For T = float, double and BFloat16. Of bf16, out is rounded once;
// where vectors are multiplied by AVX512_BF16 or AMX, probabilities are rounded to bf16 before they
// weigh the values, and log_sum_exp has an error of 1e-4.
template <class T>
void AttentionForward(const AttentionSpec& spec, const AttentionInputs<T>& in,
                      const HeadVectors<T>& out, AttentionMath<T>* log_sum_exp);

// Writes the gradients; out and log_sum_exp as AttentionForward wrote them. For T = float, double
// and BFloat16. Of bf16, gradients are rounded once; with AVX512_BF16 or AMX, probabilities and
// gradients of scores too before they are multiplied.
template <class T>
void AttentionBackward(const AttentionSpec& spec, const AttentionInputs<T>& in,
                       const HeadVectors<const T>& out, const AttentionMath<T>* log_sum_exp,
                       const HeadVectors<const T>& out_grad, const AttentionGradients<T>& grads);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_H_
