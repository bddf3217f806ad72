// Layer and RMS normalisation: each vector of channels by itself.
//
// Example:
//   Generator generator(1);
//   Tensor x = Randn({8, 196, 64}, generator);
//   Tensor y = LayerNorm(x, Ones({64}), Zeros({64}));
//   Tensor z = RmsNorm(x, Ones({64}));
#ifndef AUTOGRAD_OPS_LAYER_NORM_H_
#define AUTOGRAD_OPS_LAYER_NORM_H_

#include "autograd/tensor.h"

namespace autograd {

// (x - m) / sqrt(v + eps) weight + bias, with the mean m and the biased variance v over the last
// axis: x [..., C], weight and bias [C] or undefined for ones and zeros; f32 or f64, or bf16 with
// f32 parameters, rounded once. Source: Ba, Kiros and Hinton 1607.06450. Throws
// std::invalid_argument naming all shapes and dtypes if they do not fit, or unless eps >= 0.
Tensor LayerNorm(const Tensor& x, const Tensor& weight = Tensor(), const Tensor& bias = Tensor(),
                 double eps = 1e-5);

// x / sqrt(mean(x^2) + eps) weight, the mean over the last axis, otherwise as LayerNorm. Source:
// Zhang and Sennrich 1910.07467.
Tensor RmsNorm(const Tensor& x, const Tensor& weight = Tensor(), double eps = 1e-6);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_LAYER_NORM_H_
