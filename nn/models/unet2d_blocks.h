// The levels of a UNet: blocks that lead down to smaller images, through the middle, and up again.
//
// A block on the way down hands out what it computes after each of its layers; the block on the way
// up at the same level takes these skip connections, last first, and joins each to its image before
// a layer (Ronneberger et al. 1505.04597). A layer is a ResnetBlock and, in blocks with attention,
// an AttentionBlock behind it. UNet2D (unet2d.h) puts the blocks together.
//
// Example:
//   Generator generator(1);
//   const UNetBlockOptions options = {.in = 32, .out = 64, .layers = 2, .time_channels = 128};
//   DownBlock down(options, {.attention = true, .downsample = true}, generator);
//   std::vector<Tensor> skips;
//   Tensor y = down.Forward(Ones({1, 8, 8, 32}), Ones({1, 128}), skips);
//   std::cout << y.shape().ToString() << " and " << skips.size() << " skips\n";  // [1, 4, 4, 64] and 3
#ifndef NN_MODELS_UNET2D_BLOCKS_H_
#define NN_MODELS_UNET2D_BLOCKS_H_

#include <cstdint>
#include <vector>

#include "autograd/dtype.h"
#include "nn/conv2d.h"
#include "nn/layer.h"
#include "nn/models/attention_block.h"
#include "nn/models/resnet_block.h"
#include "nn/module_list.h"

namespace nn {

struct UNetBlockOptions {
  int64_t in = 0;
  int64_t out = 0;
  int64_t layers = 1;
  int64_t time_channels = 0;
  int64_t head_dim = 8;
  int64_t norm_groups = 32;
  double norm_eps = 1e-5;
  autograd::DType dtype = autograd::DType::kF32;
};

// Half the height and width, by a convolution of kernel 3 and stride 2, "conv". With a padding of
// 0, one row and one column of zeros are added at the bottom and on the right first, as diffusers
// does.
class Downsample2d final : public Layer {
 public:
  Downsample2d(int64_t channels, int64_t padding, Generator& generator, autograd::DType dtype);
  // x [B, H, W, channels], result [B, H', W', channels] with H' = ceil(H / 2) for a padding of 1
  // and floor(H / 2) for 0.
  Tensor Forward(const Tensor& x) const override;

 private:
  int64_t padding_;
  Conv2d conv_;
};

// Nearest-neighbour upsampling to a given size, then a convolution of kernel 3, "conv".
class Upsample2d final : public Module {
 public:
  Upsample2d(int64_t channels, Generator& generator, autograd::DType dtype);
  // x [B, H, W, channels], result [B, height, width, channels].
  Tensor Forward(const Tensor& x, int64_t height, int64_t width) const;

 private:
  Conv2d conv_;
};

// DownBlock2D and AttnDownBlock2D: modules attentions.N, resnets.N and downsamplers.0.
class DownBlock final : public Module {
 public:
  struct Form {
    bool attention = false;
    bool downsample = true;
    int64_t downsample_padding = 1;
  };
  DownBlock(const UNetBlockOptions& options, const Form& form, Generator& generator);
  // x [B, H, W, in] and time [B, time_channels]; appends to `skips` what each layer and the
  // downsampling compute, and returns the last of it.
  Tensor Forward(const Tensor& x, const Tensor& time, std::vector<Tensor>& skips) const;

 private:
  ModuleList<AttentionBlock> attentions_;
  ModuleList<ResnetBlock> resnets_;
  ModuleList<Downsample2d> downsamplers_;
};

// UNetMidBlock2D: resnets.0, attentions.0 (if wanted), resnets.1, with options.out channels.
class MidBlock final : public Module {
 public:
  MidBlock(const UNetBlockOptions& options, bool attention, Generator& generator);
  // x [B, H, W, out], and the result.
  Tensor Forward(const Tensor& x, const Tensor& time) const;

 private:
  ModuleList<AttentionBlock> attentions_;
  ModuleList<ResnetBlock> resnets_;
};

// UpBlock2D and AttnUpBlock2D: modules attentions.N, resnets.N and upsamplers.0. A layer for each
// entry of `skip_channels`: the channels of the skip connections in the order they are taken.
class UpBlock final : public Module {
 public:
  struct Form {
    std::vector<int64_t> skip_channels;
    bool attention = false;
    bool upsample = true;
  };
  UpBlock(const UNetBlockOptions& options, const Form& form, Generator& generator);
  // x [B, H, W, in] and time [B, time_channels]; takes a skip connection for each layer from the
  // back of `skips`. Upsampling goes to the size of the next skip connection that remains, which is
  // twice the own size where all sizes are even.
  Tensor Forward(const Tensor& x, const Tensor& time, std::vector<Tensor>& skips) const;

 private:
  ModuleList<AttentionBlock> attentions_;
  ModuleList<ResnetBlock> resnets_;
  ModuleList<Upsample2d> upsamplers_;
};

}  // namespace nn

#endif  // NN_MODELS_UNET2D_BLOCKS_H_
