// UNet2D: the convolutional network of image diffusion models, with the architecture, the parameter
// names and the file layouts of the diffusers library's UNet2DModel.
//
// An image passes through levels of falling size (down_blocks), a middle (mid_block) and the levels
// back up (up_blocks), which see again what the levels down computed; each of its residual blocks
// is told the time (Ho et al. 2006.11239). A state dict that PyTorch saved as safetensors loads
// with LoadWeights (nn/weights.h), and the other way round.
//
// Example:
//   Generator generator(1);
//   UNet2D model({.in_channels = 1,
//                 .out_channels = 1,
//                 .block_out_channels = {8, 16},
//                 .down_block_types = {BlockType::kPlain, BlockType::kAttention},
//                 .layers_per_block = 1,
//                 .attention_head_dim = 4,
//                 .norm_num_groups = 4},
//                generator);
//   Tensor t = Tensor::FromVector<float>({0, 500}, {2});
//   Tensor y = model.Forward(Ones({2, 8, 8, 1}), t);  // [2, 8, 8, 1]
//   std::cout << model.NamedParameters()[0].first << "\n";  // conv_in.weight
#ifndef NN_MODELS_UNET2D_H_
#define NN_MODELS_UNET2D_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "autograd/dtype.h"
#include "nn/conv2d.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/models/unet2d_blocks.h"
#include "nn/module.h"
#include "nn/module_list.h"
#include "nn/norm.h"
#include "nn/time_embedding.h"

namespace nn {

// A level without or with attention: DownBlock2D and UpBlock2D, or AttnDownBlock2D and
// AttnUpBlock2D.
enum class BlockType { kPlain, kAttention };

// The names and meanings of UNet2DModel's options.
struct UNet2DOptions {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  // Channels of each level; the first is also the width of the sinusoidal time embedding, and four
  // times the first the width of the time embedding.
  std::vector<int64_t> block_out_channels = {32, 64, 64};
  // Of each level on the way down, and on the way up, which starts at the smallest image. Empty:
  // those of the way down backwards.
  std::vector<BlockType> down_block_types = {BlockType::kPlain, BlockType::kAttention,
                                             BlockType::kAttention};
  std::vector<BlockType> up_block_types = {};
  // Residual blocks of each level on the way down; there is one more on the way up.
  int64_t layers_per_block = 2;
  // Attention in the middle (UNet2DModel's add_attention).
  bool mid_block_attention = true;
  int64_t attention_head_dim = 8;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  int64_t downsample_padding = 1;
  // Cosines before sines in the time embedding, and the shift of its frequencies (see
  // SinusoidalEmbedding).
  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  // More than 0: a table of so many vectors, class_embedding, one of which is added to the time
  // embedding.
  int64_t num_class_embeds = 0;
  autograd::DType dtype = autograd::DType::kF32;  // of the parameters, the input and the result
  // What images are between input and result: `dtype`, or bf16 with parameters in f32 (mixed
  // precision: the time embedding, statistics and sums of products stay in f32). None: `dtype`.
  std::optional<autograd::DType> compute_dtype = std::nullopt;
};

// linear_2(silu(linear_1(x))), the time embedding behind the sinusoids.
class TimestepEmbedding final : public Layer {
 public:
  // Modules linear_1 [in -> out] and linear_2 [out -> out].
  TimestepEmbedding(int64_t in, int64_t out, Generator& generator, autograd::DType dtype);
  // x [B, in], result [B, out].
  Tensor Forward(const Tensor& x) const override { return linear_2_.Forward(linear_1_.Forward(x)); }

 private:
  Linear linear_1_, linear_2_;
};

class UNet2D final : public Module {
 public:
  // Parameters start as PyTorch's do: uniform on +-1/sqrt(fan in), norms as the identity. Throws
  // std::invalid_argument for options that contradict each other or are out of range.
  UNet2D(const UNet2DOptions& options, Generator& generator);

  // x [B, H, W, in_channels]; t [B] or, for all of them, [1]: the times on the scale the
  // frequencies are made for (0 ... 1000); labels [B], i32 or i64, in [0, num_class_embeds) where
  // the model has a class embedding, else undefined. Result [B, H, W, out_channels]. Throws
  // std::invalid_argument naming all of them if they do not fit.
  Tensor Forward(const Tensor& x, const Tensor& t, const Tensor& labels = Tensor()) const;

  const UNet2DOptions& options() const { return options_; }

  // From now on computes in this dtype, as UNet2DOptions::compute_dtype says. Throws
  // std::invalid_argument for one that does not go with the parameters' dtype.
  void set_compute_dtype(autograd::DType dtype);

 private:
  void AddDownBlocks(const UNetBlockOptions& common, Generator& generator);
  void AddUpBlocks(const UNetBlockOptions& common, Generator& generator);
  void CheckInputs(const Tensor& x, const Tensor& t, const Tensor& labels) const;

  UNet2DOptions options_;
  Conv2d conv_in_;
  SinusoidalEmbedding time_proj_;
  TimestepEmbedding time_embedding_;
  std::optional<Embedding> class_embedding_;
  ModuleList<DownBlock> down_blocks_;
  ModuleList<UpBlock> up_blocks_;
  std::optional<MidBlock> mid_block_;
  GroupNorm conv_norm_out_;
  Conv2d conv_out_;
};

}  // namespace nn

#endif  // NN_MODELS_UNET2D_H_
