// What an instruction set with dot products of pairs of bf16 provides to conv_pairs.cc. Internal to
// conv_pairs.
#ifndef AUTOGRAD_KERNELS_CONV_PAIRS_KERNELS_H_
#define AUTOGRAD_KERNELS_CONV_PAIRS_KERNELS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// Channels of a packed pixel are filled up with zeros to a multiple of this: 64 bytes of pairs.
static constexpr int64_t kPairChannels = 16;

// A row of pixels that is copied as pairs: `lead` zeros, `count` pixels, and zeros up to 2 pairs
// pixels. Element (m, c, i) of the copy [pairs, pitch, 2] is channel c of pixel 2 m + i.
struct PairsRow {
  int64_t pairs, lead, count;
  const BFloat16* pixels;  // the first of `count`
  int64_t pixel_stride, channels;
  int64_t pitch;  // channels of the copy, a multiple of kPairChannels
  uint32_t* to;   // one element for each pair
};

// dw[a, b] += the sum over images, rows, pairs m and their pixels i of left[.., m, a, i]
// right[.., m, b, i]. Strides are in pairs, pitches in channels.
struct PairsBlock {
  int64_t images, rows, pairs;
  int64_t row_stride;
  const uint32_t* left;
  int64_t left_image_stride, left_pitch, left_channels;
  const uint32_t* right;
  int64_t right_image_stride, right_pitch, right_channels;
  float* dw;
  int64_t dw_row_stride;
};

struct ConvPairsKernels {
  void (*pack)(const PairsRow& row);
  void (*outer)(const PairsBlock& block);
};

// The table of ActiveIsa(), null if it has none.
const ConvPairsKernels* ActiveConvPairsKernels();

extern const ConvPairsKernels kConvPairsAvx512Bf16;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PAIRS_KERNELS_H_
