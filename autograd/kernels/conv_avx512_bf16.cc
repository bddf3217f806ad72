#include "autograd/kernels/conv_bf16_math.h"
#include "autograd/kernels/conv_dot_tile.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_tile.h"

namespace autograd::kernels {
namespace {

// 28 of the 32 registers hold sums, 2 a row of weights, 1 the pair of a pixel.
constexpr int kPixels = 14;
constexpr int kVecs = 2;
// Sums in flight that hide the latency of a product.
constexpr int kDots = 8;

constexpr ConvBf16Kernels Table() {
  using Math = Bf16PairMath;
  using V = Math::V;
  ConvBf16Kernels table = {};
  table.lanes = V::kLanes;
  table.depth = Math::kDepth;
  table.dot_lanes = V::kLanes * Math::kDepth;
  table.cols = kVecs * V::kLanes;
  table.channel_unit = Math::kDepth;
  table.row_channels = &EvenChannels;
  table.rows_at_a_time = &RowsAtATime<kPixels>;
  table.copy = &CopyBf16;
  table.pack = &PackPairs<kVecs * V::kLanes, Math::kDepth>;
  table.direct = &Direct<Math, BFloat16, kPixels, kVecs>;
  table.dot = &Dot<Math, BFloat16, kDots>;
  return table;
}

}  // namespace

extern const ConvBf16Kernels kConvAvx512Bf16 = Table();

}  // namespace autograd::kernels
