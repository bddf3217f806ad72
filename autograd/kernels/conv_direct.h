// Convolutions in f32 and bf16 that read images where they are, for AVX2 and later.
//
// An element of y is a sum over taps, each of which reads x at a fixed distance from the element's
// own place. So no matrix of patches is made: some pixels of a row of y times some output channels
// stay in registers while taps and channels run over packed weights (conv_tile.h). Where windows
// reach over a border, rows of x with zeros around them are copied into a buffer just before they
// are used.
//
// The input's gradient is the same computation on dy: an element of dx that lies at remainder r of
// the stride reads dy through those taps a for which r + padding - a dilation is a multiple of the
// stride, again at fixed distances. So it takes one pass over dy for each remainder: one for a
// stride of 1, four for a stride of 2, which together do no more work than a stride of 1 would.
//
// The weights' gradient adds up outer products of the channels of dy with those of x, each tap over
// the rows and columns where it is inside of x (conv_outer_tile.h), in a fixed number of runs of
// rows whose shares are added up in order.
//
// conv.h states what the functions compute.
#ifndef AUTOGRAD_KERNELS_CONV_DIRECT_H_
#define AUTOGRAD_KERNELS_CONV_DIRECT_H_

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

template <class Source, class Image>
void DirectForward(const DirectKernels<Source, Image>& kernels, const ConvSize& size,
                   const Image* x, const float* w, const ConvEpilogue<Image>& epilogue, Image* y);
template <class Source, class Image>
void DirectInputGradient(const DirectKernels<Source, Image>& kernels, const ConvSize& size,
                         const Image* dy, const float* w, const ConvEpilogue<Image>& epilogue,
                         Image* dx);
void DirectWeightGradient(const ConvKernels& kernels, const ConvSize& size, const float* x,
                          const float* dy, float* dw);
// The same sums in f32 of images in bf16.
void DirectWeightGradient(const ConvKernels& kernels, const ConvSize& size, const BFloat16* x,
                          const BFloat16* dy, float* dw);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_DIRECT_H_
