// Layer: a module that maps one tensor to one. What Sequential strings together.
//
// Example:
//   class Doubled : public Layer {
//    public:
//     Tensor Forward(const Tensor& x) const override { return x * 2.0; }
//   };
//   Doubled doubled;
//   std::cout << doubled.Forward(Ones({2})) << "\n";
#ifndef NN_LAYER_H_
#define NN_LAYER_H_

#include "autograd/ops/linear.h"
#include "nn/module.h"

namespace nn {

using autograd::Activation;
using autograd::ActivationSpec;

class Layer : public Module {
 public:
  virtual Tensor Forward(const Tensor& x) const = 0;

  // The activation of Forward(x). Layers that can apply it while they write their result, as
  // nn::Linear does, override this.
  virtual Tensor ForwardThen(const Tensor& x, const ActivationSpec& activation) const {
    return Activate(Forward(x), activation);
  }
};

}  // namespace nn

#endif  // NN_LAYER_H_
