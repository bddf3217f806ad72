// What each instruction set provides to conv_direct.cc: the inner loops of convolutions, which read
// images where they are. Internal to conv_direct.
//
// Image is the type of the images, Source that in which rows of them are multiplied:
// - <float, float>;
// - <float, BFloat16>: bf16 widened to f32 when rows are copied, for processors without products of
//   bf16;
// - <BFloat16, BFloat16>: the processor multiplies bf16.
// Weights are float and become Source when they are packed; sums, biases and shifts are float.
#ifndef AUTOGRAD_KERNELS_CONV_KERNELS_H_
#define AUTOGRAD_KERNELS_CONV_KERNELS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// Some rows of an image of sums: element (i, j, o) is
//   bias[o] + residual(i, j, o) +
//     sum over taps t and channels c of x[i row + j pixel + tap_offsets[t] + c] w(t, c, o).
// All elements that are read exist: borders have been copied around x where it has none, and so
// have zeros beyond the channels of a pixel, up to row_channels.
template <class Source, class Image>
struct DirectBlock {
  int64_t rows, width, outputs;
  const Source* x;
  int64_t x_row_stride, x_pixel_stride;
  int64_t taps, channels;
  const int64_t* tap_offsets;
  // For `direct`, panel q holds outputs [q cols, (q + 1) cols), tap after tap, each as `pack` wrote
  // it; for `dot`, [outputs, taps, channels rounded up to channel_unit].
  const Source* w;
  const float* bias;      // or null
  const Image* residual;  // added to y, which it lies like, or null
  Image* y;
  int64_t y_row_stride, y_pixel_stride;
};

template <class Source, class Image>
struct DirectKernels {
  // How the work of `direct` and `dot` is counted: outputs in a vector, channels that one
  // multiply-add of `direct` and of `dot` adds up.
  int lanes, depth, dot_lanes;
  int cols;          // outputs in a panel
  int channel_unit;  // packed weights have zeros up to a multiple of this many channels
  // Elements of Source that the channels of a pixel (of one group) take where rows are copied.
  int64_t (*row_channels)(int64_t channels);
  // Rows of images of this width are computed fastest this many at a time.
  int64_t (*rows_at_a_time)(int64_t width);
  // Called by a thread before its first block and after its last one of a pass, where not null.
  void (*begin)();
  void (*end)();
  // Copies `count` runs of `channels` elements that lie next to each other to runs of `to_channels`
  // elements, the rest of them zeros.
  void (*copy)(int64_t count, int64_t channels, const Image* from, int64_t to_channels, Source* to);
  // One tap of a panel from w[c channel_stride + o output_stride], o < outputs <= cols: cols times
  // `channels` rounded up to channel_unit elements, in an order that is the table's own, zeros
  // where there are no outputs or channels.
  void (*pack)(int64_t channels, int64_t outputs, const float* w, int64_t channel_stride,
               int64_t output_stride, Source* to);
  void (*direct)(const DirectBlock<Source, Image>& block);
  void (*dot)(const DirectBlock<Source, Image>& block);  // for few outputs
};

using ConvF32Kernels = DirectKernels<float, float>;
using ConvWidenedKernels = DirectKernels<float, BFloat16>;
using ConvBf16Kernels = DirectKernels<BFloat16, BFloat16>;

// dw[a, b] = the sum over rows i and pixels j of left[i row + j pixel + a] right[i row + j pixel +
// b], or is that much larger.
struct OuterBlock {
  int64_t rows, width;
  const float* left;
  int64_t left_row_stride, left_pixel_stride, left_channels;
  const float* right;
  int64_t right_row_stride, right_pixel_stride, right_channels;
  float* dw;
  int64_t dw_row_stride;
  bool adds;  // to dw
};

// The kernels that multiply in f32.
struct ConvKernels {
  int lanes;
  void (*outer)(const OuterBlock& block);
  ConvF32Kernels f32;
  ConvWidenedKernels widened;
};

// The tables of ActiveIsa(), null if it has none.
const ConvKernels* ActiveConvKernels();
const ConvBf16Kernels* ActiveConvBf16Kernels();

extern const ConvKernels kConvAvx2;
extern const ConvKernels kConvAvx512;
extern const ConvBf16Kernels kConvAvx512Bf16;
extern const ConvBf16Kernels kConvAmx;
extern const ConvBf16Kernels kConvAmxEmulated;  // linked into tests only

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_KERNELS_H_
