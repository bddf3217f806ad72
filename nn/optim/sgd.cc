#include "nn/optim/sgd.h"

#include <limits>
#include <stdexcept>

#include "autograd/kernels/optimizer.h"

namespace nn {

Sgd::Sgd(ParameterBuffer& parameters, const SgdOptions& options)
    : Optimizer(parameters, options.learning_rate), options_(options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  internal::CheckOption("Sgd", "momentum", options.momentum, 0, 1);
  internal::CheckOption("Sgd", "1 - dampening", 1 - options.dampening, 0, 1 + 1e-15);
  internal::CheckOption("Sgd", "weight_decay", options.weight_decay, 0, kInfinity);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0)) {
    throw std::invalid_argument("Sgd: nesterov wants momentum and no dampening");
  }
  if (options.momentum != 0) velocity_ = AddState("momentum_buffer");
}

template <class T>
void Sgd::UpdateAs(int64_t begin, int64_t end, const Pass& pass) {
  const autograd::kernels::SgdConstants<T> constants = {
      .learning_rate = static_cast<T>(learning_rate()),
      .l2 = static_cast<T>(options_.weight_decay),
      .momentum = static_cast<T>(options_.momentum),
      .gain = static_cast<T>(pass.step == 1 ? 1 : 1 - options_.dampening),
      .nesterov = options_.nesterov,
  };
  T* velocity = velocity_.defined() ? velocity_.raw<T>() + begin : nullptr;
  autograd::kernels::SgdStep(end - begin, parameters().values().raw<T>() + begin,
                             parameters().gradients().raw<T>() + begin, velocity, constants,
                             ExtrasOf<T>(pass, begin));
}

void Sgd::Update(int64_t begin, int64_t end, const Pass& pass) {
  parameters().dtype() == autograd::DType::kF32 ? UpdateAs<float>(begin, end, pass)
                                                : UpdateAs<double>(begin, end, pass);
}

}  // namespace nn
