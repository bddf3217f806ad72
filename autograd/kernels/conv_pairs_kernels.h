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

// dw[a, b] = the sum over images, rows, pairs m and their pixels i of left[.., m, a, i]
// right[.., m, b, i], or is that much larger. Strides are in pairs, pitches in channels. Pairs
// between `pairs` and row_stride may be added too, since left has zeros there, and after the last
// row up to 16 more.
struct PairsBlock {
  int64_t images, rows, pairs;
  int64_t row_stride;
  const uint32_t* left;
  int64_t left_image_stride, left_pitch, left_channels;
  const uint32_t* right;
  int64_t right_image_stride, right_pitch, right_channels;
  float* dw;
  int64_t dw_row_stride;
  bool adds;  // to dw
};

struct ConvPairsKernels {
  void (*pack)(const PairsRow& row);
  void (*outer)(const PairsBlock& block);
  // Where not null, dy is always the left operand, in the order in which this writes packed rows
  // [images, pairs, pitch]: output o, a multiple of kPairChannels, starts at element o images P,
  // where P is `pairs` filled up with zeros to a multiple of 16. Blocks then have all rows of dy.
  void (*arrange)(int64_t images, int64_t pairs, int64_t pitch, const uint32_t* packed,
                  uint32_t* to);
  // With `arrange`: so many outputs of so many pairs of dy stay in the first-level cache while all
  // taps and channels pass by.
  int64_t near_outputs, near_pairs;
  // Called by a thread before its first block and after its last one of a gradient, where not null.
  void (*begin)();
  void (*end)();
};

// The table of ActiveIsa(), null if it has none.
const ConvPairsKernels* ActiveConvPairsKernels();

extern const ConvPairsKernels kConvPairsAvx512Bf16;
extern const ConvPairsKernels kConvPairsAmx;
extern const ConvPairsKernels kConvPairsAmxEmulated;  // linked into tests only

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PAIRS_KERNELS_H_
