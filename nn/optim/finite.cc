#include "nn/optim/finite.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "autograd/errors.h"

namespace nn {
namespace {

template <class T>
bool AllFiniteAs(const Tensor& tensor) {
  const std::span<const T> values = tensor.span<T>();
  return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
}

bool AllFinite(const Tensor& tensor) {
  return tensor.dtype() == autograd::DType::kF32 ? AllFiniteAs<float>(tensor)
                                                 : AllFiniteAs<double>(tensor);
}

}  // namespace

void CheckFiniteLoss(double loss, int64_t iteration, ParameterBuffer& parameters) {
  if (std::isfinite(loss)) return;
  throw autograd::NumericalError(absl::StrCat("the loss is ", loss, " in iteration ", iteration,
                                              DescribeNonFinite(parameters)));
}

std::string DescribeNonFinite(ParameterBuffer& parameters) {
  for (const ParameterBuffer::Entry& entry : parameters.entries()) {
    if (!AllFinite(entry.parameter)) return "; the parameter " + entry.name + " is not finite";
  }
  parameters.GatherGradients();
  for (const ParameterBuffer::Entry& entry : parameters.entries()) {
    if (!AllFinite(entry.gradient)) return "; the gradient of " + entry.name + " is not finite";
  }
  return "; all parameters and gradients are finite";
}

}  // namespace nn
