// Linear: matrix product, bias and activation in one pass, with a fused derivative.
//
// Example:
//   Tensor x = Ones({8, 3});
//   Tensor weight = Ones({4, 3}).set_requires_grad(true);
//   Tensor bias = Zeros({4}).set_requires_grad(true);
//   Tensor y = Linear(x, weight, bias, {Activation::kElu, 1.0});  // [8, 4]
//   Tensor both = LinearConcat(x, {weight, Ones({2, 3})});         // [8, 6]
#ifndef AUTOGRAD_OPS_LINEAR_H_
#define AUTOGRAD_OPS_LINEAR_H_

#include <vector>

#include "autograd/ops/activation_spec.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"

namespace autograd {

// activation(x weight^T + bias): x [..., in], weight [out, in], bias [out] or undefined for none;
// result [..., out]. The layout of the weight is PyTorch's. All f32, all f64, or bf16 x and result
// with f32 weight and bias: the sums, the bias and the activation are then f32 and rounded once at
// the end, the weight is rounded for the product, and the gradients of weight and bias are f32. The
// same bytes as MatMul, Add and the activation one after the other, but for the rounding of the sum
// with the bias and, in bf16, after each of them. Throws std::invalid_argument naming all shapes
// and dtypes if they do not fit, or for a negative kElu parameter.
Tensor Linear(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(),
              const ActivationSpec& activation = {});

// Several linear layers of one x, their results side by side along the last axis: x [..., in],
// weights [out_i, in] each, biases [out_i] each or an empty vector for none; result [..., sum of
// out_i], the same bytes as Concat of the separate layers. Dtypes as in Linear. x is read once for
// all of them (the queries, keys and values of attention); the fused derivative makes the gradient
// of x in one product and those of the weights, wherever they lie, in another. Throws
// std::invalid_argument naming all shapes and dtypes if they do not fit, and where there is no
// weight.
Tensor LinearConcat(const Tensor& x, const std::vector<Tensor>& weights,
                    const std::vector<Tensor>& biases = {});

// The activation on its own, as one of the operations of activation.h; x itself for kNone.
Tensor Activate(const Tensor& x, const ActivationSpec& activation);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_LINEAR_H_
