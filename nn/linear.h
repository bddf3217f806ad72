// Linear: y = activation(x weight^T + bias), PyTorch's torch.nn.Linear.
//
// Example:
//   Generator generator(1);
//   nn::Linear layer(3, 64, generator, {.activation = {Activation::kElu}});
//   Tensor y = layer.Forward(Ones({256, 3}));
//   std::cout << y.shape().ToString() << "\n";  // [256, 64]
#ifndef NN_LINEAR_H_
#define NN_LINEAR_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "nn/init.h"
#include "nn/layer.h"

namespace nn {

struct LinearOptions {
  bool bias = true;
  // Applied to the result in the same pass.
  ActivationSpec activation = {};
  autograd::DType dtype = autograd::DType::kF32;
  // FileLayout::FlattenedImage(height, width, channels) where the input is a flattened NHWC image,
  // so that files have the weight as PyTorch, which flattens NCHW, has it.
  FileLayout weight_layout = {};
};

class Linear final : public Layer {
 public:
  // Parameters "weight" [out, in] and "bias" [out], both uniform on +-1/sqrt(in) as in PyTorch.
  // Throws std::invalid_argument unless in >= 1 and out >= 1, and for a layout that does not fit.
  Linear(int64_t in, int64_t out, Generator& generator, const LinearOptions& options = {});

  // x [..., in], result [..., out].
  Tensor Forward(const Tensor& x) const override;
  // In one pass, if this layer has no activation of its own.
  Tensor ForwardThen(const Tensor& x, const ActivationSpec& activation) const override;

  const Tensor& weight() const { return weight_; }
  // Undefined without a bias.
  const Tensor& bias() const { return bias_; }

 private:
  Tensor weight_;
  Tensor bias_;
  ActivationSpec activation_;
};

}  // namespace nn

#endif  // NN_LINEAR_H_
