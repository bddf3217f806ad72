#include "nn/models/attention_block.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/conv.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/shape.h"

namespace nn {

AttentionBlock::AttentionBlock(const AttentionBlockOptions& options, Generator& generator)
    : head_dim_(options.head_dim),
      group_norm_(options.norm_groups, options.channels,
                  {.eps = options.norm_eps, .dtype = options.dtype}),
      to_q_(options.channels, options.channels, generator, {.dtype = options.dtype}),
      to_k_(options.channels, options.channels, generator, {.dtype = options.dtype}),
      to_v_(options.channels, options.channels, generator, {.dtype = options.dtype}) {
  if (head_dim_ < 1 || options.channels % head_dim_ != 0) {
    throw std::invalid_argument(absl::StrCat("AttentionBlock: head_dim ", head_dim_,
                                             " does not divide the ", options.channels,
                                             " channels"));
  }
  to_out_.Add(options.channels, options.channels, generator, LinearOptions{.dtype = options.dtype});
  RegisterModule("group_norm", group_norm_);
  RegisterModule("to_q", to_q_);
  RegisterModule("to_k", to_k_);
  RegisterModule("to_v", to_v_);
  RegisterModule("to_out", to_out_);
}

Tensor AttentionBlock::Forward(const Tensor& x) const {
  const Tensor normed = group_norm_.Forward(x);  // checks the shape of x
  const int64_t channels = x.size(3);
  const Tensor qkv =
      autograd::LinearConcat(normed, {to_q_.weight(), to_k_.weight(), to_v_.weight()},
                             {to_q_.bias(), to_k_.bias(), to_v_.bias()});
  const Tensor mixed = autograd::ScaledDotProductAttentionPacked(
      Reshape(qkv, {x.size(0), x.size(1) * x.size(2), 3, channels / head_dim_, head_dim_}));
  // A linear layer of every pixel is a convolution with a kernel of one pixel, which can add x.
  return autograd::Conv2d(Reshape(mixed, x.shape()),
                          Reshape(to_out_[0].weight(), {channels, 1, 1, channels}),
                          to_out_[0].bias(), {}, {.residual = x});
}

}  // namespace nn
