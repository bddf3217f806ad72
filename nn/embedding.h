// Embedding: a table of vectors, one for each of a number of classes or tokens; PyTorch's
// torch.nn.Embedding.
//
// Example:
//   Generator generator(1);
//   Embedding embedding(11, 8, generator);
//   Tensor labels = Tensor::FromVector<int64_t>({3, 0, 3}, {3});
//   std::cout << embedding.Forward(labels).shape().ToString() << "\n";  // [3, 8]
#ifndef NN_EMBEDDING_H_
#define NN_EMBEDDING_H_

#include <cstdint>

#include "nn/init.h"
#include "nn/layer.h"

namespace nn {

class Embedding final : public Layer {
 public:
  // Parameter "weight" [count, width], normal with mean 0 and variance 1 as in PyTorch. Throws
  // std::invalid_argument unless count >= 1 and width >= 1.
  Embedding(int64_t count, int64_t width, Generator& generator,
            autograd::DType dtype = autograd::DType::kF32);

  // The rows at the indices: index [...] of i32 or i64, result [..., width]. Throws
  // std::invalid_argument for an index outside [0, count).
  Tensor Forward(const Tensor& index) const override;

  const Tensor& weight() const { return weight_; }

 private:
  Tensor weight_;
};

}  // namespace nn

#endif  // NN_EMBEDDING_H_
