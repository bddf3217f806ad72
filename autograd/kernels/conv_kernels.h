// What each instruction set provides to conv_direct.cc: the inner loops of convolutions in f32,
// which read images where they are. Internal to conv_direct.
#ifndef AUTOGRAD_KERNELS_CONV_KERNELS_H_
#define AUTOGRAD_KERNELS_CONV_KERNELS_H_

#include <stdint.h>

namespace autograd::kernels {

// Some rows of an image of sums: element (i, j, o) is
//   bias[o] + sum over taps t and channels c of x[i row + j pixel + tap_offsets[t] + c] w[t, c, o].
// All elements that are read exist: borders have been copied around x where it has none.
struct DirectBlock {
  int64_t rows, width, outputs;
  const float* x;
  int64_t x_row_stride, x_pixel_stride;
  int64_t taps, channels;
  const int64_t* tap_offsets;
  // For `direct`, panel q holds outputs [q cols, (q + 1) cols) as [taps, channels, cols], the last
  // one padded with zeros; for `dot`, [outputs, taps, channels].
  const float* w;
  const float* bias;      // or null
  const float* residual;  // added to y, which it lies like, or null
  float* y;
  int64_t y_row_stride, y_pixel_stride;
};

// dw[a, b] += the sum over rows i and pixels j of left[i row + j pixel + a] right[i row + j pixel +
// b].
struct OuterBlock {
  int64_t rows, width;
  const float* left;
  int64_t left_row_stride, left_pixel_stride, left_channels;
  const float* right;
  int64_t right_row_stride, right_pixel_stride, right_channels;
  float* dw;
  int64_t dw_row_stride;
};

struct ConvKernels {
  int lanes;
  int cols;  // outputs in a panel; gemm_kernels.h packs them
  // Rows of images of this width are computed fastest this many at a time.
  int64_t (*rows_at_a_time)(int64_t width);
  void (*direct)(const DirectBlock& block);
  void (*dot)(const DirectBlock& block);  // for few outputs
  void (*outer)(const OuterBlock& block);
};

// The table of ActiveIsa(), null if it has none.
const ConvKernels* ActiveConvKernels();

extern const ConvKernels kConvAvx2;
extern const ConvKernels kConvAvx512;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_KERNELS_H_
