// Checkpoint: trade time for memory by computing a part of the graph twice.
//
// The function runs at once, but the tensors its operations would keep for differentiation are kept
// no longer than it runs. When the backward pass first needs one of them the function runs again,
// and each operation then finds its own. Gradients are the same to the bit as without, of any
// order, with respect to the inputs and to whatever the function captures. The function must do the
// same operations both times: give it its own copy of a random generator. It may use Grad and
// Checkpoint itself. An input or a saved tensor that was changed in place in between is an error;
// captured tensors that are not leaves must not be changed before the backward pass.
//
// Example:
//   #include "autograd/ops/arithmetic.h"
//   Tensor x = Tensor::FromVector<float>({1, 2}, {2}).set_requires_grad(true);
//   Tensor y = Checkpoint([](const Tensor& v) { return v * v * v; }, x);
#ifndef AUTOGRAD_CHECKPOINT_H_
#define AUTOGRAD_CHECKPOINT_H_

#include <functional>
#include <vector>

#include "autograd/tensor.h"

namespace autograd {

// function(inputs), recorded without keeping what its operations save. Source: Chen et al.
// 1604.06174. Throws std::invalid_argument, when differentiated, if the function does other
// operations the second time.
std::vector<Tensor> Checkpoint(
    std::function<std::vector<Tensor>(const std::vector<Tensor>&)> function,
    const std::vector<Tensor>& inputs);
Tensor Checkpoint(std::function<Tensor(const Tensor&)> function, const Tensor& input);

}  // namespace autograd

#endif  // AUTOGRAD_CHECKPOINT_H_
