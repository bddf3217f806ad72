// Clipping gradients by their norm.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Backward(Sum(model.Forward(Ones({5, 3}))));
//   const double norm = ClipGradientNorm(parameters, 1.0);
//   std::cout << norm << " before, " << GradientNorm(parameters) << " after\n";
#ifndef NN_OPTIM_CLIP_H_
#define NN_OPTIM_CLIP_H_

#include "nn/parameter_buffer.h"

namespace nn {

// The Euclidean norm of all gradients together, accumulated in f64. Parameters without a gradient
// count as zero.
double GradientNorm(ParameterBuffer& parameters);

// Scales all gradients by min(1, max_norm / (norm + 1e-6)), PyTorch's clip_grad_norm_, and returns
// the norm they had. Throws autograd::NumericalError, naming the parameter, if a gradient is not
// finite, and std::invalid_argument unless max_norm > 0.
double ClipGradientNorm(ParameterBuffer& parameters, double max_norm);

namespace internal {

// What ClipGradientNorm multiplies gradients by (at most 1), and the norm they have. Throws as it
// does, naming `operation`.
struct ClipMeasure {
  double norm, factor;
};
ClipMeasure MeasureClip(const char* operation, ParameterBuffer& parameters, double max_norm);

}  // namespace internal
}  // namespace nn

#endif  // NN_OPTIM_CLIP_H_
