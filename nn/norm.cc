#include "nn/norm.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/norm.h"

namespace nn {

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
  if (x.defined() && x.rank() > 0 && x.size(-1) != channels_) {
    throw std::invalid_argument(
        absl::StrCat("GroupNorm: wants x [B, ..., ", channels_, "], got ", Describe(x)));
  }
  return autograd::GroupNorm(x, groups_, weight_, bias_, eps_, activation);
}

}  // namespace nn
