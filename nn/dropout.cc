#include "nn/dropout.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/dropout.h"

namespace nn {

Dropout::Dropout(double p, Generator& generator) : p_(p), generator_(&generator) {
  if (!(p >= 0 && p <= 1)) {
    throw std::invalid_argument(absl::StrCat("Dropout: wants a probability p, got ", p));
  }
}

Tensor Dropout::Forward(const Tensor& x) const {
  return training() ? autograd::Dropout(x, p_, *generator_) : x;
}

}  // namespace nn
