#include "nn/models/unet2d_blocks.h"

#include <utility>

#include "autograd/ops/pad.h"
#include "autograd/ops/resample.h"
#include "autograd/ops/upsample_conv.h"

namespace nn {
namespace {

ResnetBlockOptions ResnetOptions(const UNetBlockOptions& options, int64_t in) {
  return {.in = in,
          .out = options.out,
          .time_channels = options.time_channels,
          .norm_groups = options.norm_groups,
          .norm_eps = options.norm_eps,
          .dtype = options.dtype};
}

AttentionBlockOptions AttentionOptions(const UNetBlockOptions& options) {
  return {.channels = options.out,
          .head_dim = options.head_dim,
          .norm_groups = options.norm_groups,
          .norm_eps = options.norm_eps,
          .dtype = options.dtype};
}

// Attention number `index`, where there is one.
Tensor Attend(const ModuleList<AttentionBlock>& attentions, size_t index, Tensor x) {
  return attentions.empty() ? std::move(x) : attentions[index].Forward(x);
}

}  // namespace

Downsample2d::Downsample2d(int64_t channels, int64_t padding, Generator& generator,
                           autograd::DType dtype)
    : padding_(padding),
      conv_(channels, channels, 3, generator,
            {.stride = {2, 2}, .padding = {padding, padding}, .dtype = dtype}) {
  RegisterModule("conv", conv_);
}

Tensor Downsample2d::Forward(const Tensor& x) const {
  if (padding_ > 0) return conv_.Forward(x);
  return conv_.Forward(autograd::Pad(x, {0, 0, 0, 0}, {0, 1, 1, 0}));
}

Upsample2d::Upsample2d(int64_t channels, Generator& generator, autograd::DType dtype)
    : conv_(channels, channels, 3, generator, {.padding = {1, 1}, .dtype = dtype}) {
  RegisterModule("conv", conv_);
}

Tensor Upsample2d::Forward(const Tensor& x, int64_t height, int64_t width) const {
  if (height == 2 * x.size(1) && width == 2 * x.size(2)) {
    return autograd::UpsampleConv2d(x, conv_.weight(), conv_.bias());
  }
  return conv_.Forward(autograd::UpsampleNearest2d(x, height, width));
}

DownBlock::DownBlock(const UNetBlockOptions& options, const Form& form, Generator& generator) {
  // Registered in PyTorch's order: it is the order of the parameters.
  if (form.attention) RegisterModule("attentions", attentions_);
  RegisterModule("resnets", resnets_);
  for (int64_t i = 0; i < options.layers; ++i) {
    resnets_.Add(ResnetOptions(options, i == 0 ? options.in : options.out), generator);
    if (form.attention) attentions_.Add(AttentionOptions(options), generator);
  }
  if (!form.downsample) return;
  RegisterModule("downsamplers", downsamplers_);
  downsamplers_.Add(options.out, form.downsample_padding, generator, options.dtype);
}

Tensor DownBlock::Forward(const Tensor& x, const Tensor& time, std::vector<Tensor>& skips) const {
  Tensor h = x;
  for (size_t i = 0; i < resnets_.size(); ++i) {
    h = Attend(attentions_, i, resnets_[i].Forward(h, time));
    skips.push_back(h);
  }
  if (downsamplers_.empty()) return h;
  skips.push_back(downsamplers_[0].Forward(h));
  return skips.back();
}

MidBlock::MidBlock(const UNetBlockOptions& options, bool attention, Generator& generator) {
  if (attention) {
    RegisterModule("attentions", attentions_);
    attentions_.Add(AttentionOptions(options), generator);
  }
  RegisterModule("resnets", resnets_);
  for (int i = 0; i < 2; ++i) resnets_.Add(ResnetOptions(options, options.out), generator);
}

Tensor MidBlock::Forward(const Tensor& x, const Tensor& time) const {
  return resnets_[1].Forward(Attend(attentions_, 0, resnets_[0].Forward(x, time)), time);
}

UpBlock::UpBlock(const UNetBlockOptions& options, const Form& form, Generator& generator) {
  if (form.attention) RegisterModule("attentions", attentions_);
  RegisterModule("resnets", resnets_);
  int64_t width = options.in;
  for (const int64_t skip : form.skip_channels) {
    resnets_.Add(ResnetOptions(options, width + skip), generator);
    if (form.attention) attentions_.Add(AttentionOptions(options), generator);
    width = options.out;
  }
  if (!form.upsample) return;
  RegisterModule("upsamplers", upsamplers_);
  upsamplers_.Add(options.out, generator, options.dtype);
}

Tensor UpBlock::Forward(const Tensor& x, const Tensor& time, std::vector<Tensor>& skips) const {
  Tensor h = x;
  for (size_t i = 0; i < resnets_.size(); ++i) {
    // The skip connection goes as soon as it is joined: without a tape, nothing else holds it.
    const Tensor skip = std::exchange(skips.back(), Tensor());
    skips.pop_back();
    h = Attend(attentions_, i, resnets_[i].Forward(h, skip, time));
  }
  if (upsamplers_.empty()) return h;
  return upsamplers_[0].Forward(h, skips.back().size(1), skips.back().size(2));
}

}  // namespace nn
