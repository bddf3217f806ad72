#include "nn/sequential.h"

#include <string>

#include "nn/activation.h"

namespace nn {

void Sequential::Append(std::unique_ptr<Layer> layer) {
  RegisterModule(std::to_string(layers_.size()), *layer);
  const auto* activation = dynamic_cast<const ActivationLayer*>(layer.get());
  layers_.push_back({std::move(layer), activation});
}

Tensor Sequential::Forward(const Tensor& x) const {
  Tensor y = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const bool activated = i + 1 < layers_.size() && layers_[i + 1].activation != nullptr;
    if (activated) {
      y = layers_[i].layer->ForwardThen(y, layers_[i + 1].activation->spec());
      ++i;
    } else {
      y = layers_[i].layer->Forward(y);
    }
  }
  return y;
}

}  // namespace nn
