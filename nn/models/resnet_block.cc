#include "nn/models/resnet_block.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"

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

Tensor ResnetBlock::Forward(const Tensor& x, const Tensor& time) const {
  const Tensor shift = time_emb_proj_.Forward(time);
  Tensor h = conv1_.Forward(norm1_.ForwardThen(x, kSilu));
  h = h + Reshape(shift, {shift.size(0), 1, 1, shift.size(1)});
  h = conv2_.Forward(norm2_.ForwardThen(h, kSilu));
  return (conv_shortcut_.has_value() ? conv_shortcut_->Forward(x) : x) + h;
}

}  // namespace nn
