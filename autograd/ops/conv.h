// Conv2d and ConvTranspose2d: convolutions of images [batch, height, width, channels].
//
// The weight is [out, kernel height, kernel width, in / groups] in memory; files have PyTorch's
// layout, into which nn/weights.h converts.
//
// A convolution is bilinear in image and weight, and so are its gradients, which are each other's
// derivatives: with y = C(x, w) the gradient of x is I(dy, w) and that of w is W(x, dy), and the
// gradients of I and W are C, I and W again. So derivatives of any order are made of the same three
// kernels, and ConvTranspose2d is I as an operation of its own.
//
// Images may be bf16. Weights, biases and shifts are f32 then, and so are their gradients; sums are
// made in f32 and rounded once. (Where the processor multiplies bf16, the weights may be rounded to
// it on the way.)
//
// A NaN or infinity reaches all that it is a term of, and of 3x3 convolutions of stride 1 maybe
// pixels nearby, see kernels/conv.h.
//
// Example:
//   Tensor x = Ones({1, 28, 28, 9}), weight = Ones({32, 3, 3, 9}), bias = Zeros({32});
//   Tensor y = Conv2d(x, weight, bias, {.padding = {1, 1}});               // [1, 28, 28, 32]
//   Tensor half = Conv2d(y, Ones({64, 3, 3, 32}), Tensor(),
//                        {.stride = {2, 2}, .padding = {1, 1}});           // [1, 14, 14, 64]
//   Tensor whole = ConvTranspose2d(half, Ones({64, 2, 2, 32}), bias,
//                                  {.stride = {2, 2}});                    // [1, 28, 28, 32]
//   // A residual block's last convolution, with an offset for each image, in one pass:
//   Tensor block = Conv2d(y, Ones({32, 3, 3, 32}), bias, {.padding = {1, 1}},
//                         {.shift = Ones({1, 32}), .residual = y});        // [1, 28, 28, 32]
#ifndef AUTOGRAD_OPS_CONV_H_
#define AUTOGRAD_OPS_CONV_H_

#include "autograd/ops/conv_options.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"

namespace autograd {

// What Conv2d adds to its result while it is made, which saves passes over it. Either may be
// undefined.
struct ConvAddends {
  Tensor shift = {};     // [B, O], of the weight's dtype: added to every pixel of an image
  Tensor residual = {};  // of the result's shape and x's dtype
};

// y[n, i, j, o] = bias[o] + shift[n, o] + residual[n, i, j, o] + sum over a, b, c of weight[o, a,
// b, c] x[n, i s - p + a d, j s - p + b d, c], with s, p, d the stride, padding and dilation of
// each axis and x zero outside its borders; with groups, o's share of the out channels reads the
// same share of x's channels. torch.nn.Conv2d computes the same. x [B, H, W, C], weight [O, kh, kw,
// C / groups], bias [O] or undefined, all f32, all f64, or x and residual bf16 and the others f32;
// result [B, H', W', O] of x's dtype with H' = floor((H + 2 p - d (kh - 1) - 1) / s) + 1 and W'
// likewise. Throws std::invalid_argument naming all shapes, dtypes and options if they do not fit,
// or if the kernel is larger than the padded image.
Tensor Conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(),
              const Conv2dOptions& options = {}, const ConvAddends& addends = {});

// The gradient of Conv2d with respect to its image as an operation: every element of x adds its
// multiple of a window of weights to the result. torch.nn.ConvTranspose2d computes the same.
// x [B, H, W, C], weight [C, kh, kw, O / groups], bias [O] or undefined, all f32, all f64,
// or x bf16 and the others f32; result [B, H', W', O] of x's dtype with H' = (H - 1) s - 2 p + d
// (kh - 1) + output_padding + 1 and W' likewise. Throws std::invalid_argument naming all shapes,
// dtypes and options if they do not fit, or if H' or W' is less than 1.
Tensor ConvTranspose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(),
                       const ConvTranspose2dOptions& options = {});

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CONV_H_
