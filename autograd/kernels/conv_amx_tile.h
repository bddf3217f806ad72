// Convolutions of bf16 images by AMX tiles.
//
// A row of an A tile is one pixel of 32 channels of one tap, read where it lies in the rows of the
// image: the tile's stride is the distance of pixels. The rows of a block are one run of pixels,
// borders included, and what is computed for borders is thrown away: of rows of 28 pixels 93 % is
// useful, where tiles that end with their row would fill 14 of 16 rows and take the same time. 32
// pixels x 32 outputs stay in four tiles while taps and channels run; then come the next outputs of
// the same pixels, which stay in the first-level cache, while weights (18 KiB for 32 x 32 channels
// and 3 x 3 taps) come from there or from the second.
//
// Where sums end they become bf16, which takes about as long as the products of a tap. That is done
// for the block before while the products of the next are under way, a few pixels after each tap:
// the processor looks only some hundred instructions ahead.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_AMX_TILE_H_
#define AUTOGRAD_KERNELS_CONV_AMX_TILE_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/amx_pack.h"
#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/conv_kernels.h"

namespace autograd::kernels {
namespace {

using ConvBf16Block = DirectBlock<BFloat16, BFloat16>;

constexpr int64_t kRunPixels = 2 * kTileRows;
constexpr int64_t kPanelCols = 2 * kTileCols;

// Sums of some pixels on their way to y.
class ConvFinish {
 public:
  // `count` pixels, numbered from `first` on as if rows were `pitch` pixels apart: outputs [output,
  // output + 32) of block b. sums [count, 32].
  void Start(const ConvBf16Block& b, int64_t pitch, int64_t first, int64_t count, int64_t output,
             const float* sums) {
    const int64_t outputs = AtMost(kPanelCols, b.outputs - output);
    const int64_t lower = AtMost(kTileCols, outputs);
    outputs_ = FirstOf32(outputs);
    add_lower_ = add_upper_ = _mm512_setzero_ps();
    if (b.bias != nullptr) {
      const float* bias = b.bias + output;
      add_lower_ = _mm512_maskz_loadu_ps(FirstOf16(lower), bias);
      add_upper_ = _mm512_maskz_loadu_ps(FirstOf16(outputs - lower), bias + lower);
    }
    sums_ = sums;
    left_ = count;
    width_ = b.width;
    pitch_ = pitch;
    column_ = first % pitch;
    pixel_stride_ = b.y_pixel_stride;
    turn_ = b.y_row_stride - b.width * b.y_pixel_stride;
    at_ = first / pitch * b.y_row_stride + AtMost(column_, b.width) * b.y_pixel_stride + output;
    y_ = b.y;
    residual_ = b.residual;
  }

  // The next `pixels`, if as many are left.
  void Advance(int64_t pixels) {
    // Copies: for all the compiler knows, y_ may point to the members.
    const __m512 add_lower = add_lower_, add_upper = add_upper_;
    const __mmask32 outputs = outputs_;
    const BFloat16* residual = residual_;
    BFloat16* y = y_;
    const int64_t pixel_stride = pixel_stride_, turn = turn_, width = width_, pitch = pitch_;
    const int64_t count = AtMost(pixels, left_);
    const float* sums = sums_;
    int64_t at = at_, column = column_;
    for (int64_t i = 0; i < count; ++i, sums += kPanelCols) {
      if (column < width) {
        __m512 lower = _mm512_add_ps(_mm512_load_ps(sums), add_lower);
        __m512 upper = _mm512_add_ps(_mm512_load_ps(sums + kTileCols), add_upper);
        if (residual != nullptr) {
          const __m512i other = _mm512_maskz_loadu_epi16(outputs, residual + at);
          lower = _mm512_add_ps(lower, Widen(_mm512_castsi512_si256(other)));
          upper = _mm512_add_ps(upper, Widen(_mm512_extracti64x4_epi64(other, 1)));
        }
        const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(upper, lower));
        _mm512_mask_storeu_epi16(y + at, outputs, both);
        at += pixel_stride;
      }
      if (++column == pitch) {
        column = 0;
        at += turn;
      }
    }
    left_ -= count;
    sums_ = sums;
    at_ = at;
    column_ = column;
  }

  void Complete() { Advance(left_); }

 private:
  static __m512 Widen(__m256i x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }

