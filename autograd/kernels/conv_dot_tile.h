// The inner loops of convolutions with very few output channels, as templates on a policy of
// conv_math.h. Vectors hold channels of x here, since vectors of output channels would be nearly
// empty: a tile of some pixels and one output channel multiplies them with the weights of each tap,
// and adds the lanes up at the end.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_DOT_TILE_H_
#define AUTOGRAD_KERNELS_CONV_DOT_TILE_H_

#include <stdint.h>

#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_math.h"

namespace autograd::kernels {
namespace {

// From the tile's first elements: y of kPixels pixels.
template <class Math, class Image, int kPixels>
void RunDotTile(const DirectBlock<typename Math::Source, Image>& b,
                const typename Math::Source* first, const typename Math::Source* w, float bias,
                const Image* residual, Image* y) {
  using V = typename Math::V;
  using Io = ImageIo<V>;
  constexpr int kDepth = Math::kDepth, kRow = V::kLanes * kDepth;
  const int64_t channels = (b.channels + kDepth - 1) / kDepth * kDepth;
  typename V::Vec sum[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) sum[i] = V::Zero();
  for (int64_t tap = 0; tap < b.taps; ++tap, w += channels) {
    const auto* x = first + b.tap_offsets[tap];
    int64_t c = 0;
    for (; c + kRow <= channels; c += kRow) {
      const auto weights = Math::LoadRow(w + c);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        sum[i] = Math::MulAdd(Math::LoadRow(x + i * b.x_pixel_stride + c), weights, sum[i]);
      }
    }
    if (const int64_t rest = channels - c; rest > 0) {
      const auto weights = Math::LoadRowPartial(w + c, rest);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        sum[i] =
            Math::MulAdd(Math::LoadRowPartial(x + i * b.x_pixel_stride + c, rest), weights, sum[i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    const int64_t at = i * b.y_pixel_stride;
    const float value = V::ReduceAdd(sum[i]) + bias;
    Io::StoreOne(y + at, residual == nullptr ? value : value + Io::LoadOne(residual + at));
  }
}

template <class Source, class Image>
using DotFunction = void (*)(const DirectBlock<Source, Image>& b, const Source* first,
                             const Source* w, float bias, const Image* residual, Image* y);

// RunDotTile for i + 1 pixels at [i].
template <class Math, class Image, int kMaxPixels>
struct DotTable {
  DotFunction<typename Math::Source, Image> run[kMaxPixels];

  template <int kPixels = 1>
  constexpr void Fill() {
    run[kPixels - 1] = &RunDotTile<Math, Image, kPixels>;
    if constexpr (kPixels < kMaxPixels) Fill<kPixels + 1>();
  }
  constexpr DotTable() : run() { Fill(); }
};

// DirectKernels::dot.
template <class Math, class Image, int kMaxPixels>
void Dot(const DirectBlock<typename Math::Source, Image>& b) {
  static constexpr DotTable<Math, Image, kMaxPixels> kTable{};
  constexpr int kDepth = Math::kDepth;
  const int64_t depth = b.taps * ((b.channels + kDepth - 1) / kDepth) * kDepth;
  const int64_t tiles = (b.width + kMaxPixels - 1) / kMaxPixels;
  const int64_t pixels = tiles == 0 ? 0 : (b.width + tiles - 1) / tiles;
  for (int64_t i = 0; i < b.rows; ++i) {
    for (int64_t j = 0; j < b.width; j += pixels) {
      const int64_t count = b.width - j < pixels ? b.width - j : pixels;
      const auto* x = b.x + i * b.x_row_stride + j * b.x_pixel_stride;
      const int64_t at = i * b.y_row_stride + j * b.y_pixel_stride;
      for (int64_t o = 0; o < b.outputs; ++o) {
        kTable.run[count - 1](b, x, b.w + o * depth, b.bias == nullptr ? 0.0f : b.bias[o],
                              b.residual == nullptr ? nullptr : b.residual + at + o, b.y + at + o);
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_DOT_TILE_H_
