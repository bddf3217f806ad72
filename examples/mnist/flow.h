// What the MNIST program minimises: the conditional flow matching loss of a batch.
#ifndef EXAMPLES_MNIST_FLOW_H_
#define EXAMPLES_MNIST_FLOW_H_

#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "examples/mnist/model.h"
#include "flowmatch/path/affine_path.h"

namespace examples::mnist {

// What the loss of a batch is computed from, drawn for the whole batch at once: images x_1
// [B, 28, 28, 1], fresh noise x_0, times t = k / 1000 with k uniform on 0 ... 999, and x_t =
// t x_1 + (1 - t) x_0.
flowmatch::PathSample DrawFlow(const autograd::Tensor& images, autograd::Generator& generator);

// Mean squared error of the model's velocity at x_t against x_1 - x_0 over samples [begin, end), a
// tensor of rank 0. The model's labels [B] are those of the whole batch.
autograd::Tensor FlowLoss(const flowmatch::ClassConditionedUNet& model,
                          const flowmatch::PathSample& sample, const autograd::Tensor& labels,
                          int64_t begin, int64_t end);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_FLOW_H_
