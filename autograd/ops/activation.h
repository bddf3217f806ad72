// Activation functions of neural networks, element by element.
//
// All take f32, f64 and bf16 (computed in f32, rounded once; so is the fused gradient) and return
// the shape and dtype of x; other dtypes throw std::invalid_argument naming the operation. All have
// derivatives of any order. Where the derivative jumps (at 0) it is PyTorch's choice: the one from
// the left. Without create_graph a fused rule computes the gradient in one pass.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({-1, 0, 1}, {3});
//   std::cout << Relu(x) << Silu(x) << Elu(x, 0.5) << "\n";
#ifndef AUTOGRAD_OPS_ACTIVATION_H_
#define AUTOGRAD_OPS_ACTIVATION_H_

#include "autograd/tensor.h"

namespace autograd {

// (e^x - e^-x) / (e^x + e^-x).
Tensor Tanh(const Tensor& x);
// 1 / (1 + e^-x).
Tensor Sigmoid(const Tensor& x);
// log(1 + e^x), the integral of Sigmoid.
Tensor Softplus(const Tensor& x);
// max(x, 0).
Tensor Relu(const Tensor& x);
// x where x > 0, slope * x elsewhere.
Tensor LeakyRelu(const Tensor& x, double slope = 0.01);
// x where x > 0, alpha (e^x - 1) elsewhere (Clevert et al. 2016). Throws std::invalid_argument for
// alpha < 0.
Tensor Elu(const Tensor& x, double alpha = 1);
// scale * Elu(x, alpha) with the constants of Klambauer et al. 2017.
Tensor Selu(const Tensor& x);
// x Phi(x) with the normal distribution's Phi(x) = (1 + erf(x / sqrt(2))) / 2 (Hendrycks & Gimpel
// 2016).
Tensor GeluErf(const Tensor& x);
// The same paper's approximation x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
Tensor GeluTanh(const Tensor& x);
// x Sigmoid(x), also known as swish.
Tensor Silu(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_ACTIVATION_H_
