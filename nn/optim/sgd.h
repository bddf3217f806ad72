// Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay.
//
// With g the gradient plus weight_decay * parameter, as PyTorch computes it:
//   v = momentum v + (1 - dampening) g   (v = g in a parameter's first step)
//   parameter -= learning_rate v, or learning_rate (g + momentum v) with nesterov
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Sgd optimizer(parameters, {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
//   Backward(Sum(model.Forward(Ones({5, 3}))));
//   optimizer.Step();
#ifndef NN_OPTIM_SGD_H_
#define NN_OPTIM_SGD_H_

#include "nn/optim/optimizer.h"

namespace nn {

struct SgdOptions {
  double learning_rate = 1e-3;
  double momentum = 0;   // in [0, 1)
  double dampening = 0;  // in [0, 1]
  double weight_decay = 0;
  bool nesterov = false;  // wants momentum and no dampening
};

class Sgd final : public Optimizer {
 public:
  // Throws std::invalid_argument for an option out of its range.
  explicit Sgd(ParameterBuffer& parameters, const SgdOptions& options = {});

 private:
  void Update(int64_t begin, int64_t end, const Pass& pass) override;
  template <class T>
  void UpdateAs(int64_t begin, int64_t end, const Pass& pass);

  const SgdOptions options_;
  Tensor velocity_;  // undefined without momentum
};

}  // namespace nn

#endif  // NN_OPTIM_SGD_H_
