// Normalisation layers. The operations are autograd/ops/norm.h.
//
// Example:
//   nn::GroupNorm norm(32, 64);
//   Tensor y = norm.ForwardThen(Ones({2, 7, 7, 64}), {Activation::kSilu});  // in one pass
#ifndef NN_NORM_H_
#define NN_NORM_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "nn/layer.h"

namespace nn {

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;  // a weight and a bias for each channel
  autograd::DType dtype = autograd::DType::kF32;
};

// Normalises groups of neighbouring channels of each sample (Wu and He 2018); PyTorch's
// torch.nn.GroupNorm.
class GroupNorm final : public Layer {
 public:
  // Parameters "weight" [channels], ones, and "bias" [channels], zeros. Throws
  // std::invalid_argument unless both sizes are positive, groups divides channels and eps >= 0.
  GroupNorm(int64_t groups, int64_t channels, const GroupNormOptions& options = {});

  // x [B, ..., channels], and the result.
  Tensor Forward(const Tensor& x) const override { return ForwardThen(x, {}); }
  // In one pass.
  Tensor ForwardThen(const Tensor& x, const ActivationSpec& activation) const override;

  // Undefined unless affine, as the bias.
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }

 private:
  int64_t groups_;
  int64_t channels_;
  double eps_;
  Tensor weight_;
  Tensor bias_;
};

}  // namespace nn

#endif  // NN_NORM_H_
