#include "autograd/ops/norm_common.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/shape.h"

namespace autograd::internal {

bool FitsChannels(const Tensor& parameter, const Tensor& x) {
  return !parameter.defined() || (parameter.rank() == 1 && parameter.size(0) == x.size(-1) &&
                                  parameter.dtype() == x.dtype());
}

void CheckNorm(const char* operation, int lowest_rank, const char* wanted, const Tensor& x,
               const Tensor& weight, const Tensor& bias, double eps) {
  const bool good = x.defined() && Contains(DTypes::kFloating, x.dtype()) &&
                    x.rank() >= lowest_rank && FitsChannels(weight, x) && FitsChannels(bias, x);
  if (!good) {
    throw std::invalid_argument(std::string(operation) + ": x " + Describe(x) + ", weight " +
                                Describe(weight) + " and bias " + Describe(bias) +
                                " do not fit; wants " + wanted + ", f32 or f64");
  }
  if (!(eps >= 0)) {
    throw std::invalid_argument(std::string(operation) + ": eps is " + std::to_string(eps) +
                                ", expected 0 or more, for x " + Describe(x));
  }
}

Tensor Affine(const Tensor& normalised, const Tensor& weight, const Tensor& bias) {
  const Tensor scaled = weight.defined() ? normalised * weight : normalised;
  return bias.defined() ? scaled + bias : scaled;
}

Tensor DenseOrUndefined(const Tensor& x) { return x.defined() ? Contiguous(x) : x; }

}  // namespace autograd::internal
