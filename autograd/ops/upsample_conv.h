// UpsampleConv2d: a 3x3 convolution of images enlarged twice, without enlarging them.
//
// In an image enlarged by nearest neighbour each pixel stands four times, so a 3x3 window meets
// only 2x2 different pixels, each times the sum of those weights that meet it. Which weights these
// are depends on whether row and column are even or odd. Read the other way round, each pixel of
// the small image adds its multiple of one window of 4x4 such sums to the result, at twice its
// place: a transposed convolution with a stride of 2. That takes 4 multiplications where the
// convolution of the enlarged image takes 9, and neither makes nor reads that image; the gradients
// save as much. Sums are made in another order, so results differ in the last bits: for
// images of bf16, whose weights are rounded as sums, in those of bf16.
//
// Example:
//   Tensor x = Ones({1, 14, 14, 64}), weight = Ones({64, 3, 3, 64}), bias = Zeros({64});
//   Tensor y = UpsampleConv2d(x, weight, bias);  // [1, 28, 28, 64]
//   Tensor slow = Conv2d(UpsampleNearest2d(x, 28, 28), weight, bias, {.padding = {1, 1}});
//   std::cout << Max(Abs(y - slow)) << "\n";  // 0, or next to it
#ifndef AUTOGRAD_OPS_UPSAMPLE_CONV_H_
#define AUTOGRAD_OPS_UPSAMPLE_CONV_H_

#include "autograd/tensor.h"

namespace autograd {

// Conv2d(UpsampleNearest2d(x, 2 H, 2 W), weight, bias, {.padding = {1, 1}}).
// x [B, H, W, C], weight [O, 3, 3, C], bias [O] or undefined, all f32, all f64, or x bf16 and the
// others f32; result [B, 2 H, 2 W, O] of x's dtype. Throws std::invalid_argument naming all shapes
// and dtypes if they do not fit.
Tensor UpsampleConv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor());

}  // namespace autograd

#endif  // AUTOGRAD_OPS_UPSAMPLE_CONV_H_
