// The inner loops of the matrix product, as templates on a vector type (simd_avx2.h documents its
// interface). A tile of kRows x kVecs vectors of C stays in registers while k runs: kRows broadcast
// elements of A and kVecs vectors of B feed kRows * kVecs multiply-adds, so the loads hide behind
// the multipliers.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_TILE_H_
#define AUTOGRAD_KERNELS_GEMM_TILE_H_

#include <stdint.h>

#include "autograd/kernels/gemm_epilogue.h"
#include "autograd/kernels/gemm_kernels.h"

namespace autograd::kernels {
namespace {

// One tile of the product: A and B as in GemmBlock, but at the tile's first element.
template <class T>
struct Tile {
  int64_t rows, cols, k;
  const T* a;
  int64_t a_row_stride, a_col_stride;
  const T* b;
  int64_t b_row_stride, b_panel_stride;
};

// sum[i * kVecs + v] = rows i, vector v of A B. Every element is a chain of multiply-adds in the
// order of k that starts at 0, whatever the shape of the tile, so that results do not depend on
// how a matrix is cut.
// kPanelVecs is the width of a panel of B; a tile may reach over several.
template <class V, int kRows, int kVecs, int kPanelVecs, bool kContiguousRows>
[[gnu::always_inline]] inline void MultiplyTile(const Tile<typename V::Scalar>& t,
                                                typename V::Vec (&sum)[kRows * kVecs]) {
  using T = typename V::Scalar;
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) sum[i] = V::Zero();
  // Four rows share a pointer: the addressing modes reach one and two strides, a register holds
  // three.
  const int64_t stride = kContiguousRows ? 1 : t.a_row_stride;
  const int64_t stride3 = 3 * stride;
  constexpr int kGroups = (kRows + 3) / 4;
  const T* a[kGroups];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g) a[g] = t.a + 4 * g * stride;
  constexpr int kPanels = (kVecs + kPanelVecs - 1) / kPanelVecs;
  const T* b[kPanels];
#pragma GCC unroll 4
  for (int q = 0; q < kPanels; ++q) b[q] = t.b + q * t.b_panel_stride;
  for (int64_t p = t.k; p > 0; --p) {
    typename V::Vec row[kVecs];
#pragma GCC unroll 8
    for (int v = 0; v < kVecs; ++v) {
      row[v] = V::Load(b[v / kPanelVecs] + v % kPanelVecs * V::kLanes);
    }
#pragma GCC unroll 4
    for (int q = 0; q < kPanels; ++q) b[q] += t.b_row_stride;
#pragma GCC unroll 64
    for (int i = 0; i < kRows; ++i) {
      const T* x = a[i / 4];
      const auto factor = V::Set(i % 4 == 0   ? x[0]
                                 : i % 4 == 1 ? x[stride]
                                 : i % 4 == 2 ? x[2 * stride]
                                              : x[stride3]);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) {
        sum[i * kVecs + v] = V::Fma(factor, row[v], sum[i * kVecs + v]);
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) a[g] += t.a_col_stride;
  }
}

