// Stopping a training run whose numbers are no longer finite, with a message that says where.
//
// To find the operation that made the first such number, run once more in anomaly mode
// (autograd/trace/anomaly.h).
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Tensor loss = Sum(model.Forward(Ones({5, 3})));
//   Backward(loss);
//   CheckFiniteLoss(loss.item(), 0, parameters);  // before the optimiser's step
#ifndef NN_OPTIM_FINITE_H_
#define NN_OPTIM_FINITE_H_

#include <cstdint>
#include <string>

#include "nn/parameter_buffer.h"

namespace nn {

// Throws autograd::NumericalError with the iteration, the loss and what DescribeNonFinite says, if
// the loss is infinite or NaN. Costs nothing otherwise.
void CheckFiniteLoss(double loss, int64_t iteration, ParameterBuffer& parameters);

// "; the parameter net.0.weight is not finite", or "; the gradient of net.0.weight is not finite"
// for the first parameter with such an element (parameters are looked at before gradients);
// otherwise "; all parameters and gradients are finite".
std::string DescribeNonFinite(ParameterBuffer& parameters);

}  // namespace nn

#endif  // NN_OPTIM_FINITE_H_
