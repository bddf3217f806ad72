// ResnetBlock: two convolutions around which the image flows unchanged, told the time in between;
// the block of which diffusion UNets are made (Ho et al. 2006.11239), after He et al. 1512.03385.
//
//   h = conv1(silu(norm1(x))) + time_emb_proj(time)
//   y = conv2(silu(norm2(h))) + x            (conv_shortcut(x) where the number of channels changes)
//
// Example:
//   Generator generator(1);
//   ResnetBlock block({.in = 32, .out = 64, .time_channels = 128}, generator);
//   Tensor y = block.Forward(Ones({2, 8, 8, 32}), Ones({2, 128}));
//   std::cout << y.shape().ToString() << "\n";  // [2, 8, 8, 64]
#ifndef NN_MODELS_RESNET_BLOCK_H_
#define NN_MODELS_RESNET_BLOCK_H_

#include <cstdint>
#include <optional>

#include "autograd/dtype.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/norm.h"

namespace nn {

struct ResnetBlockOptions {
  int64_t in = 0;
  int64_t out = 0;
  int64_t time_channels = 0;
  int64_t norm_groups = 32;  // must divide `in` and `out`
  double norm_eps = 1e-5;
  autograd::DType dtype = autograd::DType::kF32;
};

class ResnetBlock final : public Module {
 public:
  // Modules norm1, conv1, time_emb_proj, norm2, conv2 and, if in != out, conv_shortcut. Throws
  // std::invalid_argument as they do, for sizes that are not positive or not divisible.
  ResnetBlock(const ResnetBlockOptions& options, Generator& generator);

  // x [B, H, W, in] and time [B, time_channels] or [1, time_channels] for all, the time embedding
  // after its activation; result [B, H, W, out]. Throws std::invalid_argument as the layers do.
  Tensor Forward(const Tensor& x, const Tensor& time) const { return Forward(x, Tensor(), time); }
  // Of x and a skip connection side by side, with `in` channels together, which are not copied into
  // one image.
  Tensor Forward(const Tensor& x, const Tensor& skip, const Tensor& time) const;

 private:
  // What is added to the result of the convolutions.
  Tensor Shortcut(const Tensor& x, const Tensor& skip) const;

  GroupNorm norm1_;
  Conv2d conv1_;
  Linear time_emb_proj_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::optional<Conv2d> conv_shortcut_;
};

}  // namespace nn

#endif  // NN_MODELS_RESNET_BLOCK_H_
