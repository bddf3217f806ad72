// Normalisation layers. The operations are autograd/ops/norm.h.
//
// Example:
//   nn::GroupNorm norm(32, 64);
//   Tensor y = norm.ForwardThen(Ones({2, 7, 7, 64}), {Activation::kSilu});  // in one pass
//   nn::BatchNorm2d batch_norm(64);
//   Tensor z = batch_norm.Forward(Ones({2, 7, 7, 64}));  // by this batch's statistics
//   batch_norm.Eval();
//   z = batch_norm.Forward(z);  // by the running ones
#ifndef NN_NORM_H_
#define NN_NORM_H_

#include <cstdint>
#include <optional>

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
  // ForwardThen(Concat({x, more}, -1), activation), without the copy.
  Tensor ForwardConcatThen(const Tensor& x, const Tensor& more,
                           const ActivationSpec& activation) const;

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

struct LayerNormOptions {
  double eps = 1e-5;
  bool affine = true;  // PyTorch's elementwise_affine
  bool bias = true;    // only where affine
  autograd::DType dtype = autograd::DType::kF32;
};

// Normalises each vector of channels (Ba, Kiros and Hinton 2016); PyTorch's torch.nn.LayerNorm over
// the last axis.
class LayerNorm final : public Layer {
 public:
  // Parameters "weight" [channels], ones, and "bias" [channels], zeros. Throws
  // std::invalid_argument unless channels is positive and eps >= 0.
  explicit LayerNorm(int64_t channels, const LayerNormOptions& options = {});

  // x [..., channels], and the result.
  Tensor Forward(const Tensor& x) const override;

  // Undefined where the options say so.
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }

 private:
  int64_t channels_;
  double eps_;
  Tensor weight_;
  Tensor bias_;
};

struct RmsNormOptions {
  // None: the distance from 1 to the next number of the dtype, as in PyTorch.
  std::optional<double> eps = std::nullopt;
  bool affine = true;  // PyTorch's elementwise_affine
  autograd::DType dtype = autograd::DType::kF32;
};

// Divides each vector of channels by its root mean square (Zhang and Sennrich 2019); PyTorch's
// torch.nn.RMSNorm over the last axis.
class RMSNorm final : public Layer {
 public:
  // Parameter "weight" [channels], ones. Throws as LayerNorm does.
  explicit RMSNorm(int64_t channels, const RmsNormOptions& options = {});

  // x [..., channels], and the result.
  Tensor Forward(const Tensor& x) const override;

  // Undefined unless affine.
  const Tensor& weight() const { return weight_; }

 private:
  int64_t channels_;
  double eps_;
  Tensor weight_;
};

struct BatchNormOptions {
  double eps = 1e-5;
  // The new batch's share in the running statistics; none: all batches so far have equal shares.
  std::optional<double> momentum = 0.1;
  bool affine = true;
  // Without, there are no buffers, and evaluation too goes by the batch's own statistics.
  bool track_running_stats = true;
  autograd::DType dtype = autograd::DType::kF32;
};

// Normalises each channel by the statistics of the whole batch in training, and by their running
// averages in evaluation (Ioffe and Szegedy 2015); PyTorch's torch.nn.BatchNorm2d.
class BatchNorm2d final : public Layer {
 public:
  // Parameters "weight" [channels], ones, and "bias" [channels], zeros; buffers "running_mean",
  // zeros, "running_var", ones, and "num_batches_tracked", an i64 0. Throws std::invalid_argument
  // unless channels is positive, eps >= 0 and 0 <= momentum <= 1.
  explicit BatchNorm2d(int64_t channels, const BatchNormOptions& options = {});

  // x [B, H, W, channels], and the result. In training the running statistics move on, whether or
  // not gradients are recorded: by the mean and the unbiased variance (that of n - 1), although the
  // biased one normalises. Throws std::invalid_argument on one number a channel in training, which
  // has no variance.
  Tensor Forward(const Tensor& x) const override { return ForwardThen(x, {}); }
  // In one pass in training.
  Tensor ForwardThen(const Tensor& x, const ActivationSpec& activation) const override;

  // Undefined where the options say so.
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }
  const Tensor& running_mean() const { return running_mean_; }
  const Tensor& running_var() const { return running_var_; }
  const Tensor& num_batches_tracked() const { return num_batches_tracked_; }

 private:
  void Track(const Tensor& mean, const Tensor& variance, int64_t count) const;

  int64_t channels_;
  double eps_;
  std::optional<double> momentum_;
  Tensor weight_;
  Tensor bias_;
  Tensor running_mean_;
  Tensor running_var_;
  Tensor num_batches_tracked_;
};

}  // namespace nn

#endif  // NN_NORM_H_
