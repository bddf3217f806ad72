#include "nn/optim/adam.h"

#include <cmath>
#include <limits>

#include "autograd/kernels/optimizer.h"

namespace nn {

Adam::Adam(ParameterBuffer& parameters, const AdamOptions& options, bool decoupled)
    : Optimizer(parameters, options.learning_rate),
      options_(options),
      decoupled_(decoupled),
      mean_(AddState("exp_avg")),
      square_(AddState("exp_avg_sq")) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const char* name = decoupled ? "AdamW" : "Adam";
  internal::CheckOption(name, "beta1", options.beta1, 0, 1);
  internal::CheckOption(name, "beta2", options.beta2, 0, 1);
  internal::CheckOption(name, "epsilon", options.epsilon, 0, kInfinity);
  internal::CheckOption(name, "weight_decay", options.weight_decay, 0, kInfinity);
}

template <class T>
void Adam::UpdateAs(int64_t begin, int64_t end, const Pass& pass) {
  const double t = static_cast<double>(pass.step);
  const double decay = learning_rate() * options_.weight_decay;
  const autograd::kernels::AdamConstants<T> constants = {
      .l2 = static_cast<T>(decoupled_ ? 0 : options_.weight_decay),
      .decay = static_cast<T>(decoupled_ ? 1 - decay : 1),
      .beta1 = static_cast<T>(options_.beta1),
      .one_minus_beta1 = static_cast<T>(1 - options_.beta1),
      .beta2 = static_cast<T>(options_.beta2),
      .one_minus_beta2 = static_cast<T>(1 - options_.beta2),
      .step_size = static_cast<T>(learning_rate() / (1 - std::pow(options_.beta1, t))),
      .root_scale = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
      .epsilon = static_cast<T>(options_.epsilon),
  };
  autograd::kernels::AdamStep(end - begin, parameters().values().raw<T>() + begin,
                              parameters().gradients().raw<T>() + begin, mean_.raw<T>() + begin,
                              square_.raw<T>() + begin, constants, ExtrasOf<T>(pass, begin));
}

void Adam::Update(int64_t begin, int64_t end, const Pass& pass) {
  parameters().dtype() == autograd::DType::kF32 ? UpdateAs<float>(begin, end, pass)
                                                : UpdateAs<double>(begin, end, pass);
}

}  // namespace nn
