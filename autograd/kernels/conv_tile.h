// The inner loops of convolutions, as templates on a vector type (simd_avx2.h documents its
// interface). A tile of some pixels x kVecs vectors of output channels stays in registers while all
// taps and channels run: each step loads kVecs vectors of weights and broadcasts one element of
// each pixel.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_TILE_H_
#define AUTOGRAD_KERNELS_CONV_TILE_H_

#include <stdint.h>

#include "autograd/kernels/conv_kernels.h"

namespace autograd::kernels {
namespace {

// A tile's first elements, and how many outputs are real.
struct DirectTile {
  const float* x;
  const float* w;
  const float* bias;
  const float* residual;
  float* y;
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

// One step of the sums: channel `at` of every pixel.
template <class V, class Pixels, int kVecs>
[[gnu::always_inline]] inline void AddChannel(const float* const (&x)[Pixels::kGroups],
                                              int64_t stride, int64_t stride3, int64_t at,
                                              const float* w,
                                              typename V::Vec (&sum)[Pixels::kCount * kVecs]) {
  typename V::Vec row[kVecs];
#pragma GCC unroll 4
  for (int v = 0; v < kVecs; ++v) row[v] = V::Load(w + v * V::kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < Pixels::kCount; ++i) {
    const float* pixel = x[Pixels::Group(i)] + at;
    const int j = Pixels::Column(i) % 4;
    const auto factor = V::Set(j == 0   ? pixel[0]
                               : j == 1 ? pixel[stride]
                               : j == 2 ? pixel[2 * stride]
                                        : pixel[stride3]);
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) {
      sum[i * kVecs + v] = V::Fma(factor, row[v], sum[i * kVecs + v]);
    }
  }
}

template <class V, int kFirst, int kSecond, int kVecs, int kPanelVecs>
void RunDirectTile(const DirectBlock& b, const DirectTile& t) {
  using Pixels = TilePixels<kFirst, kSecond>;
  constexpr int kCols = kPanelVecs * V::kLanes, kUnroll = 2;
  typename V::Vec sum[Pixels::kCount * kVecs];
#pragma GCC unroll 64
  for (int i = 0; i < Pixels::kCount * kVecs; ++i) sum[i] = V::Zero();
  const int64_t stride = b.x_pixel_stride, stride3 = 3 * stride;
  const float* w = t.w;
  for (int64_t tap = 0; tap < b.taps; ++tap) {
    const float* x[Pixels::kGroups];
#pragma GCC unroll 16
    for (int i = 0; i < Pixels::kCount; ++i) {
      if (Pixels::Column(i) % 4 != 0) continue;
      x[Pixels::Group(i)] =
          t.x + b.tap_offsets[tap] + Pixels::Row(i) * b.x_row_stride + Pixels::Column(i) * stride;
    }
    int64_t left = b.channels;
    for (; left >= kUnroll; left -= kUnroll) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnroll; ++u) {
        AddChannel<V, Pixels, kVecs>(x, stride, stride3, u, w + u * kCols, sum);
      }
#pragma GCC unroll 4
      for (int g = 0; g < Pixels::kGroups; ++g) x[g] += kUnroll;
      w += kUnroll * kCols;
    }
    for (; left > 0; --left) {
      AddChannel<V, Pixels, kVecs>(x, stride, stride3, 0, w, sum);
#pragma GCC unroll 4
      for (int g = 0; g < Pixels::kGroups; ++g) x[g] += 1;
      w += kCols;
    }
  }
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
      float* to = t.y + at;
      auto y = sum[i * kVecs + v] + bias;
      if (t.residual != nullptr) {
        const float* from = t.residual + at;
        y = y + (whole ? V::Load(from) : V::LoadPartial(from, cols));
      }
      if (whole) {
        V::Store(to, y);
      } else {
        V::StorePartial(to, y, cols);
      }
    }
  }
}

using DirectFunction = void (*)(const DirectBlock& b, const DirectTile& t);

// RunDirectTile for i + 1 pixels of one row at one[i], and of each of two rows at two[i].
template <class V, int kMaxPixels, int kVecs, int kPanelVecs>
struct DirectTable {
  DirectFunction one[kMaxPixels];
  DirectFunction two[kMaxPixels / 2];

  template <int kPixels = 1>
  constexpr void Fill() {
    one[kPixels - 1] = &RunDirectTile<V, kPixels, 0, kVecs, kPanelVecs>;
    if constexpr (kPixels <= kMaxPixels / 2) {
      two[kPixels - 1] = &RunDirectTile<V, kPixels, kPixels, kVecs, kPanelVecs>;
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

// ConvKernels::direct.
template <class V, int kMaxPixels, int kVecs>
void Direct(const DirectBlock& b) {
  static constexpr DirectTable<V, kMaxPixels, kVecs, kVecs> kWhole{};
  static constexpr DirectTable<V, kMaxPixels, 1, kVecs> kNarrow{};
  constexpr int kCols = kVecs * V::kLanes;
  // Tiles of about the same size: one of few pixels would leave the multipliers waiting.
  const int64_t tiles = (b.width + kMaxPixels - 1) / kMaxPixels;
  const int64_t pixels = tiles == 0 ? 0 : (b.width + tiles - 1) / tiles;
  const bool paired = RowsAtATime<kMaxPixels>(b.width) == 2;
  for (int64_t o = 0; o < b.outputs; o += kCols) {
    DirectTile t;
    t.w = b.w + o * b.taps * b.channels;
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
