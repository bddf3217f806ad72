// The inner loops of convolutions, as templates on a policy of conv_math.h, which says how they
// multiply. A tile of some pixels x kVecs vectors of output channels stays in registers while all
// taps and channels run: each step loads kVecs vectors of weights and broadcasts one element, or a
// pair of them, of each pixel.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_TILE_H_
#define AUTOGRAD_KERNELS_CONV_TILE_H_

#include <stdint.h>

#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_math.h"

namespace autograd::kernels {
namespace {

// A tile's first elements, and how many outputs are real.
template <class Source, class Image>
struct DirectTile {
  const Source* x;
  const Source* w;
  const float* bias;
  const Image* residual;
  Image* y;
  int64_t cols;
};

// Which pointer reaches pixel i of a tile of kFirst pixels in one row of the image and kSecond in
// the next, and how many pixels further on it lies. Four pixels share a pointer: the addressing
// modes reach one and two strides, a register holds three.
template <int kFirst, int kSecond>
struct TilePixels {
  static constexpr int kCount = kFirst + kSecond;
  static constexpr int kFirstGroups = (kFirst + 3) / 4;
  static constexpr int kGroups = kFirstGroups + (kSecond + 3) / 4;
  static constexpr int Row(int i) { return i < kFirst ? 0 : 1; }
  static constexpr int Column(int i) { return i < kFirst ? i : i - kFirst; }
  static constexpr int Group(int i) { return Row(i) * kFirstGroups + Column(i) / 4; }
};

// One step of the sums: kDepth channels from `at` on of every pixel.
template <class Math, class Pixels, int kVecs>
[[gnu::always_inline]] inline void AddChannels(
    const typename Math::Source* const (&x)[Pixels::kGroups], int64_t stride, int64_t stride3,
    int64_t at, const typename Math::Source* w,
    typename Math::V::Vec (&sum)[Pixels::kCount * kVecs]) {
  constexpr int kRow = Math::V::kLanes * Math::kDepth;
  typename Math::Row row[kVecs];
#pragma GCC unroll 4
  for (int v = 0; v < kVecs; ++v) row[v] = Math::LoadRow(w + v * kRow);
#pragma GCC unroll 16
  for (int i = 0; i < Pixels::kCount; ++i) {
    const auto* pixel = x[Pixels::Group(i)] + at;
    const int j = Pixels::Column(i) % 4;
    const auto factor = Math::Broadcast(j == 0   ? pixel
                                        : j == 1 ? pixel + stride
                                        : j == 2 ? pixel + 2 * stride
                                                 : pixel + stride3);
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) {
      sum[i * kVecs + v] = Math::MulAdd(factor, row[v], sum[i * kVecs + v]);
    }
  }
}

// The way of the sums to y.
template <class V, class Pixels, int kVecs, class Source, class Image>
[[gnu::always_inline]] inline void FinishTile(const DirectBlock<Source, Image>& b,
                                              const DirectTile<Source, Image>& t,
                                              typename V::Vec (&sum)[Pixels::kCount * kVecs]) {
  using Io = ImageIo<V>;
#pragma GCC unroll 4
  for (int v = 0; v < kVecs; ++v) {
    const int64_t cols = t.cols - v * V::kLanes;
    const bool whole = cols >= V::kLanes;
    auto bias = V::Zero();
    if (t.bias != nullptr) {
      const float* from = t.bias + v * V::kLanes;
      bias = whole ? V::Load(from) : V::LoadPartial(from, cols);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Pixels::kCount; ++i) {
      const int64_t at =
          Pixels::Row(i) * b.y_row_stride + Pixels::Column(i) * b.y_pixel_stride + v * V::kLanes;
      auto y = sum[i * kVecs + v] + bias;
      if (t.residual != nullptr) {
        const Image* from = t.residual + at;
        y = y + (whole ? Io::Load(from) : Io::LoadPartial(from, cols));
      }
      if (whole) {
        Io::Store(t.y + at, y);
      } else {
        Io::StorePartial(t.y + at, y, cols);
      }
    }
  }
}

template <class Math, class Image, int kFirst, int kSecond, int kVecs, int kPanelVecs>
void RunDirectTile(const DirectBlock<typename Math::Source, Image>& b,
                   const DirectTile<typename Math::Source, Image>& t) {
  using V = typename Math::V;
  using Pixels = TilePixels<kFirst, kSecond>;
  constexpr int kDepth = Math::kDepth, kStep = kPanelVecs * V::kLanes * kDepth, kUnroll = 2;
  typename V::Vec sum[Pixels::kCount * kVecs];
#pragma GCC unroll 64
  for (int i = 0; i < Pixels::kCount * kVecs; ++i) sum[i] = V::Zero();
  const int64_t stride = b.x_pixel_stride, stride3 = 3 * stride;
  const auto* w = t.w;
  for (int64_t tap = 0; tap < b.taps; ++tap) {
    const typename Math::Source* x[Pixels::kGroups];
#pragma GCC unroll 16
    for (int i = 0; i < Pixels::kCount; ++i) {
      if (Pixels::Column(i) % 4 != 0) continue;
      x[Pixels::Group(i)] =
          t.x + b.tap_offsets[tap] + Pixels::Row(i) * b.x_row_stride + Pixels::Column(i) * stride;
    }
    int64_t left = (b.channels + kDepth - 1) / kDepth;
    for (; left >= kUnroll; left -= kUnroll) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnroll; ++u) {
        AddChannels<Math, Pixels, kVecs>(x, stride, stride3, u * kDepth, w + u * kStep, sum);
      }
#pragma GCC unroll 4
      for (int g = 0; g < Pixels::kGroups; ++g) x[g] += kUnroll * kDepth;
      w += kUnroll * kStep;
    }
    for (; left > 0; --left) {
      AddChannels<Math, Pixels, kVecs>(x, stride, stride3, 0, w, sum);
#pragma GCC unroll 4
      for (int g = 0; g < Pixels::kGroups; ++g) x[g] += kDepth;
      w += kStep;
    }
  }
  FinishTile<V, Pixels, kVecs>(b, t, sum);
}

