// Two-dimensional convolutions of images in NHWC order, and their gradients, on raw pointers.
//
// With x [batch, height, width, channels], w [out_channels, kernel_height, kernel_width,
// channels / groups] and y [batch, out_height, out_width, out_channels],
//
//   y[n, i, j, o] = bias[o] + shift[n, o] + residual[n, i, j, o] +
//       sum over a, b, c of w[o, a, b, c] x[n, i s - p + a d, j s - p + b d, c]
//
// where s, p and d are stride, padding and dilation (of the rows for i, of the columns for j), x is
// zero outside its borders, and c runs over the channels of o's group: o's share of out_channels
// reads the same share of channels. (This is what PyTorch calls convolution; signal processing
// calls it correlation.) Bias, shift and residual are optional; they are added to the sums where
// those are made, so that no pass over y is needed for them. The three functions below are that sum
// and its two transposes:
//
//   <dy, Forward(x, w)> = <InputGradient(dy, w), x> = <WeightGradient(x, dy), w>
//
// so each is the derivative of the others.
//
// The work goes one of four ways, chosen by the size, the numbers and the instruction set, never by
// the number of threads:
// - a 1x1 kernel in f32 or f64, without shift and residual, is a matrix product (gemm.h);
// - kernels of 3x3 pixels, stride and dilation 1, between many channels, in f32 with AVX2 or later
//   and in bf16 where the processor has no AMX: conv_winograd.h, with a quarter of the products;
// - f32 and bf16 with AVX2 or later: conv_direct.h, which reads the images where they are, and for
//   the weights' gradient of bf16 images conv_pairs.h;
// - anything else: conv_patches.h, which copies patches of x into a matrix, a cacheful at a time,
//   and multiplies that.
//
// A NaN or infinity reaches every sum that it is a term of. The second way may make NaN of others
// nearby, in the same 4x4 pixels of the result.
//
// All arrays are dense. Results have the same bits whatever the number of threads and the
// alignment. Sizes may be 0. Outputs overlap nothing else. The callers in ops/ have checked sizes.
//
// Example:
//   std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w = {1, 0, 0, 1}, y(4), bias = {10};
//   kernels::ConvSize size;
//   size.batch = 1;
//   size.height = size.width = 3;
//   size.kernel_height = size.kernel_width = 2;
//   size.out_height = size.out_width = 2;
//   kernels::ConvForward(size, x.data(), w.data(), {bias.data()}, y.data());
//   std::cout << y[0] << " " << y[3] << "\n";  // 16 24: 1 + 5 + 10 and 5 + 9 + 10
#ifndef AUTOGRAD_KERNELS_CONV_H_
#define AUTOGRAD_KERNELS_CONV_H_

#include <cstdint>

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

// y from x and w.
void ConvForward(const ConvSize& size, const float* x, const float* w,
                 const ConvEpilogue<float>& epilogue, float* y);
void ConvForward(const ConvSize& size, const double* x, const double* w,
                 const ConvEpilogue<double>& epilogue, double* y);
// Of bf16 images and f32 weights, bias and shift: sums are f32 and rounded once, at the end. Where
// the processor multiplies bf16, the weights may be rounded to it and subnormal numbers may count
// as 0.
void ConvForward(const ConvSize& size, const BFloat16* x, const float* w,
                 const ConvEpilogue<BFloat16>& epilogue, BFloat16* y);

// dx[n, i, j, c] = bias[c] + shift[n, c] + residual[n, i, j, c] + sum of w[o, a, b, c] dy[n, k, l,
// o] over all o and taps (a, b) through which y[n, k, l, o] reads x[n, i, j, c]: the transposed
// convolution.
void ConvInputGradient(const ConvSize& size, const float* dy, const float* w,
                       const ConvEpilogue<float>& epilogue, float* dx);
void ConvInputGradient(const ConvSize& size, const double* dy, const double* w,
                       const ConvEpilogue<double>& epilogue, double* dx);
// Of bf16 images, as ConvForward.
void ConvInputGradient(const ConvSize& size, const BFloat16* dy, const float* w,
                       const ConvEpilogue<BFloat16>& epilogue, BFloat16* dx);

// dw[o, a, b, c] = sum over n, i, j of dy[n, i, j, o] times the element of x it meets.
void ConvWeightGradient(const ConvSize& size, const float* x, const float* dy, float* dw);
void ConvWeightGradient(const ConvSize& size, const double* x, const double* dy, double* dw);
// Of bf16 images; products and sums are f32.
void ConvWeightGradient(const ConvSize& size, const BFloat16* x, const BFloat16* dy, float* dw);

// sums[channels] = the sums of images [pixels, channels] over all pixels: the bias' gradient.
void ConvBiasGradient(int64_t pixels, int64_t channels, const float* dy, float* sums);
void ConvBiasGradient(int64_t pixels, int64_t channels, const double* dy, double* sums);
void ConvBiasGradient(int64_t pixels, int64_t channels, const BFloat16* dy, float* sums);

// sums[batch, channels] = the sums of dy [batch, pixels, channels] over each image's own pixels:
// the gradient of what was added to all pixels of an image alike. The bias' gradient is the sum of
// these over the images, ConvBiasGradient(batch, channels, sums, ...), without another pass over
// dy.
void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const float* dy,
                       float* sums);
void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const double* dy,
                       double* sums);
void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const BFloat16* dy,
                       float* sums);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_H_
