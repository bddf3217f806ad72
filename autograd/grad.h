// Reverse and forward mode differentiation of recorded operations.
//
// Grad is the primitive: gradients of some outputs with respect to some inputs, as new tensors.
// With create_graph they can be differentiated again. Backward accumulates first-order gradients of
// a loss into its leaves, as a training loop wants them. Vjp and Jvp differentiate a function.
//
// Without create_graph, operations that have a fused derivative use it, and the last bits of a
// gradient may differ from those with create_graph. These are: Linear, the functions of
// ops/activation.h, those of ops/unary.h except Sign and Pow, those of ops/norm.h, Softmax,
// LogSoftmax, MseLoss, CrossEntropy, ScaledDotProductAttention, ScaledDotProductAttentionPacked and
// MaxPool2d.
//
// A graph may be differentiated in one thread at a time, different graphs in different threads.
//
// Example:
//   Tensor x = Tensor::FromVector<double>({1, 2, 3}, {3}).set_requires_grad(true);
//   Tensor y = MatMul(x, x * x);                            // sum of x^3
//   Tensor dx = Grad({y}, {x}, {.create_graph = true})[0];  // 3 x^2
//   Tensor ddx = Grad({dx}, {x}, {.grad_outputs = {OnesLike(dx)}})[0];  // 6 x
//   std::cout << dx << ddx << "\n";
#ifndef AUTOGRAD_GRAD_H_
#define AUTOGRAD_GRAD_H_

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "autograd/tensor.h"

namespace autograd {

struct GradOptions {
  // Gradients of the outputs, of their shapes and dtypes. An undefined one stands for ones, and
  // then the output must have one element. Empty: all undefined.
  std::vector<Tensor> grad_outputs = {};
  // Record the backward pass, so that its results can be differentiated.
  bool create_graph = false;
  // Keep the graph, so that it can be differentiated again. Default: create_graph.
  std::optional<bool> retain_graph = std::nullopt;
  // An input the outputs do not depend on has an undefined gradient, instead of being an error.
  bool allow_unused = false;
};

// Sum over outputs of grad_output^T d(output)/d(input), for each input: tensors of the inputs'
// shapes and dtypes. Throws std::invalid_argument if an output or input has no graph, an input is
// unused (see allow_unused), a gradient has the wrong shape, or the graph was freed.
std::vector<Tensor> Grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options = {});

// Adds d(loss)/d(leaf) to leaf.grad() for every leaf that requires gradients, and frees the graph.
// The loss has one element. There is no create_graph here: a graph that hangs on a leaf it refers
// to would never be freed; use Grad.
void Backward(const Tensor& loss, bool retain_graph = false);

using VectorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// Outputs of function(inputs) and, for each input, cotangents^T d(outputs)/d(input); inputs the
// function does not use have zeros. Differentiable with respect to whatever the inputs, the
// cotangents and the function's captures depend on, if recording is on.
std::pair<std::vector<Tensor>, std::vector<Tensor>> Vjp(const VectorFunction& function,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& cotangents);

// Outputs of function(inputs) and, for each output, d(output)/d(inputs) tangents. Records the
// function, then carries tangents along the tape in ascending order; an operation without a forward
// rule of its own falls back to differentiating its Vjp. Differentiable in the same sense as Vjp.
std::pair<std::vector<Tensor>, std::vector<Tensor>> Jvp(const VectorFunction& function,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& tangents);

// H v for the Hessian H of a scalar function at x: the tangent of its gradient (forward over
// reverse); zeros where the function does not depend on x.
Tensor HessianVectorProduct(const std::function<Tensor(const Tensor&)>& function, const Tensor& x,
                            const Tensor& v);

}  // namespace autograd

#endif  // AUTOGRAD_GRAD_H_
