// Scaled dot-product attention, fused: the scores are never stored.
//
// Each query is compared with every key of its head; the softmax of these scores weighs the values:
//   out_i = sum_j softmax_j(scale q_i . k_j) v_j
// (Vaswani et al., arXiv:1706.03762). Tokens come before heads, so that the rows of a linear layer,
// [batch, tokens, heads * size], only have to be seen as [batch, tokens, heads, size].
//
// Memory grows with the number of tokens, not with its square: beside the result, one number for
// each query is kept for the backward pass, which computes the probabilities again. Gradients with
// a graph, and tangents, go through the matrix of probabilities instead, as MatMul and Softmax
// would have them.
//
// Example:
//   Tensor qkv = Ones({2, 49, 3, 8, 8});  // batch, tokens, q k v, heads, head size
//   Tensor y = ScaledDotProductAttentionPacked(qkv);
//   std::cout << y.shape().ToString() << "\n";  // [2, 49, 8, 8]
//   Tensor x = Ones({2, 10, 4, 16});
//   Tensor causal = ScaledDotProductAttention(x, x, x, {.causal = true});
#ifndef AUTOGRAD_OPS_ATTENTION_H_
#define AUTOGRAD_OPS_ATTENTION_H_

#include "autograd/tensor.h"

namespace autograd {

struct AttentionOptions {
  // Query i sees the keys 0 ... i only, counted from the first query and the first key also where
  // there are more of one than of the other, as in PyTorch. So every query sees at least one key.
  bool causal = false;
  // What scores are multiplied by; 0 stands for 1 / sqrt(head size).
  double scale = 0;
};

// q [B, queries, heads, d], k [B, keys, heads, d], v [B, keys, heads, dv]; result [B, queries,
// heads, dv]. All f32, all f64 or all bf16 (computed in f32, rounded once); any strides (read
// without a copy where the last axis is dense). Without any keys the result is 0. Throws
// std::invalid_argument naming all shapes and dtypes if they do not fit, for d = 0, and for a scale
// that is not finite.
Tensor ScaledDotProductAttention(const Tensor& q, const Tensor& k, const Tensor& v,
                                 const AttentionOptions& options = {});

// The same of three parts of one tensor: qkv [B, tokens, 3, heads, d], as one linear layer computes
// queries, keys and values (in this order); result [B, tokens, heads, d]. f32, f64 or bf16; any
// strides. The parts are read where they lie, and the gradient is written as one tensor of the
// shape of qkv. Throws std::invalid_argument naming shape and dtype if qkv has another form, for d
// = 0, and for a scale that is not finite.
Tensor ScaledDotProductAttentionPacked(const Tensor& qkv, const AttentionOptions& options = {});

}  // namespace autograd

#endif  // AUTOGRAD_OPS_ATTENTION_H_
