// Sequential: layers one after another, named "0", "1", ... as in PyTorch.
//
// An activation is computed in one pass with the layer before it where that layer can; names and
// values do not change.
//
// Example:
//   Generator generator(1);
//   Sequential net;
//   net.Add<nn::Linear>(3, 64, generator);
//   net.Add<ActivationLayer>(Activation::kElu);
//   net.Add<nn::Linear>(64, 2, generator);
//   std::cout << net.Forward(Ones({256, 3})).shape().ToString() << "\n";  // [256, 2]
//   std::cout << net.NamedParameters()[2].first << "\n";                  // 2.weight
#ifndef NN_SEQUENTIAL_H_
#define NN_SEQUENTIAL_H_

#include <memory>
#include <utility>
#include <vector>

#include "nn/layer.h"

namespace nn {

class ActivationLayer;

class Sequential final : public Layer {
 public:
  // Makes a layer and appends it. Returns it.
  template <class Type, class... Args>
  Type& Add(Args&&... args) {
    auto layer = std::make_unique<Type>(std::forward<Args>(args)...);
    Type& result = *layer;
    Append(std::move(layer));
    return result;
  }
  void Append(std::unique_ptr<Layer> layer);

  size_t size() const { return layers_.size(); }
  Layer& layer(size_t index) const { return *layers_.at(index).layer; }

  // The layers' Forward one after another; x itself if there are none.
  Tensor Forward(const Tensor& x) const override;

 private:
  struct Entry {
    std::unique_ptr<Layer> layer;
    const ActivationLayer* activation;  // the same layer, if it is one
  };
  std::vector<Entry> layers_;
};

}  // namespace nn

#endif  // NN_SEQUENTIAL_H_
