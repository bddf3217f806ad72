// Adam and AdamW.
//
// Adam (Kingma and Ba, arXiv:1412.6980) with PyTorch's conventions: both moments corrected for
// their bias, epsilon added outside the root. Weight decay adds weight_decay * parameter to the
// gradient; AdamW (Loshchilov and Hutter, arXiv:1711.05101) shrinks the parameter by
// 1 - learning_rate * weight_decay instead, so that the decay does not pass through the moments.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   AdamW optimizer(parameters, {.learning_rate = 1e-3, .weight_decay = 0.05});
//   Backward(Sum(model.Forward(Ones({5, 3}))));
//   optimizer.Step();
#ifndef NN_OPTIM_ADAM_H_
#define NN_OPTIM_ADAM_H_

#include "nn/optim/optimizer.h"

namespace nn {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;    // decay of the mean of gradients, in [0, 1)
  double beta2 = 0.999;  // decay of the mean of their squares, in [0, 1)
  double epsilon = 1e-8;
  double weight_decay = 0;
};

class Adam : public Optimizer {
 public:
  // Throws std::invalid_argument for an option out of its range.
  explicit Adam(ParameterBuffer& parameters, const AdamOptions& options = {})
      : Adam(parameters, options, /*decoupled=*/false) {}

 protected:
  Adam(ParameterBuffer& parameters, const AdamOptions& options, bool decoupled);
  void Update(int64_t begin, int64_t end, const Pass& pass) override;

 private:
  template <class T>
  void UpdateAs(int64_t begin, int64_t end, const Pass& pass);

  const AdamOptions options_;
  const bool decoupled_;
  Tensor mean_;
  Tensor square_;
};

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

class AdamW final : public Adam {
 public:
  explicit AdamW(ParameterBuffer& parameters, const AdamWOptions& options = {})
      : Adam(parameters,
             {options.learning_rate, options.beta1, options.beta2, options.epsilon,
              options.weight_decay},
             /*decoupled=*/true) {}
};

}  // namespace nn

#endif  // NN_OPTIM_ADAM_H_
