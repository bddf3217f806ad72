#include "autograd/ops/norm_common.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/shape.h"

namespace autograd::internal {

bool FitsChannels(const Tensor& parameter, int64_t channels, DType images) {
  return !parameter.defined() || (parameter.rank() == 1 && parameter.size(0) == channels &&
                                  parameter.dtype() == NormDType(images));
}

void CheckNorm(const char* operation, int lowest_rank, const char* wanted, const Tensor& x,
               const Tensor& weight, const Tensor& bias, double eps) {
  const bool good = x.defined() && IsFloating(x.dtype()) && x.rank() >= lowest_rank &&
                    FitsChannels(weight, x.size(-1), x.dtype()) &&
                    FitsChannels(bias, x.size(-1), x.dtype());
  if (!good) {
    ThrowNorm(std::string(operation) + ": x " + Describe(x) + ", weight " + Describe(weight) +
                  " and bias " + Describe(bias),
              wanted);
  }
  CheckEps(operation, eps, x);
}

void CheckEps(const char* operation, double eps, const Tensor& x) {
  if (!(eps >= 0)) {
    throw std::invalid_argument(std::string(operation) + ": eps is " + std::to_string(eps) +
                                ", expected 0 or more, for x " + Describe(x));
  }
}

void ThrowNorm(const std::string& operation_and_operands, const char* wanted) {
  throw std::invalid_argument(operation_and_operands + " do not fit; wants " + wanted +
                              ", f32 or f64, or bf16 with f32 parameters");
}

Tensor Affine(const Tensor& normalised, const Tensor& weight, const Tensor& bias) {
  const Tensor scaled = weight.defined() ? normalised * weight : normalised;
  return bias.defined() ? scaled + bias : scaled;
}

Tensor DenseOrUndefined(const Tensor& x) { return x.defined() ? Contiguous(x) : x; }

}  // namespace autograd::internal
