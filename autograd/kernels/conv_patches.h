// Convolutions of any kind by way of patches: the part of x that an element of y reads is copied
// into a row of a matrix, and the matrix multiplied with the weights (gemm.h). A cacheful of rows
// is made at a time, by each thread for itself, so memory does not grow with the images.
//
// conv.h states what the functions compute.
#ifndef AUTOGRAD_KERNELS_CONV_PATCHES_H_
#define AUTOGRAD_KERNELS_CONV_PATCHES_H_

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

// For float and double.
template <class T>
void PatchesForward(const ConvSize& size, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y);
template <class T>
void PatchesInputGradient(const ConvSize& size, const T* dy, const T* w,
                          const ConvEpilogue<T>& epilogue, T* dx);
template <class T>
void PatchesWeightGradient(const ConvSize& size, const T* x, const T* dy, T* dw);
// The same in f32, of images widened some at a time.
void PatchesForward(const ConvSize& size, const BFloat16* x, const float* w,
                    const ConvEpilogue<BFloat16>& epilogue, BFloat16* y);
void PatchesInputGradient(const ConvSize& size, const BFloat16* dy, const float* w,
                          const ConvEpilogue<BFloat16>& epilogue, BFloat16* dx);
void PatchesWeightGradient(const ConvSize& size, const BFloat16* x, const BFloat16* dy, float* dw);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PATCHES_H_
