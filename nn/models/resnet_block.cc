#include "nn/models/resnet_block.h"

#include "autograd/ops/concat.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/slice.h"

namespace nn {
namespace {

constexpr ActivationSpec kSilu = {Activation::kSilu};

}  // namespace

ResnetBlock::ResnetBlock(const ResnetBlockOptions& options, Generator& generator)
    : norm1_(options.norm_groups, options.in, {.eps = options.norm_eps, .dtype = options.dtype}),
      conv1_(options.in, options.out, 3, generator, {.padding = {1, 1}, .dtype = options.dtype}),
      time_emb_proj_(options.time_channels, options.out, generator, {.dtype = options.dtype}),
      norm2_(options.norm_groups, options.out, {.eps = options.norm_eps, .dtype = options.dtype}),
      conv2_(options.out, options.out, 3, generator, {.padding = {1, 1}, .dtype = options.dtype}) {
  RegisterModule("norm1", norm1_);
  RegisterModule("conv1", conv1_);
  RegisterModule("time_emb_proj", time_emb_proj_);
  RegisterModule("norm2", norm2_);
  RegisterModule("conv2", conv2_);
  if (options.in == options.out) return;
  conv_shortcut_.emplace(options.in, options.out, 1, generator,
                         Conv2dOptions{.dtype = options.dtype});
  RegisterModule("conv_shortcut", *conv_shortcut_);
}

Tensor ResnetBlock::Shortcut(const Tensor& x, const Tensor& skip) const {
  if (!skip.defined()) return conv_shortcut_.has_value() ? conv_shortcut_->Forward(x) : x;
  if (!conv_shortcut_.has_value()) return autograd::Concat({x, skip}, -1);
  // Each of the two images meets its part of the weights.
  const Tensor& weight = conv_shortcut_->weight();
  const int64_t channels = x.size(-1);
  const Tensor partial = autograd::Conv2d(x, autograd::Slice(weight, -1, 0, channels), Tensor());
  return autograd::Conv2d(skip, autograd::Slice(weight, -1, channels, weight.size(-1)),
                          conv_shortcut_->bias(), {}, {.residual = partial});
}

Tensor ResnetBlock::Forward(const Tensor& x, const Tensor& skip, const Tensor& time) const {
  const Tensor projected = time_emb_proj_.Forward(time);
  const Tensor shift = autograd::Expand(projected, {x.size(0), projected.size(1)});
  Tensor h =
      skip.defined() ? norm1_.ForwardConcatThen(x, skip, kSilu) : norm1_.ForwardThen(x, kSilu);
  h = conv1_.Forward(h, {.shift = shift});
  return conv2_.Forward(norm2_.ForwardThen(h, kSilu), {.residual = Shortcut(x, skip)});
}

}  // namespace nn
