#include "autograd/ops/activation_kernel.h"

#include <stdexcept>
#include <string>

namespace autograd::internal {

kernels::UnaryOp ActivationKernel(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return kernels::UnaryOp::kRelu;
    case Activation::kLeakyRelu:
      return kernels::UnaryOp::kLeakyRelu;
    case Activation::kElu:
      return kernels::UnaryOp::kElu;
    case Activation::kSilu:
      return kernels::UnaryOp::kSilu;
    case Activation::kTanh:
      return kernels::UnaryOp::kTanh;
    case Activation::kSigmoid:
      return kernels::UnaryOp::kSigmoid;
    case Activation::kGeluTanh:
      return kernels::UnaryOp::kGeluTanh;
    case Activation::kGeluErf:
      return kernels::UnaryOp::kGeluErf;
    case Activation::kNone:
      break;
  }
  throw std::logic_error("no kernel without an activation");
}

void CheckActivation(const char* operation, const ActivationSpec& spec) {
  if (spec.activation != Activation::kElu || spec.parameter >= 0) return;
  throw std::invalid_argument(std::string(operation) + ": the ELU parameter is " +
                              std::to_string(spec.parameter) + ", expected 0 or more");
}

}  // namespace autograd::internal
