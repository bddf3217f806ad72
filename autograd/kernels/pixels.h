// Loops over the channels of pixels, for resampling and pooling of images kept as [..., height,
// width, channels].
//
// Example:
//   const kernels::PixelKernels<float>& pixels = kernels::GetPixelKernels<float>();
//   std::vector<float> a = {1, 2}, b = {3, 1}, mean(2);
//   const float* both[] = {a.data(), b.data()};
//   const float weights[] = {0.5f, 0.5f};
//   pixels.weighted_sum(both, weights, 2, 2, mean.data());
//   std::vector<float> best = a;
//   std::vector<int32_t> where = {0, 0};
//   pixels.take_larger(b.data(), 1, 2, best.data(), where.data());
//   std::cout << mean[0] << " " << best[0] << " " << where[1] << "\n";  // 2 3 0
#ifndef AUTOGRAD_KERNELS_PIXELS_H_
#define AUTOGRAD_KERNELS_PIXELS_H_

#include <stdint.h>

#include "autograd/kernels/compute_type.h"

namespace autograd::kernels {

template <class T>
struct PixelKernels {
  using P = ComputeType<T>;

  // y[c] = sum over t of weights[t] x[t][c], added in this order (bf16 in f32, rounded once); 0 for
  // count == 0. y overlaps no x.
  void (*weighted_sum)(const T* const* x, const P* weights, int64_t count, int64_t channels, T* y);
  // Where x[c] is larger than best[c], or the first NaN, best[c] = x[c] and at[c] = position.
  void (*take_larger)(const T* x, int32_t position, int64_t channels, T* best, int32_t* at);
  // y[at[c] * stride + c] += x[c].
  void (*scatter)(const T* x, const int32_t* at, int64_t channels, int64_t stride, P* y);
};

// For T = float, double and BFloat16. The same bits on every instruction set.
template <class T>
const PixelKernels<T>& GetPixelKernels();

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_PIXELS_H_
