#include "flowmatch/guidance/label_dropout.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/select.h"

namespace flowmatch {

using autograd::DType;

Tensor DropLabels(const Tensor& labels, double probability, int64_t null_label,
                  autograd::Generator& generator) {
  const bool integers =
      labels.defined() && (labels.dtype() == DType::kI32 || labels.dtype() == DType::kI64);
  if (!integers || labels.rank() != 1) {
    throw std::invalid_argument(
        absl::StrCat("DropLabels: labels are ", Describe(labels), ", expected i32 or i64 [B]"));
  }
  const bool narrow = labels.dtype() == DType::kI32;
  if (narrow && null_label != static_cast<int32_t>(null_label)) {
    throw std::invalid_argument(
        absl::StrCat("DropLabels: i32 does not hold the null label ", null_label));
  }
  if (!(0 <= probability && probability <= 1)) {
    throw std::invalid_argument(
        absl::StrCat("DropLabels: probability is ", probability, ", expected 0 to 1"));
  }
  const Tensor dropped = autograd::Bernoulli(probability, labels.shape(), generator);
  const Tensor null =
      narrow ? Tensor::Scalar(static_cast<int32_t>(null_label)) : Tensor::Scalar(null_label);
  return Where(dropped, null, labels);
}

}  // namespace flowmatch
