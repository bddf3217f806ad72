// MultiHeadAttention: tokens that look at each other (self-attention), or at the tokens of a
// context (cross-attention).
//
// Queries, keys and values are linear functions of the tokens, cut into heads; each head is an
// attention of its own (autograd/ops/attention.h, fused), and a linear layer mixes what the heads
// found (Vaswani et al., arXiv:1706.03762, 3.2.2). Computes what torch.nn.MultiheadAttention does
// with batch_first; the names of the parameters are those of the diffusers library's Attention
// block: to_q, to_k, to_v and to_out.0.
//
// Example:
//   Generator generator(1);
//   MultiHeadAttention self(64, generator, {.heads = 8});
//   Tensor tokens = Ones({2, 49, 64});
//   std::cout << self.Forward(tokens).shape().ToString() << "\n";  // [2, 49, 64]
//   MultiHeadAttention cross(64, generator, {.heads = 4, .key_width = 32, .value_width = 32});
//   Tensor context = Ones({2, 7, 32});
//   std::cout << cross.Forward(tokens, context).shape().ToString() << "\n";  // [2, 49, 64]
//   std::cout << cross.NamedParameters()[6].first << "\n";                   // to_out.0.weight
#ifndef NN_ATTENTION_H_
#define NN_ATTENTION_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "nn/init.h"
#include "nn/layer.h"
#include "nn/linear.h"
#include "nn/sequential.h"

namespace nn {

struct MultiHeadAttentionOptions {
  int64_t heads = 1;
  // Width of a head; 0 stands for width / heads, which must be whole.
  int64_t head_size = 0;
  // Widths of the tokens that keys and values are made of (PyTorch's kdim and vdim); 0 stands for
  // the width of the queries' tokens.
  int64_t key_width = 0;
  int64_t value_width = 0;
  // Token i sees the tokens 0 ... i only.
  bool causal = false;
  // Of to_q, to_k and to_v; and of to_out.0.
  bool bias = true;
  bool out_bias = true;
  autograd::DType dtype = autograd::DType::kF32;
};

// A base class for blocks that add what belongs around it under the same names, such as a norm.
class MultiHeadAttention : public Layer {
 public:
  // width: of the tokens that queries are made of, and of the result. Parameters "to_q.weight",
  // "to_q.bias" and so on start as those of nn::Linear. Throws std::invalid_argument for sizes that
  // are not positive or a width that the heads do not divide.
  MultiHeadAttention(int64_t width, Generator& generator,
                     const MultiHeadAttentionOptions& options = {});

  // Self-attention: x [B, tokens, width], result the same.
  Tensor Forward(const Tensor& x) const override;
  // Cross-attention: x [B, tokens, width], context [B, keys, key_width].
  Tensor Forward(const Tensor& x, const Tensor& context) const;
  // With values from other tokens than the keys: value [B, keys, value_width]. All three throw
  // std::invalid_argument naming all shapes and dtypes if they do not fit.
  Tensor Forward(const Tensor& query, const Tensor& key, const Tensor& value) const;

  int64_t heads() const { return heads_; }
  int64_t head_size() const { return head_size_; }

 private:
  // Options in which no 0 stands for something else.
  struct Completed {
    Completed(int64_t width, const MultiHeadAttentionOptions& given);
    MultiHeadAttentionOptions options;
  };
  MultiHeadAttention(const Completed& completed, int64_t width, Generator& generator);

  void CheckTokens(const Tensor& query, const Tensor& key, const Tensor& value) const;
  // [B, tokens, heads * size] as [B, tokens, heads, size].
  Tensor ByHeads(const Tensor& x) const;

  int64_t heads_, head_size_;
  bool causal_;
  Linear to_q_, to_k_, to_v_;
  Sequential to_out_;
};

}  // namespace nn

#endif  // NN_ATTENTION_H_
