#include "nn/norm.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/norm.h"

namespace nn {
namespace {

void CheckSizes(const char* layer, int64_t channels, double eps) {
  if (channels >= 1 && eps >= 0) return;
  throw std::invalid_argument(absl::StrCat(layer, ": wants channels >= 1 and eps >= 0, got ",
                                           channels, " channels and eps ", eps));
}

void CheckChannels(const char* layer, const char* leading, int64_t channels, const Tensor& x) {
  if (!x.defined() || x.rank() == 0 || x.size(-1) == channels) return;
  throw std::invalid_argument(
      absl::StrCat(layer, ": wants x [", leading, ", ", channels, "], got ", Describe(x)));
}

}  // namespace

GroupNorm::GroupNorm(int64_t groups, int64_t channels, const GroupNormOptions& options)
    : groups_(groups), channels_(channels), eps_(options.eps) {
  if (groups < 1 || channels < 1 || channels % groups != 0 || !(options.eps >= 0)) {
    throw std::invalid_argument(
        absl::StrCat("GroupNorm: wants groups that divide the channels and eps >= 0, got ", groups,
                     " groups, ", channels, " channels and eps ", options.eps));
  }
  if (!options.affine) return;
  weight_ = RegisterParameter("weight", autograd::Ones({channels}, options.dtype));
  bias_ = RegisterParameter("bias", autograd::Zeros({channels}, options.dtype));
}

Tensor GroupNorm::ForwardThen(const Tensor& x, const ActivationSpec& activation) const {
  CheckChannels("GroupNorm", "B, ...", channels_, x);
  return autograd::GroupNorm(x, groups_, weight_, bias_, eps_, activation);
}

Tensor GroupNorm::ForwardConcatThen(const Tensor& x, const Tensor& more,
                                    const ActivationSpec& activation) const {
  return autograd::GroupNormConcat(x, more, groups_, weight_, bias_, eps_, activation);
}

LayerNorm::LayerNorm(int64_t channels, const LayerNormOptions& options)
    : channels_(channels), eps_(options.eps) {
  CheckSizes("LayerNorm", channels, options.eps);
  if (!options.affine) return;
  weight_ = RegisterParameter("weight", autograd::Ones({channels}, options.dtype));
  if (options.bias) bias_ = RegisterParameter("bias", autograd::Zeros({channels}, options.dtype));
}

Tensor LayerNorm::Forward(const Tensor& x) const {
  CheckChannels("LayerNorm", "...", channels_, x);
  return autograd::LayerNorm(x, weight_, bias_, eps_);
}

RMSNorm::RMSNorm(int64_t channels, const RmsNormOptions& options)
    : channels_(channels),
      eps_(options.eps.value_or(options.dtype == autograd::DType::kF64 ? 0x1p-52 : 0x1p-23)) {
  CheckSizes("RMSNorm", channels, eps_);
  if (!options.affine) return;
  weight_ = RegisterParameter("weight", autograd::Ones({channels}, options.dtype));
}

Tensor RMSNorm::Forward(const Tensor& x) const {
  CheckChannels("RMSNorm", "...", channels_, x);
  return autograd::RmsNorm(x, weight_, eps_);
}

BatchNorm2d::BatchNorm2d(int64_t channels, const BatchNormOptions& options)
    : channels_(channels), eps_(options.eps), momentum_(options.momentum) {
  CheckSizes("BatchNorm2d", channels, options.eps);
  if (momentum_.has_value() && !(*momentum_ >= 0 && *momentum_ <= 1)) {
    throw std::invalid_argument(
        absl::StrCat("BatchNorm2d: wants a momentum between 0 and 1, got ", *momentum_));
  }
  if (options.affine) {
    weight_ = RegisterParameter("weight", autograd::Ones({channels}, options.dtype));
    bias_ = RegisterParameter("bias", autograd::Zeros({channels}, options.dtype));
  }
  if (!options.track_running_stats) return;
  running_mean_ = RegisterBuffer("running_mean", autograd::Zeros({channels}, options.dtype));
  running_var_ = RegisterBuffer("running_var", autograd::Ones({channels}, options.dtype));
  num_batches_tracked_ =
      RegisterBuffer("num_batches_tracked", autograd::Zeros({}, autograd::DType::kI64));
}

Tensor BatchNorm2d::ForwardThen(const Tensor& x, const ActivationSpec& activation) const {
  if (!x.defined() || x.rank() != 4 || x.size(-1) != channels_) {
    throw std::invalid_argument(
        absl::StrCat("BatchNorm2d: wants x [B, H, W, ", channels_, "], got ", Describe(x)));
  }
  if (!training() && running_mean_.defined()) {
    return autograd::BatchNormWith(x, running_mean_, running_var_, weight_, bias_, eps_,
                                   activation);
  }
  const int64_t count = x.numel() / channels_;
  if (training() && count == 1) {
    throw std::invalid_argument(absl::StrCat(
        "BatchNorm2d: wants more than one number a channel in training, got x ", Describe(x)));
  }
  const auto [y, mean, variance] = autograd::BatchNorm(x, weight_, bias_, eps_, activation);
  if (training() && running_mean_.defined()) Track(mean, variance, count);
  return y;
}

void BatchNorm2d::Track(const Tensor& mean, const Tensor& variance, int64_t count) const {
  const autograd::NoGrad guard;
  Tensor batches = num_batches_tracked_, running_mean = running_mean_, running_var = running_var_;
  AddInPlace(batches, autograd::Ones({}, autograd::DType::kI64));
  const double share = momentum_.value_or(1 / batches.item());
  const double n = static_cast<double>(count);
  ScaleInPlace(running_mean, 1 - share);
  AddInPlace(running_mean, mean, share);
  ScaleInPlace(running_var, 1 - share);
  AddInPlace(running_var, variance, share * n / (n - 1));
}

}  // namespace nn
