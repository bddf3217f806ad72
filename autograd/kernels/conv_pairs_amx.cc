// The weights' gradient by AMX tiles: dw[o, c] of one tap adds up dy[pixel, o] x[pixel, c].
//
// Packed rows of x are tiles of B as they lie: 16 pairs of pixels, rows of 16 channels. A tap's
// shift by pairs moves the tile by whole rows, so no row ever crosses a cache line. dy is the
// operand whose rows are outputs: it is turned once for all taps, into tiles of 16 outputs and 16
// pairs. 32 outputs x 32 channels stay in four tiles while the pixels of a block run; rows of
// pixels follow each other without gaps, with zeros of dy where a row ends.
#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/amx_pack.h"
#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/conv_pairs_kernels.h"
#include "autograd/kernels/conv_pairs_pack.h"

namespace autograd::kernels {
namespace {

constexpr int64_t kTilePairs = 16;
constexpr int64_t kTileDwords = kTilePairs * kTileRows;
constexpr int64_t kBlockOutputs = 2 * kTileRows;
constexpr int64_t kBlockChannels = 2 * kTileCols;

// 32 outputs of 256 pairs are 32 KiB, which leaves a third of the first-level cache to the rows of
// x that pass by from the second one: 16 products for each time that sums are added to dw.
constexpr int64_t kNearOutputs = kBlockOutputs;
constexpr int64_t kNearPairs = 256;

int64_t Steps(int64_t pairs) { return (pairs + kTilePairs - 1) / kTilePairs; }

// [outputs / 16][images][steps] tiles.
void Arrange(int64_t images, int64_t pairs, int64_t pitch, const uint32_t* packed, uint32_t* to) {
  for (int64_t o = 0; o < pitch; o += kTileRows) {
    for (int64_t image = 0; image < images; ++image) {
      const uint32_t* from = packed + image * pairs * pitch + o;
      for (int64_t m = 0; m < pairs; m += kTilePairs, to += kTileDwords) {
        const int64_t count = AtMost(kTilePairs, pairs - m);
        __m512i r[kTilePairs];
#pragma GCC unroll 16
        for (int i = 0; i < kTilePairs; ++i) {
          r[i] = i < count ? _mm512_load_si512(from + (m + i) * pitch) : _mm512_setzero_si512();
        }
        Transpose16x16(r);
#pragma GCC unroll 16
        for (int i = 0; i < kTileRows; ++i) _mm512_store_si512(to + i * kTilePairs, r[i]);
      }
    }
  }
}

// dw[rows, cols] = sums [32, 32], or is that much larger.
void PutSums(int64_t rows, int64_t cols, const float* sums, bool adds, float* dw,
             int64_t row_stride) {
  const int64_t lower = AtMost(kTileCols, cols);
  const __mmask16 first = FirstOf16(lower), second = FirstOf16(cols - lower);
  const auto put = [=](float* to, __mmask16 mask, const float* from) {
    __m512 sum = _mm512_load_ps(from);
    if (adds) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, to), sum);
    _mm512_mask_storeu_ps(to, mask, sum);
  };
  for (int64_t i = 0; i < rows; ++i) {
    float* to = dw + i * row_stride;
    const float* from = sums + i * kBlockChannels;
    put(to, first, from);
    if (second != 0) put(to + kTileCols, second, from + kTileCols);
  }
}

// The sums of 32 or fewer outputs and channels.
template <int kRowTiles, int kColTiles>
void RunPixels(const PairsBlock& b, const uint32_t* left, const uint32_t* right, float* sums) {
  const int64_t size = sizeof(uint32_t), steps = Steps(b.rows * b.row_stride);
  const int64_t pair = b.right_pitch * size;
  TilePair dy = {reinterpret_cast<const char*>(left), kTileBytes, b.images * steps * kTileSize};
  ZeroSums<kRowTiles, kColTiles>();
  for (int64_t image = 0; image < b.images; ++image) {
    TilePair x = {reinterpret_cast<const char*>(right) + image * b.right_image_stride * pair, pair,
                  kTileBytes};
    for (int64_t i = 0; i < steps; ++i) {
      AddProducts<kRowTiles, kColTiles>(dy, x);
      dy.at += kTileSize;
      x.at += kTilePairs * pair;
    }
  }
  StoreSums<kRowTiles, kColTiles>(sums, kBlockChannels);
}

// Between ConfigureTiles() and ReleaseTiles().
void Outer(const PairsBlock& b) {
  const int64_t next_outputs =
      kBlockOutputs / kTileRows * b.images * Steps(b.rows * b.row_stride) * kTileDwords;
  alignas(64) float sums[kBlockOutputs * kBlockChannels];
  const uint32_t* left = b.left;
  for (int64_t o = 0; o < b.left_channels; o += kBlockOutputs, left += next_outputs) {
    const int64_t rows = AtMost(kBlockOutputs, b.left_channels - o);
    for (int64_t c = 0; c < b.right_channels; c += kBlockChannels) {
      const int64_t cols = AtMost(kBlockChannels, b.right_channels - c);
      const uint32_t* right = b.right + c;
      if (rows > kTileRows) {
        cols > kTileCols ? RunPixels<2, 2>(b, left, right, sums)
                         : RunPixels<2, 1>(b, left, right, sums);
      } else {
        cols > kTileCols ? RunPixels<1, 2>(b, left, right, sums)
                         : RunPixels<1, 1>(b, left, right, sums);
      }
      PutSums(rows, cols, sums, b.adds, b.dw + o * b.dw_row_stride + c, b.dw_row_stride);
    }
  }
}

void Begin() { ConfigureTiles(); }
void End() { ReleaseTiles(); }

}  // namespace

extern const ConvPairsKernels AUTOGRAD_AMX_NAME(kConvPairsAmx) = {
    &PackPairs, &Outer, &Arrange, kNearOutputs, kNearPairs, &Begin, &End};

}  // namespace autograd::kernels
