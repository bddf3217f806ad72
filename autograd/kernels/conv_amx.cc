#include <stdint.h>

#include "autograd/kernels/amx_pack.h"
#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/conv_amx_tile.h"
#include "autograd/kernels/conv_bf16_math.h"
#include "autograd/kernels/conv_dot_tile.h"
#include "autograd/kernels/conv_kernels.h"

namespace autograd::kernels {
namespace {

// Sums in flight that hide the latency of a product of vectors.
constexpr int kDots = 8;

// Whole cache lines, so that no row of a tile crosses one. Rows a multiple of 1 KiB apart would
// fall into four of the first-level cache's 64 sets; one line more spreads them.
int64_t RowChannels(int64_t channels) {
  constexpr int64_t kFewSets = 512;
  if (channels == 0) return kTileDepth;
  const int64_t padded = (channels + kTileDepth - 1) / kTileDepth * kTileDepth;
  return padded % kFewSets == 0 ? padded + kTileDepth : padded;
}

// Runs long enough that the pixels computed twice at their ends do not matter: with borders of one
// pixel, 8 rows of 28 pixels are 15 tiles of 16, 14 rows of 14 are 14.
int64_t RowsOfRun(int64_t width) {
  constexpr int64_t kPixels = 224;
  return width >= kPixels ? 1 : (kPixels + width - 1) / width;
}

// Tiles of B: [channels / 32][2 tiles].
void PackTiles(int64_t channels, int64_t outputs, const float* w, int64_t channel_stride,
               int64_t output_stride, BFloat16* to) {
  const int64_t lower = AtMost(kTileCols, outputs);
  for (int64_t c = 0; c < channels; c += kTileDepth) {
    const int64_t depth = AtMost(kTileDepth, channels - c);
    const float* from = w + c * channel_stride;
    PackTileB(depth, lower, from, channel_stride, output_stride, to);
    to += kTileElements;
    PackTileB(depth, outputs - lower, from + lower * output_stride, channel_stride, output_stride,
              to);
    to += kTileElements;
  }
}

void Begin() { ConfigureTiles(); }
void End() { ReleaseTiles(); }

constexpr ConvBf16Kernels Table() {
  ConvBf16Kernels table = {};
  // A product of 32 pixels, outputs and channels takes 64 cycles, or 32 for at most 16 outputs.
  table.lanes = kTileCols;
  table.depth = kTileDepth;
  table.dot_lanes = 32;
  table.cols = kPanelCols;
  table.channel_unit = kTileDepth;
  table.row_channels = &RowChannels;
  table.rows_at_a_time = &RowsOfRun;
  table.begin = &Begin;
  table.end = &End;
  table.copy = &CopyBf16;
  table.pack = &PackTiles;
  table.direct = &DirectAmx;
  table.dot = &Dot<Bf16PairMath, BFloat16, kDots>;
  return table;
}

}  // namespace

extern const ConvBf16Kernels AUTOGRAD_AMX_NAME(kConvAmx) = Table();

}  // namespace autograd::kernels
