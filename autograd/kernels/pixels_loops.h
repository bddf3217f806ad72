// The loops of pixels.h, written so that gcc vectorises them for whatever instruction set the
// including file is compiled for. Products and sums are rounded one by one, so the result does not
// depend on the vectors.
//
// Included by pixels.cc and by the files of each instruction set: everything is in an anonymous
// namespace.
#ifndef AUTOGRAD_KERNELS_PIXELS_LOOPS_H_
#define AUTOGRAD_KERNELS_PIXELS_LOOPS_H_

#include <stdint.h>

#include "autograd/kernels/pixels.h"

namespace autograd::kernels {
namespace {

template <class T>
void WeightedSum(const T* const* x, const T* weights, int64_t count, int64_t channels,
                 T* __restrict__ y) {
  if (count == 0) {
    for (int64_t c = 0; c < channels; ++c) y[c] = 0;
    return;
  }
  const T* __restrict__ first = x[0];
  for (int64_t c = 0; c < channels; ++c) y[c] = weights[0] * first[c];
  for (int64_t t = 1; t < count; ++t) {
    const T* __restrict__ term = x[t];
    const T weight = weights[t];
    for (int64_t c = 0; c < channels; ++c) y[c] += weight * term[c];
  }
}

template <class T>
void TakeLarger(const T* __restrict__ x, int32_t position, int64_t channels, T* __restrict__ best,
                int32_t* __restrict__ at) {
  for (int64_t c = 0; c < channels; ++c) {
    // Not <=: a comparison with NaN is false. The second part keeps the first NaN.
    const bool larger = !(x[c] <= best[c]) & (best[c] == best[c]);
    best[c] = larger ? x[c] : best[c];
    at[c] = larger ? position : at[c];
  }
}

template <class T>
void Scatter(const T* x, const int32_t* at, int64_t channels, int64_t stride, T* y) {
  for (int64_t c = 0; c < channels; ++c) y[at[c] * stride + c] += x[c];
}

template <class T>
constexpr PixelKernels<T> MakePixelKernels() {
  return {WeightedSum<T>, TakeLarger<T>, Scatter<T>};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_PIXELS_LOOPS_H_
