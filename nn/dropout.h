// Dropout: in training, zeros in place of elements chosen at random; PyTorch's torch.nn.Dropout.
//
// Example:
//   Generator generator(1);
//   nn::Dropout dropout(0.1, generator);
//   Tensor y = dropout.Forward(Ones({4, 4}));
//   dropout.Eval();
//   y = dropout.Forward(y);  // y itself
#ifndef NN_DROPOUT_H_
#define NN_DROPOUT_H_

#include "autograd/random/philox.h"
#include "nn/layer.h"

namespace nn {

using autograd::Generator;

class Dropout final : public Layer {
 public:
  // p is the share of elements that become 0. Forward draws from the generator and moves it on, so
  // it must live as long as the layer, and its state belongs into a checkpoint. Throws
  // std::invalid_argument unless 0 <= p <= 1.
  Dropout(double p, Generator& generator);

  // In training, x with elements zeroed and the others divided by 1 - p (autograd::Dropout); in
  // evaluation x itself. Inside autograd::Checkpoint, which runs its function twice, use
  // autograd::Dropout with a copy of a generator instead.
  Tensor Forward(const Tensor& x) const override;

 private:
  double p_;
  Generator* generator_;
};

}  // namespace nn

#endif  // NN_DROPOUT_H_
