// The inner loops of a convolution's weight gradient, as templates on a vector type: a tile of
// kRows channels of the one image x kVecs vectors of channels of the other stays in registers while
// pixels run.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_OUTER_TILE_H_
#define AUTOGRAD_KERNELS_CONV_OUTER_TILE_H_

#include <stdint.h>

#include "autograd/kernels/conv_kernels.h"

namespace autograd::kernels {
namespace {

// A tile's first elements; cols counts the columns of the last vector.
struct OuterTile {
  const float* left;
  const float* right;
  float* dw;
  int64_t cols;
};

template <class V, int kRows, int kVecs, bool kPartial>
void RunOuterTile(const OuterBlock& b, const OuterTile& t) {
  const auto load = [&](const float* p) {
    return kPartial ? V::LoadPartial(p, t.cols) : V::Load(p);
  };
  typename V::Vec sum[kRows * kVecs];
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) {
    const float* from = t.dw + (i / kVecs) * b.dw_row_stride + (i % kVecs) * V::kLanes;
    sum[i] = b.adds ? load(from) : V::Zero();
  }
  for (int64_t row = 0; row < b.rows; ++row) {
    const float* left = t.left + row * b.left_row_stride;
    const float* right = t.right + row * b.right_row_stride;
    for (int64_t pixel = b.width; pixel > 0; --pixel) {
      typename V::Vec vec[kVecs];
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) vec[v] = load(right + v * V::kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const auto factor = V::Set(left[i]);
#pragma GCC unroll 4
        for (int v = 0; v < kVecs; ++v) {
          sum[i * kVecs + v] = V::Fma(factor, vec[v], sum[i * kVecs + v]);
        }
      }
      left += b.left_pixel_stride;
      right += b.right_pixel_stride;
    }
  }
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) {
    float* to = t.dw + (i / kVecs) * b.dw_row_stride + (i % kVecs) * V::kLanes;
    if (kPartial) {
      V::StorePartial(to, sum[i], t.cols);
    } else {
      V::Store(to, sum[i]);
    }
  }
}

using OuterFunction = void (*)(const OuterBlock& b, const OuterTile& t);

// RunOuterTile for i + 1 rows at [i].
template <class V, int kMaxRows, int kVecs, bool kPartial>
struct OuterTable {
  OuterFunction run[kMaxRows];

  template <int kRows = 1>
  constexpr void Fill() {
    run[kRows - 1] = &RunOuterTile<V, kRows, kVecs, kPartial>;
    if constexpr (kRows < kMaxRows) Fill<kRows + 1>();
  }
  constexpr OuterTable() : run() { Fill(); }
};

// ConvKernels::outer.
template <class V, int kMaxRows, int kVecs>
void Outer(const OuterBlock& b) {
  static constexpr OuterTable<V, kMaxRows, kVecs, false> kWhole{};
  static constexpr OuterTable<V, kMaxRows, 1, false> kNarrow{};
  static constexpr OuterTable<V, kMaxRows, 1, true> kPartial{};
  const int64_t tiles = (b.left_channels + kMaxRows - 1) / kMaxRows;
  const int64_t size = tiles == 0 ? 0 : (b.left_channels + tiles - 1) / tiles;
  for (int64_t i = 0; i < b.left_channels; i += size) {
    const int64_t rows = b.left_channels - i < size ? b.left_channels - i : size;
    int64_t done = 0;
    while (done < b.right_channels) {
      const int64_t rest = b.right_channels - done;
      const OuterTile t = {b.left + i, b.right + done, b.dw + i * b.dw_row_stride + done, rest};
      if (rest >= kVecs * V::kLanes) {
        kWhole.run[rows - 1](b, t);
        done += kVecs * V::kLanes;
      } else if (rest >= V::kLanes) {
        kNarrow.run[rows - 1](b, t);
        done += V::kLanes;
      } else {
        kPartial.run[rows - 1](b, t);
        done += rest;
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_OUTER_TILE_H_
