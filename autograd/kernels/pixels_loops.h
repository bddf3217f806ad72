// The loops of pixels.h, written so that gcc vectorises them for whatever instruction set the
// including file is compiled for. Products and sums are rounded one by one, so the result does not
// depend on the vectors.
//
// Included by pixels.cc and by the files of each instruction set: everything is in an anonymous
// namespace.
#ifndef AUTOGRAD_KERNELS_PIXELS_LOOPS_H_
#define AUTOGRAD_KERNELS_PIXELS_LOOPS_H_

#include <stdint.h>

#include "autograd/kernels/bf16_scalar.h"
#include "autograd/kernels/pixels.h"

namespace autograd::kernels {
namespace {

// sums[c] of `channels` channels, `first` channels into each pixel.
template <class T>
void AddWeighted(const T* const* x, const ComputeType<T>* weights, int64_t count, int64_t first,
                 int64_t channels, ComputeType<T>* __restrict__ sums) {
  const T* __restrict__ start = x[0] + first;
  for (int64_t c = 0; c < channels; ++c) sums[c] = weights[0] * Widen(start[c]);
  for (int64_t t = 1; t < count; ++t) {
    const T* __restrict__ term = x[t] + first;
    const ComputeType<T> weight = weights[t];
    for (int64_t c = 0; c < channels; ++c) sums[c] += weight * Widen(term[c]);
  }
}

template <class T>
void WeightedSum(const T* const* x, const ComputeType<T>* weights, int64_t count, int64_t channels,
                 T* __restrict__ y) {
  if (count == 0) {
    for (int64_t c = 0; c < channels; ++c) y[c] = T{};
    return;
  }
  if constexpr (kIsBf16<T>) {
    constexpr int64_t kBlock = 512;
    float sums[kBlock];
    for (int64_t first = 0; first < channels; first += kBlock) {
      const int64_t size = channels - first < kBlock ? channels - first : kBlock;
      AddWeighted(x, weights, count, first, size, sums);
      for (int64_t c = 0; c < size; ++c) y[first + c] = Narrow<T>(sums[c]);
    }
  } else {
    AddWeighted(x, weights, count, 0, channels, y);
  }
}

template <class T>
void TakeLarger(const T* __restrict__ x, int32_t position, int64_t channels, T* __restrict__ best,
                int32_t* __restrict__ at) {
  for (int64_t c = 0; c < channels; ++c) {
    const ComputeType<T> candidate = Widen(x[c]), current = Widen(best[c]);
    // Not <=: a comparison with NaN is false. The second part keeps the first NaN.
    const bool larger = !(candidate <= current) & (current == current);
    best[c] = larger ? x[c] : best[c];
    at[c] = larger ? position : at[c];
  }
}

template <class T>
void Scatter(const T* x, const int32_t* at, int64_t channels, int64_t stride, ComputeType<T>* y) {
  for (int64_t c = 0; c < channels; ++c) y[at[c] * stride + c] += Widen(x[c]);
}

template <class T>
constexpr PixelKernels<T> MakePixelKernels() {
  return {WeightedSum<T>, TakeLarger<T>, Scatter<T>};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_PIXELS_LOOPS_H_
