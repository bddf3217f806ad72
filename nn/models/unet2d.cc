#include "nn/models/unet2d.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"

namespace nn {
namespace {

void Check(bool holds, const std::string& complaint) {
  if (!holds) throw std::invalid_argument("UNet2D: " + complaint);
}

void CheckComputeDType(autograd::DType compute, autograd::DType dtype) {
  Check(compute == dtype || (compute == autograd::DType::kBF16 && dtype == autograd::DType::kF32),
        absl::StrCat("computes in the parameters' dtype, or in bf16 where that is f32; got ",
                     autograd::DTypeName(compute), " for parameters of ",
                     autograd::DTypeName(dtype)));
}

// The options with the types of the way up filled in.
UNet2DOptions Checked(UNet2DOptions options) {
  const std::vector<int64_t>& channels = options.block_out_channels;
  if (options.up_block_types.empty()) {
    options.up_block_types.assign(options.down_block_types.rbegin(),
                                  options.down_block_types.rend());
  }
  Check(!channels.empty() && channels.size() == options.down_block_types.size() &&
            channels.size() == options.up_block_types.size(),
        absl::StrCat("wants as many block types as block_out_channels, at least one, got ",
                     options.down_block_types.size(), " on the way down, ",
                     options.up_block_types.size(), " on the way up and ", channels.size(),
                     " block_out_channels"));
  Check(options.in_channels > 0 && options.out_channels > 0 && options.layers_per_block > 0 &&
            options.num_class_embeds >= 0 &&
            std::all_of(channels.begin(), channels.end(), [](int64_t c) { return c > 0; }),
        absl::StrCat("wants positive sizes, got in_channels ", options.in_channels,
                     ", out_channels ", options.out_channels, ", layers_per_block ",
                     options.layers_per_block, ", num_class_embeds ", options.num_class_embeds,
                     ", block_out_channels ", absl::StrJoin(channels, " ")));
  Check(options.downsample_padding == 0 || options.downsample_padding == 1,
        absl::StrCat("downsample_padding is ", options.downsample_padding, ", wants 0 or 1"));
  CheckComputeDType(options.compute_dtype.value_or(options.dtype), options.dtype);
  options.compute_dtype = options.compute_dtype.value_or(options.dtype);
  return options;
}

}  // namespace

TimestepEmbedding::TimestepEmbedding(int64_t in, int64_t out, Generator& generator,
                                     autograd::DType dtype)
    : linear_1_(in, out, generator, {.activation = {Activation::kSilu}, .dtype = dtype}),
      linear_2_(out, out, generator, {.dtype = dtype}) {
  RegisterModule("linear_1", linear_1_);
  RegisterModule("linear_2", linear_2_);
}

UNet2D::UNet2D(const UNet2DOptions& options, Generator& generator)
    : options_(Checked(options)),
      conv_in_(options_.in_channels, options_.block_out_channels[0], 3, generator,
               {.padding = {1, 1}, .dtype = options_.dtype}),
      time_proj_(options_.block_out_channels[0],
                 {.cos_first = options_.flip_sin_to_cos, .frequency_shift = options_.freq_shift}),
      time_embedding_(options_.block_out_channels[0], 4 * options_.block_out_channels[0], generator,
                      options_.dtype),
      conv_norm_out_(options_.norm_num_groups, options_.block_out_channels[0],
                     {.eps = options_.norm_eps, .dtype = options_.dtype}),
      conv_out_(options_.block_out_channels[0], options_.out_channels, 3, generator,
                {.padding = {1, 1}, .dtype = options_.dtype}) {
  const UNetBlockOptions common = {.layers = options_.layers_per_block,
                                   .time_channels = 4 * options_.block_out_channels[0],
                                   .head_dim = options_.attention_head_dim,
                                   .norm_groups = options_.norm_num_groups,
                                   .norm_eps = options_.norm_eps,
                                   .dtype = options_.dtype};
  // In PyTorch's order, which is the order of the parameters: the middle stands last of the blocks.
  RegisterModule("conv_in", conv_in_);
  RegisterModule("time_embedding", time_embedding_);
  if (options_.num_class_embeds > 0) {
    class_embedding_.emplace(options_.num_class_embeds, common.time_channels, generator,
                             options_.dtype);
    RegisterModule("class_embedding", *class_embedding_);
  }
  RegisterModule("down_blocks", down_blocks_);
  AddDownBlocks(common, generator);
  RegisterModule("up_blocks", up_blocks_);
  AddUpBlocks(common, generator);
  UNetBlockOptions middle = common;
  middle.in = middle.out = options_.block_out_channels.back();
  mid_block_.emplace(middle, options_.mid_block_attention, generator);
  RegisterModule("mid_block", *mid_block_);
  RegisterModule("conv_norm_out", conv_norm_out_);
  RegisterModule("conv_out", conv_out_);
}

void UNet2D::AddDownBlocks(const UNetBlockOptions& common, Generator& generator) {
  UNetBlockOptions block = common;
  block.out = options_.block_out_channels[0];
  for (size_t level = 0; level < options_.block_out_channels.size(); ++level) {
    block.in = block.out;
    block.out = options_.block_out_channels[level];
    const DownBlock::Form form = {
        .attention = options_.down_block_types[level] == BlockType::kAttention,
        .downsample = level + 1 < options_.block_out_channels.size(),
        .downsample_padding = options_.downsample_padding};
    down_blocks_.Add(block, form, generator);
  }
}

void UNet2D::AddUpBlocks(const UNetBlockOptions& common, Generator& generator) {
  const std::vector<int64_t>& channels = options_.block_out_channels;
  UNetBlockOptions block = common;
  block.out = channels.back();
  for (size_t level = channels.size(); level-- > 0;) {
    block.in = block.out;
    block.out = channels[level];
    // The layers of the same level on the way down, last first, then what came into that level.
    UpBlock::Form form;
    form.skip_channels.assign(static_cast<size_t>(block.layers), channels[level]);
    form.skip_channels.push_back(channels[level == 0 ? 0 : level - 1]);
    form.attention = options_.up_block_types[channels.size() - 1 - level] == BlockType::kAttention;
    form.upsample = level > 0;
    up_blocks_.Add(block, form, generator);
  }
}

void UNet2D::CheckInputs(const Tensor& x, const Tensor& t, const Tensor& labels) const {
  const bool fits =
      x.defined() && t.defined() && x.rank() == 4 && x.size(3) == options_.in_channels &&
      x.dtype() == options_.dtype && t.rank() == 1 && (t.size(0) == x.size(0) || t.size(0) == 1) &&
      t.dtype() == options_.dtype && labels.defined() == class_embedding_.has_value() &&
      (!labels.defined() || (labels.rank() == 1 && labels.size(0) == x.size(0)));
  const char* dtype = autograd::DTypeName(options_.dtype);
  Check(fits,
        absl::StrCat("wants x [B, H, W, ", options_.in_channels, "] ", dtype, ", t [B] or [1] ",
                     dtype, class_embedding_.has_value() ? " and labels [B]" : " and no labels",
                     ", got ", Describe(x), ", ", Describe(t), " and ", Describe(labels)));
}

void UNet2D::set_compute_dtype(autograd::DType dtype) {
  CheckComputeDType(dtype, options_.dtype);
  options_.compute_dtype = dtype;
}

Tensor UNet2D::Forward(const Tensor& x, const Tensor& t, const Tensor& labels) const {
  CheckInputs(x, t, labels);
  Tensor embedding = time_embedding_.Forward(time_proj_.Forward(t));
  if (class_embedding_.has_value()) embedding = embedding + class_embedding_->Forward(labels);
  // Every residual block starts with this activation.
  const Tensor time = autograd::Silu(embedding);

  std::vector<Tensor> skips = {conv_in_.Forward(Cast(x, *options_.compute_dtype))};
  Tensor h = skips.back();
  for (size_t i = 0; i < down_blocks_.size(); ++i) h = down_blocks_[i].Forward(h, time, skips);
  h = mid_block_->Forward(h, time);
  for (size_t i = 0; i < up_blocks_.size(); ++i) h = up_blocks_[i].Forward(h, time, skips);
  return Cast(conv_out_.Forward(conv_norm_out_.ForwardThen(h, {Activation::kSilu})),
              options_.dtype);
}

}  // namespace nn
