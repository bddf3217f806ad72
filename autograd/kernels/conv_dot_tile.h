// The inner loops of convolutions with very few output channels, as templates on a vector type.
// Vectors hold channels of x here, since vectors of output channels would be nearly empty: a tile
// of some pixels and one output channel multiplies them with the weights of each tap, and adds the
// lanes up at the end.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_DOT_TILE_H_
#define AUTOGRAD_KERNELS_CONV_DOT_TILE_H_

#include <stdint.h>

#include "autograd/kernels/conv_kernels.h"

namespace autograd::kernels {
namespace {

// From the tile's first elements: y of kPixels pixels.
template <class V, int kPixels>
void RunDotTile(const DirectBlock& b, const float* first, const float* w, float bias,
                const float* residual, float* y) {
  typename V::Vec sum[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) sum[i] = V::Zero();
  for (int64_t tap = 0; tap < b.taps; ++tap, w += b.channels) {
    const float* x = first + b.tap_offsets[tap];
    int64_t c = 0;
    for (; c + V::kLanes <= b.channels; c += V::kLanes) {
      const auto weights = V::Load(w + c);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        sum[i] = V::Fma(V::Load(x + i * b.x_pixel_stride + c), weights, sum[i]);
      }
    }
    if (const int64_t rest = b.channels - c; rest > 0) {
      const auto weights = V::LoadPartial(w + c, rest);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        sum[i] = V::Fma(V::LoadPartial(x + i * b.x_pixel_stride + c, rest), weights, sum[i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    const int64_t at = i * b.y_pixel_stride;
    const float value = V::ReduceAdd(sum[i]) + bias;
    y[at] = residual == nullptr ? value : value + residual[at];
  }
}

using DotFunction = void (*)(const DirectBlock& b, const float* first, const float* w, float bias,
                             const float* residual, float* y);

// RunDotTile for i + 1 pixels at [i].
template <class V, int kMaxPixels>
struct DotTable {
  DotFunction run[kMaxPixels];

  template <int kPixels = 1>
  constexpr void Fill() {
    run[kPixels - 1] = &RunDotTile<V, kPixels>;
    if constexpr (kPixels < kMaxPixels) Fill<kPixels + 1>();
  }
  constexpr DotTable() : run() { Fill(); }
};

// ConvKernels::dot.
template <class V, int kMaxPixels>
void Dot(const DirectBlock& b) {
  static constexpr DotTable<V, kMaxPixels> kTable{};
  const int64_t tiles = (b.width + kMaxPixels - 1) / kMaxPixels;
  const int64_t pixels = tiles == 0 ? 0 : (b.width + tiles - 1) / tiles;
  for (int64_t i = 0; i < b.rows; ++i) {
    for (int64_t j = 0; j < b.width; j += pixels) {
      const int64_t count = b.width - j < pixels ? b.width - j : pixels;
      const float* x = b.x + i * b.x_row_stride + j * b.x_pixel_stride;
      const int64_t at = i * b.y_row_stride + j * b.y_pixel_stride;
      for (int64_t o = 0; o < b.outputs; ++o) {
        kTable.run[count - 1](b, x, b.w + o * b.taps * b.channels,
                              b.bias == nullptr ? 0.0f : b.bias[o],
                              b.residual == nullptr ? nullptr : b.residual + at + o, b.y + at + o);
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_DOT_TILE_H_
