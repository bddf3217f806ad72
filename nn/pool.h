// AvgPool2d and MaxPool2d: the mean and the maximum of windows of an image; torch.nn.AvgPool2d and
// torch.nn.MaxPool2d, for images [B, H, W, C].
//
// Example:
//   nn::MaxPool2d pool({.kernel = {2, 2}});
//   std::cout << pool.Forward(Ones({8, 28, 28, 32})).shape().ToString() << "\n";  // [8, 14, 14, 32]
//   nn::AvgPool2d mean({.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}});
//   std::cout << mean.Forward(Ones({8, 7, 7, 4})).shape().ToString() << "\n";     // [8, 7, 7, 4]
#ifndef NN_POOL_H_
#define NN_POOL_H_

#include "autograd/ops/pool.h"
#include "nn/layer.h"

namespace nn {

using autograd::Pool2dOptions;

// The means, padding counted as zeros.
class AvgPool2d final : public Layer {
 public:
  explicit AvgPool2d(const Pool2dOptions& options = {}) : options_(options) {}

  // x [B, H, W, C], f32 or f64; result [B, H', W', C]. Throws std::invalid_argument as
  // autograd::AvgPool2d does, also for the options.
  Tensor Forward(const Tensor& x) const override { return autograd::AvgPool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

// The maxima; the gradient goes to the first pixel that has it.
class MaxPool2d final : public Layer {
 public:
  explicit MaxPool2d(const Pool2dOptions& options = {}) : options_(options) {}

  // As AvgPool2d.
  Tensor Forward(const Tensor& x) const override { return autograd::MaxPool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

}  // namespace nn

#endif  // NN_POOL_H_
