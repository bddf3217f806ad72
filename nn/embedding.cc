#include "nn/embedding.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/index.h"

namespace nn {

Embedding::Embedding(int64_t count, int64_t width, Generator& generator, autograd::DType dtype) {
  if (count < 1 || width < 1) {
    throw std::invalid_argument("Embedding: wants positive sizes, got count " +
                                std::to_string(count) + " and width " + std::to_string(width));
  }
  weight_ = RegisterParameter("weight", NormalTensor({count, width}, 0, 1, generator, dtype));
}

Tensor Embedding::Forward(const Tensor& index) const {
  return autograd::IndexSelect(weight_, 0, index);
}

}  // namespace nn
