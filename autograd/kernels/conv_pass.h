// One pass over images: sums of taps at fixed distances, what DirectForward is and what
// DirectInputGradient is made of. Internal to conv_direct.
#ifndef AUTOGRAD_KERNELS_CONV_PASS_H_
#define AUTOGRAD_KERNELS_CONV_PASS_H_

#include <cstdint>

#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

// For each image, element (i, j) of `rows` x `columns` and each output o of each group:
//   to[to_offset + i to_row_stride + j to_pixel_stride + o] = epilogue of the sum over taps t and channels c of
//     source[i row_step + tap_offsets[2 t], j column_step + tap_offsets[2 t + 1], c] w[t, c, o]
// where the source is zero outside its borders.
template <class Source, class Image>
struct ConvPass {
  int64_t batch, groups;
  const Image* source;  // [batch, source_height, source_width, groups source_channels], dense
  int64_t source_height, source_width, source_channels;
  int64_t rows, columns, row_step, column_step;
  int64_t taps;
  const int64_t* tap_offsets;
  const Source* w;  // group after group, each as DirectBlock says
  int64_t group_weights;
  bool dots;        // by DirectKernels::dot
  int64_t outputs;  // of a group
  Image* to;
  int64_t to_offset, to_image_stride, to_row_stride, to_pixel_stride;
  ConvEpilogue<Image> epilogue;
};

template <class Source, class Image>
void RunConvPass(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& pass);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PASS_H_
