// What each instruction set provides to conv_winograd.cc: the transforms of tiles and weights, one
// tile or one row of channels at a time. Internal to conv_winograd.
//
// Channels are the vectors' lanes, and an element of a transformed tile is found at its place times
// a stride, so that products can run over many tiles of the same place.
#ifndef AUTOGRAD_KERNELS_CONV_WINOGRAD_KERNELS_H_
#define AUTOGRAD_KERNELS_CONV_WINOGRAD_KERNELS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

inline constexpr int kWinogradResult = 4;  // pixels of a tile of the result, a side
inline constexpr int kWinogradKernel = 3;
inline constexpr int kWinogradSource = kWinogradResult + kWinogradKernel - 1;
inline constexpr int kWinogradPlaces = kWinogradSource * kWinogradSource;
inline constexpr int kWinogradPixels = kWinogradResult * kWinogradResult;
inline constexpr int kWinogradTaps = kWinogradKernel * kWinogradKernel;

// Where a tile of the result goes: the first `rows` x `columns` pixels of it.
template <class Image>
struct WinogradResult {
  const float* offset;    // [channels], added to every pixel, or null
  const Image* residual;  // added to y, which it lies like, or null
  Image* y;
  int64_t row_stride, pixel_stride;
  int64_t rows, columns;
};

template <class Image>
struct WinogradImageKernels {
  // to[place * stride + c], c < channels rounded up to whole vectors, from pixels[row * 6 + column]
  // [c], c < channels: B' d B.
  void (*source)(const Image* const* pixels, int64_t channels, float* to, int64_t stride);
  // A' m A of m[place * stride + c], and what else `to` says.
  void (*result)(const float* m, int64_t stride, int64_t channels, const WinogradResult<Image>& to);
  // The transpose of `result`'s sum, A y A', of pixels[row * 4 + column][c]; layout as `source`.
  void (*gradient)(const Image* const* pixels, int64_t channels, float* to, int64_t stride);
};

struct WinogradKernels {
  int lanes;
  WinogradImageKernels<float> f32;
  WinogradImageKernels<BFloat16> bf16;
  // to[place * stride + c], c < channels, whole vectors of them, from taps[row * 3 + column][c]:
  // G g G'.
  void (*weights)(const float* const* taps, int64_t channels, float* to, int64_t stride);
  // Its transpose, G' m G, of m[place * stride + c] to taps[row * 3 + column][c].
  void (*weights_transpose)(const float* m, int64_t stride, int64_t channels, float* const* taps);
};

// The table of ActiveIsa(), null if it has none.
const WinogradKernels* ActiveWinogradKernels();

extern const WinogradKernels kWinogradAvx2;
extern const WinogradKernels kWinogradAvx512;
extern const WinogradKernels kWinogradAvx512Bf16;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_WINOGRAD_KERNELS_H_