template <class Source, class Image>
using DirectFunction = void (*)(const DirectBlock<Source, Image>& b,
                                const DirectTile<Source, Image>& t);

// RunDirectTile for i + 1 pixels of one row at one[i], and of each of two rows at two[i].
template <class Math, class Image, int kMaxPixels, int kVecs, int kPanelVecs>
struct DirectTable {
  DirectFunction<typename Math::Source, Image> one[kMaxPixels];
  DirectFunction<typename Math::Source, Image> two[kMaxPixels / 2];

  template <int kPixels = 1>
  constexpr void Fill() {
    one[kPixels - 1] = &RunDirectTile<Math, Image, kPixels, 0, kVecs, kPanelVecs>;
    if constexpr (kPixels <= kMaxPixels / 2) {
      two[kPixels - 1] = &RunDirectTile<Math, Image, kPixels, kPixels, kVecs, kPanelVecs>;
    }
    if constexpr (kPixels < kMaxPixels) Fill<kPixels + 1>();
  }
  constexpr DirectTable() : one(), two() { Fill(); }
};

// Images so narrow that two rows fit a tile go two rows at a time.
template <int kMaxPixels>
int64_t RowsAtATime(int64_t width) {
  return 2 * width <= kMaxPixels ? 2 : 1;
}

// DirectKernels::direct.
template <class Math, class Image, int kMaxPixels, int kVecs>
void Direct(const DirectBlock<typename Math::Source, Image>& b) {
  using V = typename Math::V;
  static constexpr DirectTable<Math, Image, kMaxPixels, kVecs, kVecs> kWhole{};
  static constexpr DirectTable<Math, Image, kMaxPixels, 1, kVecs> kNarrow{};
  constexpr int kCols = kVecs * V::kLanes, kDepth = Math::kDepth;
  const int64_t depth = b.taps * ((b.channels + kDepth - 1) / kDepth) * kDepth;
  // Tiles of about the same size: one of few pixels would leave the multipliers waiting.
  const int64_t tiles = (b.width + kMaxPixels - 1) / kMaxPixels;
  const int64_t pixels = tiles == 0 ? 0 : (b.width + tiles - 1) / tiles;
  const bool paired = RowsAtATime<kMaxPixels>(b.width) == 2;
  for (int64_t o = 0; o < b.outputs; o += kCols) {
    DirectTile<typename Math::Source, Image> t;
    t.w = b.w + o * depth;
    t.bias = b.bias == nullptr ? nullptr : b.bias + o;
    t.cols = b.outputs - o < kCols ? b.outputs - o : kCols;
    const auto& table = t.cols > V::kLanes ? kWhole.one : kNarrow.one;
    const auto& pairs = t.cols > V::kLanes ? kWhole.two : kNarrow.two;
    for (int64_t i = 0; i < b.rows; ++i) {
      t.x = b.x + i * b.x_row_stride;
      t.y = b.y + i * b.y_row_stride + o;
      t.residual = b.residual == nullptr ? nullptr : b.residual + i * b.y_row_stride + o;
      if (paired && i + 1 < b.rows) {
        pairs[b.width - 1](b, t);
        ++i;
        continue;
      }
      for (int64_t left = b.width; left > 0; left -= pixels) {
        const int64_t count = left < pixels ? left : pixels;
        table[count - 1](b, t);
        t.x += count * b.x_pixel_stride;
        t.y += count * b.y_pixel_stride;
        if (t.residual != nullptr) t.residual += count * b.y_pixel_stride;
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_TILE_H_
