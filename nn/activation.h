// ActivationLayer: an activation function as a layer, without parameters.
//
// In a forward function call the operation itself (autograd/ops/activation.h). This is for
// Sequential, which hands it to the layer before, so that both are computed in one pass.
//
// Example:
//   ActivationLayer elu(Activation::kElu, 1.0);
//   std::cout << elu.Forward(Tensor::FromVector<float>({-1, 1}, {2})) << "\n";  // [-0.632, 1]
#ifndef NN_ACTIVATION_H_
#define NN_ACTIVATION_H_

#include "nn/layer.h"

namespace nn {

class ActivationLayer final : public Layer {
 public:
  // `parameter` is kElu's alpha or kLeakyRelu's slope; others ignore it.
  explicit ActivationLayer(Activation activation, double parameter = 1)
      : spec_{activation, parameter} {}

  const ActivationSpec& spec() const { return spec_; }
  // The activation of each element; x of any shape, f32 or f64.
  Tensor Forward(const Tensor& x) const override { return Activate(x, spec_); }

 private:
  ActivationSpec spec_;
};

}  // namespace nn

#endif  // NN_ACTIVATION_H_
