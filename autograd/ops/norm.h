// Normalisation: differences from a mean, over a standard deviation, within groups of numbers.
//
// What a group is tells the operations apart (two of them are in layer_norm.h). x is [..., C],
// channels last, and
//   GroupNorm  some neighbouring channels of one sample, over all places (Wu and He 2018);
//   LayerNorm  one vector of channels (Ba, Kiros and Hinton 2016);
//   BatchNorm  one channel of the whole batch (Ioffe and Szegedy 2015);
//   RmsNorm    as LayerNorm, but nothing is subtracted (Zhang and Sennrich 2019).
// With the mean m and the biased variance v of x's group, the result is
//   (x - m) / sqrt(v + eps) weight + bias
// with one weight and bias a channel, where given. All take x of f32 and f64 with parameters of its
// dtype, and of bf16 with parameters of f32: x is then widened, and the result and x's gradient are
// rounded once, while the parameters' gradients stay f32. They add statistics up in f64 (of squares
// in x's dtype: f32 numbers 1e19 apart overflow, and become 0), and have derivatives of any order.
// They throw std::invalid_argument naming the operation and all shapes and dtypes where
// these do not fit, or unless eps >= 0.
//
// Example:
//   Generator generator(1);
//   Tensor x = Randn({8, 28, 28, 64}, generator);
//   Tensor weight = Ones({64}), bias = Zeros({64});
//   Tensor y = GroupNorm(x, 32, weight, bias, 1e-5, {Activation::kSilu});
//   Tensor joined = GroupNormConcat(x, y, 32);  // [8, 28, 28, 128]
//   Tensor z = LayerNorm(x, weight, bias);
//   auto [normalised, mean, variance] = BatchNorm(x, weight, bias);  // mean and variance: [64]
#ifndef AUTOGRAD_OPS_NORM_H_
#define AUTOGRAD_OPS_NORM_H_

#include <cstdint>

#include "autograd/ops/activation_spec.h"
#include "autograd/ops/layer_norm.h"
#include "autograd/tensor.h"

namespace autograd {

// x [B, ..., C] of rank 2 or more, C divisible by groups >= 1; weight and bias [C], or undefined
// for ones and zeros. The activation is applied to the result in the same pass (kSilu and kNone
// fastest), and its argument is not kept but computed again for the gradient.
Tensor GroupNorm(const Tensor& x, int64_t groups, const Tensor& weight = Tensor(),
                 const Tensor& bias = Tensor(), double eps = 1e-5,
                 const ActivationSpec& activation = {});

// GroupNorm(Concat({a, b}, -1), groups, ...) without writing the two side by side: for a skip
// connection. a [B, ..., C1] and b [B, ..., C2] of one dtype, C1 + C2 divisible by groups, of which
// one may have channels of both; weight and bias [C1 + C2], or undefined; the result is [B, ..., C1
// + C2].
Tensor GroupNormConcat(const Tensor& a, const Tensor& b, int64_t groups,
                       const Tensor& weight = Tensor(), const Tensor& bias = Tensor(),
                       double eps = 1e-5, const ActivationSpec& activation = {});

struct BatchNormResult {
  Tensor y;
  // [C] in the parameters' dtype: of the whole batch, the variance biased (divided by the number of
  // elements). Without a graph: for running statistics.
  Tensor mean, variance;
};

// In training: with the statistics of all axes but the last. x [..., C] of rank 2 or more, at least
// one number a channel; weight and bias [C] or undefined.
BatchNormResult BatchNorm(const Tensor& x, const Tensor& weight = Tensor(),
                          const Tensor& bias = Tensor(), double eps = 1e-5,
                          const ActivationSpec& activation = {});

// In evaluation: with a given mean and variance, [C], which may be differentiated by like the rest.
Tensor BatchNormWith(const Tensor& x, const Tensor& mean, const Tensor& variance,
                     const Tensor& weight = Tensor(), const Tensor& bias = Tensor(),
                     double eps = 1e-5, const ActivationSpec& activation = {});

}  // namespace autograd

#endif  // AUTOGRAD_OPS_NORM_H_
