// Random starting values of parameters. The generator's state moves on with each call, so the same
// seed gives the same model.
//
// Example:
//   Generator generator(1);
//   Tensor weight = UniformTensor({64, 3}, -0.5, 0.5, generator);
//   std::cout << weight.shape().ToString() << "\n";
#ifndef NN_INIT_H_
#define NN_INIT_H_

#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace nn {

using autograd::Generator;

// Uniform on [low, high). f32 or f64; throws std::invalid_argument for another dtype.
autograd::Tensor UniformTensor(const autograd::Shape& shape, double low, double high,
                               Generator& generator, autograd::DType dtype = autograd::DType::kF32);

// Normal with this mean and standard deviation. f32 or f64, as above.
autograd::Tensor NormalTensor(const autograd::Shape& shape, double mean, double deviation,
                              Generator& generator, autograd::DType dtype = autograd::DType::kF32);

}  // namespace nn

#endif  // NN_INIT_H_
