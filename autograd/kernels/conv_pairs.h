// The weights' gradient of a convolution of bf16 images, by dot products of pairs of pixels.
//
// The instructions for bf16 multiply pairs of neighbouring terms of a sum and add both products to
// one f32 sum. A weight's gradient is a sum over pixels, so pairs of pixels are wanted side by
// side, where the images have channels side by side. Some rows of dy and of x, a block that stays
// in the second-level cache, are therefore copied as pairs:
//
//   dy  [images, rows, pairs, channels, 2], rows filled up with zeros to an even width;
//   x   the same with its borders, so that every tap reads dy's pairs against those of x at a fixed
//       distance. A shift by an odd number of pixels would tear pairs apart: for taps at an odd
//       distance there is a second copy that starts one pixel later. Of a strided convolution each
//       tap reads every s-th row and column only; those of equal remainder form a copy.
//
// All taps then run over the block. Runs of blocks, whose sums are added up in order, go to
// different threads.
//
// Only for instruction sets that have such instructions (ActiveConvPairsKernels); sums of pairs and
// denormals are rounded as these do.
#ifndef AUTOGRAD_KERNELS_CONV_PAIRS_H_
#define AUTOGRAD_KERNELS_CONV_PAIRS_H_

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_pairs_kernels.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

// conv.h states what is computed. For size.groups == 1 and windows not far larger than the image.
void PairsWeightGradient(const ConvPairsKernels& kernels, const ConvSize& size, const BFloat16* x,
                         const BFloat16* dy, float* dw);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PAIRS_H_
