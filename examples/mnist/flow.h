// What the MNIST program minimises: the conditional flow matching loss of a batch.
#ifndef EXAMPLES_MNIST_FLOW_H_
#define EXAMPLES_MNIST_FLOW_H_

#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "examples/mnist/model.h"

namespace examples::mnist {

// Mean squared error of the model's velocity at x_t = t x_1 + (1 - t) x_0 against x_1 - x_0, a
// tensor of rank 0: x_1 are images [B, 28, 28, 1] with the model's labels [B], x_0 fresh noise, and
// t = k / 1000 with k uniform on 0 ... 999.
autograd::Tensor FlowLoss(const flowmatch::ClassConditionedUNet& model,
                          const autograd::Tensor& images, const autograd::Tensor& labels,
                          autograd::Generator& generator);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_FLOW_H_