template <class V, int kRows, int kVecs, int kPanelVecs, bool kContiguousRows>
void RunTile(const Tile<typename V::Scalar>& t, const Output<typename V::Scalar>& out) {
  using T = typename V::Scalar;
  // C is often far away, and its rows may lie a page apart: have it come while k runs.
  constexpr int64_t kLong = 64, kLine = 64 / static_cast<int64_t>(sizeof(T));
  if (t.k >= kLong) {
    for (int64_t i = 0; i < kRows; ++i) {
      const T* row = out.to + i * out.to_row_stride;
      for (int64_t j = 0; j < t.cols; j += kLine) __builtin_prefetch(row + j);
      __builtin_prefetch(row + t.cols - 1);
    }
  }
  typename V::Vec sum[kRows * kVecs];
  MultiplyTile<V, kRows, kVecs, kPanelVecs, kContiguousRows>(t, sum);
  if (out.alpha != T(1) || t.cols != kVecs * V::kLanes) {
    T buffer[kRows * kVecs * V::kLanes];
#pragma GCC unroll 64
    for (int i = 0; i < kRows * kVecs; ++i) V::Store(buffer + i * V::kLanes, sum[i]);
    return FinishRows<V>(kRows, t.cols, buffer, kVecs * V::kLanes, out);
  }
  if (out.beta != T(0)) {
    const auto beta = V::Set(out.beta);
#pragma GCC unroll 64
    for (int i = 0; i < kRows * kVecs; ++i) {
      const T* old = out.old + (i / kVecs) * out.old_row_stride + (i % kVecs) * V::kLanes;
      sum[i] = V::Fma(beta, V::Load(old), sum[i]);
    }
  }
  if (out.bias != nullptr) {
#pragma GCC unroll 64
    for (int i = 0; i < kRows * kVecs; ++i) {
      sum[i] = sum[i] + V::Load(out.bias + (i % kVecs) * V::kLanes);
    }
  }
#pragma GCC unroll 64
  for (int i = 0; i < kRows * kVecs; ++i) {
    V::Store(out.to + (i / kVecs) * out.to_row_stride + (i % kVecs) * V::kLanes, sum[i]);
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>& t, const Output<T>& out);

// RunTile for i + 1 rows at [i].
template <class V, int kMaxRows, int kVecs, int kPanelVecs, bool kContiguousRows>
struct TileTable {
  TileFunction<typename V::Scalar> run[kMaxRows];

  template <int kRows = 1>
  constexpr void Fill() {
    run[kRows - 1] = &RunTile<V, kRows, kVecs, kPanelVecs, kContiguousRows>;
    if constexpr (kRows < kMaxRows) Fill<kRows + 1>();
  }
  constexpr TileTable() : run() { Fill(); }
};

// The product of a block in tiles of at most kRows x kVecs vectors, over panels of kPanelVecs.
template <class V, int kRows, int kVecs, int kPanelVecs>
struct TileLoop {
  using T = typename V::Scalar;
  static constexpr int kCols = kVecs * V::kLanes;
  // Narrow tiles are for the last columns, where whole tiles would waste most of their work.
  static constexpr int kNarrowVecs = kVecs <= kPanelVecs ? 1 : kVecs;

  static constexpr TileTable<V, kRows, kVecs, kPanelVecs, false> kStrided{};
  static constexpr TileTable<V, kRows, kVecs, kPanelVecs, true> kContiguous{};
  static constexpr TileTable<V, kRows, kNarrowVecs, kPanelVecs, false> kStridedNarrow{};
  static constexpr TileTable<V, kRows, kNarrowVecs, kPanelVecs, true> kContiguousNarrow{};

  static TileFunction<T> Function(int64_t rows, int64_t cols, bool contiguous) {
    if (cols <= kNarrowVecs * V::kLanes) {
      return contiguous ? kContiguousNarrow.run[rows - 1] : kStridedNarrow.run[rows - 1];
    }
    return contiguous ? kContiguous.run[rows - 1] : kStrided.run[rows - 1];
  }

  static int64_t FirstRow(const RowTiles& tiles, int64_t t) {
    return t * tiles.rows - (t > tiles.large ? t - tiles.large : 0);
  }

  // Tile t of the rows, from column j.
  static void Run(const GemmBlock<T>& x, const RowTiles& tiles, int64_t t, int64_t j) {
    const int64_t i = FirstRow(tiles, t);
    Tile<T> tile;
    tile.rows = FirstRow(tiles, t + 1) - i;
    tile.cols = x.n - j < kCols ? x.n - j : kCols;
    tile.k = x.k;
    tile.a = x.a_packed ? x.a + t * x.a_tile_stride : x.a + i * x.a_row_stride;
    tile.a_row_stride = x.a_packed ? 1 : x.a_row_stride;
    tile.a_col_stride = x.a_packed ? kRows : x.a_col_stride;
    tile.b = x.b + j / (kPanelVecs * V::kLanes) * x.b_panel_stride;
    tile.b_row_stride = x.b_row_stride;
    tile.b_panel_stride = x.b_panel_stride;
    const Output<T> out = OutputAt(x.alpha, x.beta, x.c, x.c_row_stride, x.epilogue, i, j);
    Function(tile.rows, tile.cols, tile.a_row_stride == 1)(tile, out);
  }

  static void ActivateTiles(const GemmBlock<T>& x, const RowTiles& tiles, int64_t t, int64_t j,
                            int64_t cols) {
    const int64_t i = FirstRow(tiles, t);
    Activate(i, j, FirstRow(tiles, t + 1) - i, cols, x.c, x.c_row_stride, x.epilogue);
  }

  // Columns [first, x.n). A B that fits the nearest cache is kept there while A passes by;
  // otherwise the columns of one tile are, while A comes from the next cache.
  static void Multiply(const GemmBlock<T>& x, int64_t first) {
    if (first >= x.n) return;
    const RowTiles tiles = CutRows(x.m, kRows);
    constexpr int64_t kNearBytes = 32 * 1024;
    if (x.k * (x.n - first) * static_cast<int64_t>(sizeof(T)) <= kNearBytes) {
      for (int64_t t = 0; t < tiles.count; ++t) {
        for (int64_t j = first; j < x.n; j += kCols) Run(x, tiles, t, j);
        ActivateTiles(x, tiles, t, first, x.n - first);
      }
    } else {
      for (int64_t j = first; j < x.n; j += kCols) {
        for (int64_t t = 0; t < tiles.count; ++t) {
          Run(x, tiles, t, j);
          ActivateTiles(x, tiles, t, j, x.n - j < kCols ? x.n - j : kCols);
        }
      }
    }
  }
};

// GemmKernels::multiply for tiles of kRows x kVecs. Where A is not packed, its elements come from
// many cache lines, and wide tiles of fewer rows (kWideRows x 2 kVecs, if not 0) need fewer of
// them; products of very few rows take wider ones still, to keep enough multiply-adds in flight.
template <class V, int kRows, int kVecs, int kWideRows, int kFlatRows>
void Multiply(const GemmBlock<typename V::Scalar>& x) {
  int64_t done = 0;
  const auto without_rest = [](GemmBlock<typename V::Scalar> block, int64_t n) {
    block.n = n;
    return block;
  };
  if constexpr (kFlatRows > 0) {
    using Flat = TileLoop<V, kFlatRows, 4 * kVecs, kVecs>;
    if (!x.a_packed && x.m <= kFlatRows && x.n >= Flat::kCols) {
      done = x.n - x.n % Flat::kCols;
      Flat::Multiply(without_rest(x, done), 0);
    }
  }
  if constexpr (kWideRows > 0) {
    using Wide = TileLoop<V, kWideRows, 2 * kVecs, kVecs>;
    if (!x.a_packed && x.n - done >= Wide::kCols) {
      const int64_t end = x.n - x.n % Wide::kCols;
      Wide::Multiply(without_rest(x, end), done);
      done = end;
    }
  }
  TileLoop<V, kRows, kVecs, kVecs>::Multiply(x, done);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_TILE_H_
