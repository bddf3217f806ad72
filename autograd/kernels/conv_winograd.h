// Convolutions of 3x3 kernels, stride 1, by Winograd's minimal filtering, for AVX2 and later.
//
// A tile of 4x4 pixels of the result is a sum over channels of 6x6 products of transformed pixels
// and transformed weights, where the definition takes 4x4x9:
//
//   y = A' [ sum over c of (G g G') * (B' d B) ] A
//
// with * element by element, d the 6x6 pixels under the tile, and the small constant matrices of
// conv_winograd_transform.h (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
// 2015, section 4). So a pass transforms some tiles, multiplies for each of the 36 places a matrix
// [tiles, channels] by one [channels, outputs] with the loops of conv_direct.h, and transforms the
// sums into pixels, which get bias, shift and residual on the way. The input's gradient is the same
// of dy with the kernel turned by half; the weights' is the sum's transpose,
//
//   dw = G' [ sum over tiles of (A dy A') * (B' d B) ] G.
//
// Images are f32, or bf16 that is widened where it is read; all arithmetic is f32. Errors are in
// proportion to what the transforms add up: of independent numbers two or three times those of the
// definition's sums, more where neighbours are alike. Where d has a NaN, an infinity or numbers
// beyond 1e37, all pixels of the tile may become NaN.
//
// conv.h states what the functions compute.
#ifndef AUTOGRAD_KERNELS_CONV_WINOGRAD_H_
#define AUTOGRAD_KERNELS_CONV_WINOGRAD_H_

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_size.h"
#include "autograd/kernels/conv_winograd_kernels.h"

namespace autograd::kernels {

// The kernels of an instruction set, and how many multiply-adds of a lane the way without tiles
// does at once: 2 where the processor multiplies pairs of bf16.
struct Winograd {
  const WinogradKernels& transforms;
  const ConvKernels& products;
  int direct_depth;
};

// Whether tiles are less work than the definition: not for kernels that are not 3x3, strides,
// dilation, groups, more padding than 2, few channels, images that fill their tiles badly, and more
// weights than caches like. For the first two by the size of an image and its channels alone.
bool PrefersWinogradForward(const Winograd& winograd, const ConvSize& size);
bool PrefersWinogradInputGradient(const Winograd& winograd, const ConvSize& size);
bool PrefersWinogradWeightGradient(const Winograd& winograd, const ConvSize& size);

// For sizes for which the function above says so.
template <class Image>
void WinogradForward(const Winograd& winograd, const ConvSize& size, const Image* x, const float* w,
                     const ConvEpilogue<Image>& epilogue, Image* y);
template <class Image>
void WinogradInputGradient(const Winograd& winograd, const ConvSize& size, const Image* dy,
                           const float* w, const ConvEpilogue<Image>& epilogue, Image* dx);
template <class Image>
void WinogradWeightGradient(const Winograd& winograd, const ConvSize& size, const Image* x,
                            const Image* dy, float* dw);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_WINOGRAD_H_
