// Random starting values of parameters. The generator's state moves on with each call, so the same
// seed gives the same model, on any number of threads.
//
// Layers start as PyTorch's do. A model that wants something else overwrites a parameter with what
// one of these functions made.
//
// Example:
//   Generator generator(1);
//   Tensor weight = UniformTensor({64, 3}, -0.5, 0.5, generator);
//   std::cout << weight.shape().ToString() << "\n";
//   nn::Linear layer(64, 64, generator);
//   Reinitialize(layer.weight(), Orthogonal({64, 64}, generator));
//   Reinitialize(layer.bias(), Zeros({64}));
//   Tensor kernel = KaimingNormal({32, 3, 3, 16}, generator, {.activation = {Activation::kSilu}});
#ifndef NN_INIT_H_
#define NN_INIT_H_

#include <cstdint>

#include "autograd/ops/linear.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace nn {

using autograd::Generator;

// All of these make f32 or f64 and throw std::invalid_argument, naming the function, for another
// dtype or a bad shape.

// Uniform on [low, high).
autograd::Tensor UniformTensor(const autograd::Shape& shape, double low, double high,
                               Generator& generator, autograd::DType dtype = autograd::DType::kF32);

// Normal with this mean and standard deviation.
autograd::Tensor NormalTensor(const autograd::Shape& shape, double mean, double deviation,
                              Generator& generator, autograd::DType dtype = autograd::DType::kF32);

// Normal, but within [low, high] alone: the distribution's inverse at a uniform number, so that
// every element takes one number and none needs a second attempt. The deviation is that of the
// distribution before it is cut. Throws std::invalid_argument unless low < high, deviation > 0, and
// the interval is less than 35 deviations away from the mean.
autograd::Tensor TruncatedNormal(const autograd::Shape& shape, double mean, double deviation,
                                 double low, double high, Generator& generator,
                                 autograd::DType dtype = autograd::DType::kF32);

// How many inputs an output of a weight sees, and how many outputs an input reaches.
struct Fans {
  int64_t in = 0;
  int64_t out = 0;
};

// Of weights [out, in] and, with the size of the kernel counted, [out, kh, kw, in / groups] and the
// like; for transposed convolutions' [in, kh, kw, out / groups] what PyTorch counts, the other way
// round. Throws std::invalid_argument for fewer than two axes.
Fans WeightFans(const autograd::Shape& weight);

// The factor of a weight's deviation that makes up for what an activation takes away: sqrt(2) for
// ReLU, sqrt(2 / (1 + slope^2)) for leaky ReLU, 5/3 for tanh and 1 for the sigmoid or no activation
// as PyTorch has them; for the others 1 / sqrt(E[f(z)^2]) with z ~ N(0, 1), which is the rule that
// gives ReLU's.
double ActivationGain(const autograd::ActivationSpec& activation);

enum class FanMode {
  kIn,   // keeps the variance of values on the way forward
  kOut,  // keeps that of gradients on the way back
};

struct KaimingOptions {
  FanMode fan = FanMode::kIn;
  // What follows the layer.
  autograd::ActivationSpec activation = {autograd::Activation::kRelu};
  autograd::DType dtype = autograd::DType::kF32;
};

// Mean 0 and deviation gain / sqrt(fan): He et al. 1502.01852. Uniform on +-gain sqrt(3 / fan), or
// normal. Throws std::invalid_argument for fewer than two axes, or a fan of 0.
autograd::Tensor KaimingUniform(const autograd::Shape& shape, Generator& generator,
                                const KaimingOptions& options = {});
autograd::Tensor KaimingNormal(const autograd::Shape& shape, Generator& generator,
                               const KaimingOptions& options = {});

struct XavierOptions {
  double gain = 1;
  autograd::DType dtype = autograd::DType::kF32;
};

// Mean 0 and deviation gain sqrt(2 / (fan in + fan out)): Glorot and Bengio, "Understanding the
// difficulty of training deep feedforward neural networks" (AISTATS 2010). Uniform on +-gain sqrt(6
// / (fan in + fan out)), or normal. Throws std::invalid_argument as the above.
autograd::Tensor XavierUniform(const autograd::Shape& shape, Generator& generator,
                               const XavierOptions& options = {});
autograd::Tensor XavierNormal(const autograd::Shape& shape, Generator& generator,
                              const XavierOptions& options = {});

// gain times a matrix with orthonormal rows, or orthonormal columns if it has more rows than
// columns; every such matrix equally likely. The first axis is the rows, all others together the
// columns. Saxe et al. 1312.6120. Computed in f64. Throws std::invalid_argument for fewer than two
// axes.
autograd::Tensor Orthogonal(const autograd::Shape& shape, Generator& generator, double gain = 1,
                            autograd::DType dtype = autograd::DType::kF32);

// Overwrites a parameter, whether or not gradients are recorded. Throws std::invalid_argument
// unless both have the same shape and dtype. With Zeros, for the last layer of a residual branch
// that is to start as the identity.
void Reinitialize(const autograd::Tensor& parameter, const autograd::Tensor& value);

}  // namespace nn

#endif  // NN_INIT_H_