  __m512 add_lower_, add_upper_;
  __mmask32 outputs_;
  const float* sums_;
  const BFloat16* residual_;
  BFloat16* y_;
  int64_t at_;            // in y and residual, of the next pixel
  int64_t pixel_stride_;  // there
  int64_t turn_;          // from behind the last pixel of a row to the first of the next
  int64_t width_, pitch_, column_;
  int64_t left_ = 0;
};

// Pixels for one block of tiles: the second tile's are `next` elements behind the first one's.
struct TilePixels {
  const BFloat16* x;
  int64_t next;
};

template <int kRowTiles, int kColTiles>
void RunTaps(const ConvBf16Block& b, const TilePixels& pixels, const char* w, float* sums,
             ConvFinish& before) {
  const int64_t size = sizeof(BFloat16);
  TilePair from = {nullptr, b.x_pixel_stride * size, pixels.next * size};
  TilePair weights = {w, kTileBytes, kTileSize};
  const int64_t taps = b.taps, channels = b.channels;
  const int64_t share = taps == 0 ? 0 : (kRunPixels + taps - 1) / taps;
  const int64_t* offsets = b.tap_offsets;
  ZeroSums<kRowTiles, kColTiles>();
  for (int64_t t = 0; t < taps; ++t) {
    from.at = reinterpret_cast<const char*>(pixels.x + offsets[t]);
    for (int64_t c = 0; c < channels; c += kTileDepth) {
      AddProducts<kRowTiles, kColTiles>(from, weights);
      from.at += kTileBytes;
      weights.at += 2 * kTileSize;
    }
    before.Advance(share);
  }
  StoreSums<kRowTiles, kColTiles>(sums, kPanelCols);
}

// The pixels of a block, 32 or fewer at a time, all outputs.
class ConvRun {
 public:
  explicit ConvRun(const ConvBf16Block& block)
      : b_(block),
        panel_((block.channels + kTileDepth - 1) / kTileDepth * 2 * kTileSize * block.taps) {}

  // The rows of the block as a run of pixels, `pitch` from row to row.
  void Rows(int64_t pitch) {
    const int64_t pixels = (b_.rows - 1) * pitch + b_.width;
    if (pixels < kRunPixels) {
      ConfigureTiles(pixels);
      Tiles({b_.x, kTileRows * b_.x_pixel_stride}, pixels > kTileRows, pitch, 0, pixels, 0);
      return ConfigureTiles();
    }
    for (int64_t i = 0; i < pixels; i += kRunPixels) {
      // The last tiles end with the last pixel: what lies behind it may not be readable.
      const bool two = pixels - i > kTileRows;
      const int64_t tiles = two ? kRunPixels : kTileRows, first = AtMost(i, pixels - tiles);
      Tiles({b_.x + first * b_.x_pixel_stride, kTileRows * b_.x_pixel_stride}, two, pitch, i,
            first + tiles - i, i - first);
    }
  }

  // Rows of at most 16 pixels, two at a time: a tile for each.
  void PairsOfRows() {
    ConfigureTiles(b_.width, b_.width);
    for (int64_t i = 0; i < b_.rows; i += 2) {
      const bool two = i + 1 < b_.rows;
      // Counted as if rows were 16 pixels apart, as they are in the sums.
      Tiles({b_.x + i * b_.x_row_stride, b_.x_row_stride}, two, kTileRows, i * kTileRows,
            (two ? kTileRows : 0) + b_.width, 0);
    }
    ConfigureTiles();
  }

  void Complete() { before_.Complete(); }

 private:
  // All outputs of pixels [first, first + count), the sums of which follow those of `skipped`
  // others.
  void Tiles(const TilePixels& pixels, bool two_rows, int64_t pitch, int64_t first, int64_t count,
             int64_t skipped) {
    const auto* w = reinterpret_cast<const char*>(b_.w);
    for (int64_t o = 0; o < b_.outputs; o += kPanelCols, w += panel_) {
      float* sums = sums_[turn_];
      turn_ = 1 - turn_;
      const bool two_columns = b_.outputs - o > kTileCols;
      if (two_rows) {
        two_columns ? RunTaps<2, 2>(b_, pixels, w, sums, before_)
                    : RunTaps<2, 1>(b_, pixels, w, sums, before_);
      } else {
        two_columns ? RunTaps<1, 2>(b_, pixels, w, sums, before_)
                    : RunTaps<1, 1>(b_, pixels, w, sums, before_);
      }
      before_.Complete();
      before_.Start(b_, pitch, first, count, o, sums + skipped * kPanelCols);
    }
  }

  const ConvBf16Block& b_;
  const int64_t panel_;  // bytes of weights
  ConvFinish before_;
  int turn_ = 0;
  // Two blocks' sums. Where a panel has 16 outputs or fewer, the right half is whatever it was, and
  // masks keep it out of y.
  alignas(64) float sums_[2][kRunPixels * kPanelCols];
};

// DirectKernels::direct, between ConfigureTiles() and ReleaseTiles().
inline void DirectAmx(const ConvBf16Block& b) {
  if (b.rows <= 0 || b.width <= 0) return;
  ConvRun run(b);
  const int64_t pitch = b.x_row_stride / b.x_pixel_stride;
  // With a stride, rows are about twice as far apart as they are wide; where no tap reads them,
  // they may be narrower.
  const bool near = b.x_row_stride % b.x_pixel_stride == 0 && pitch >= b.width &&
                    pitch <= b.width + b.width / 2 + 2;
  if (near || b.rows == 1) {
    run.Rows(near ? pitch : b.width);
    return run.Complete();
  }
  if (b.width <= kTileRows) {
    run.PairsOfRows();
    return run.Complete();
  }
  for (int64_t i = 0; i < b.rows; ++i) {
    ConvBf16Block row = b;
    row.rows = 1;
    row.x += i * b.x_row_stride;
    row.y += i * b.y_row_stride;
    if (row.residual != nullptr) row.residual += i * b.y_row_stride;
    DirectAmx(row);
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_AMX_TILE_H_
