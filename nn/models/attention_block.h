// AttentionBlock: every pixel of an image looks at every other (self-attention of Vaswani et al.
// 1706.03762), with the image itself added back; the attention of diffusion UNets.
//
//   y = x + to_out.0(attention(to_q(n), to_k(n), to_v(n))),  n = group_norm(x)
//
// Example:
//   Generator generator(1);
//   AttentionBlock block({.channels = 64, .head_dim = 8}, generator);
//   std::cout << block.Forward(Ones({2, 7, 7, 64})).shape().ToString() << "\n";  // [2, 7, 7, 64]
#ifndef NN_MODELS_ATTENTION_BLOCK_H_
#define NN_MODELS_ATTENTION_BLOCK_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "nn/layer.h"
#include "nn/linear.h"
#include "nn/module_list.h"
#include "nn/norm.h"

namespace nn {

struct AttentionBlockOptions {
  int64_t channels = 0;
  int64_t head_dim = 8;      // must divide `channels`, which gives the number of heads
  int64_t norm_groups = 32;  // must divide `channels`
  double norm_eps = 1e-5;
  autograd::DType dtype = autograd::DType::kF32;
};

class AttentionBlock final : public Layer {
 public:
  // Modules group_norm, to_q, to_k, to_v and to_out.0. Throws std::invalid_argument for sizes that
  // are not positive or not divisible.
  AttentionBlock(const AttentionBlockOptions& options, Generator& generator);

  // x [B, H, W, channels], and the result.
  Tensor Forward(const Tensor& x) const override;

 private:
  int64_t head_dim_;
  GroupNorm group_norm_;
  Linear to_q_, to_k_, to_v_;
  ModuleList<Linear> to_out_;
};

}  // namespace nn

#endif  // NN_MODELS_ATTENTION_BLOCK_H_
