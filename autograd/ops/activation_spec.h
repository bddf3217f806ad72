// The activations that an operation can apply to its result while it writes it.
//
// Example:
//   Tensor x = Ones({8, 3}), weight = Ones({4, 3});
//   Tensor y = Linear(x, weight, Tensor(), {Activation::kLeakyRelu, 0.2});
#ifndef AUTOGRAD_OPS_ACTIVATION_SPEC_H_
#define AUTOGRAD_OPS_ACTIVATION_SPEC_H_

namespace autograd {

enum class Activation {
  kNone,
  kRelu,
  kLeakyRelu,  // parameter: slope for negative inputs
  kElu,        // parameter: alpha
  kSilu,
  kTanh,
  kSigmoid,
  kGeluTanh,
  kGeluErf,
};

struct ActivationSpec {
  Activation activation = Activation::kNone;
  double parameter = 1;
};

}  // namespace autograd

#endif  // AUTOGRAD_OPS_ACTIVATION_SPEC_H_
