#include "nn/linear.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "autograd/ops/linear.h"

namespace nn {

Linear::Linear(int64_t in, int64_t out, Generator& generator, const LinearOptions& options)
    : activation_(options.activation) {
  if (in < 1 || out < 1) {
    throw std::invalid_argument("Linear: wants positive sizes, got in " + std::to_string(in) +
                                " and out " + std::to_string(out));
  }
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight_ =
      RegisterParameter("weight", UniformTensor({out, in}, -bound, bound, generator, options.dtype),
                        options.weight_layout);
  if (!options.bias) return;
  bias_ = RegisterParameter("bias", UniformTensor({out}, -bound, bound, generator, options.dtype));
}

Tensor Linear::Forward(const Tensor& x) const {
  return autograd::Linear(x, weight_, bias_, activation_);
}

Tensor Linear::ForwardThen(const Tensor& x, const ActivationSpec& activation) const {
  if (activation_.activation != Activation::kNone) return Layer::ForwardThen(x, activation);
  return autograd::Linear(x, weight_, bias_, activation);
}

}  // namespace nn
