// The weights' gradient of conv_winograd.h.
#include <algorithm>
#include <cstdint>

#include "autograd/kernels/conv_winograd.h"
#include "autograd/kernels/conv_winograd_tiles.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Bytes of the tiles that are transformed together, for all threads to multiply: they should stay
// in a cache, and more of them have the sums, which are larger, come and go less often.
constexpr int64_t kBlockBytes = 4 << 20;
// Tiles whose products are one sum.
constexpr int64_t kSumTiles = 128;
// Tiles, outputs and weights that are worth a thread of their own.
constexpr int64_t kTaskTiles = 16, kTaskOutputs = 32, kTaskWeights = 1024;

template <class Image>
class Gradient {
 public:
  Gradient(const Winograd& winograd, const ConvSize& s, const Image* x, const Image* dy)
      : winograd_(winograd),
        kernels_(KernelsOf(winograd.transforms, x)),
        s_(s),
        tiles_{s.out_height, s.out_width},
        zeros_(std::max(s.channels, s.out_channels)),
        x_(x, s.height, s.width, s.channels, zeros_),
        dy_(dy, s.out_height, s.out_width, s.out_channels, zeros_),
        sums_place_(PlaceStride(s.out_channels * s.channels)) {}

  void Run(float* dw) const {
    const int64_t tiles = s_.batch * tiles_.of_image();
    const int64_t tile_bytes =
        kWinogradPlaces * static_cast<int64_t>(sizeof(float)) * (s_.channels + s_.out_channels);
    const int64_t fit = std::max(kTaskTiles, kBlockBytes / tile_bytes);
    // Blocks of about the same size.
    const int64_t block = CeilDiv(tiles, CeilDiv(tiles, fit));
    float* sums = GetScratch<float>(ScratchUse::kWinogradSums, kWinogradPlaces * sums_place_);
    for (int64_t first = 0; first < tiles; first += block) {
      AddBlock(first, std::min(first + block, tiles), sums);
    }
    ParallelFor(s_.out_channels, CeilDiv(kTaskWeights, s_.channels),
                [&](int64_t begin, int64_t end) {
                  for (int64_t o = begin; o < end; ++o) TransformSums(sums, o, dw);
                });
  }

 private:
  // sums[place][out][channels] of the products of tiles [first, last), or those more.
  void AddBlock(int64_t first, int64_t last, float* sums) const {
    const int lanes = winograd_.transforms.lanes;
    const WinogradLayout in(last - first, s_.channels, lanes);
    const WinogradLayout out(last - first, s_.out_channels, lanes);
    float* x = GetScratch<float>(ScratchUse::kWinogradTiles, in.size() + out.size());
    float* dy = x + in.size();
    ParallelFor(last - first, kTaskTiles, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        TransformTile(first + i, x + i * in.row, in.place, dy + i * out.row, out.place);
      }
    });
    const int64_t tasks = CeilDiv(s_.out_channels, kTaskOutputs);
    ParallelFor(kWinogradPlaces * tasks, 1, [&](int64_t task, int64_t) {
      const int64_t place = task / tasks, o = task % tasks * kTaskOutputs;
      OuterBlock b = {};
      b.rows = 1;
      b.width = last - first;
      b.left = dy + place * out.place + o;
      b.left_pixel_stride = out.row;
      b.left_channels = std::min(kTaskOutputs, s_.out_channels - o);
      b.right = x + place * in.place;
      b.right_pixel_stride = in.row;
      b.right_channels = s_.channels;
      b.dw_row_stride = s_.channels;
      AddProducts(b, first > 0, sums + place * sums_place_ + o * s_.channels);
    });
  }

  // sums of b's products, or those more: of few tiles at a time, whose sums are added up, as errors
  // grow with the length of a sum.
  void AddProducts(OuterBlock b, bool adds, float* sums) const {
    const int64_t count = b.left_channels * b.right_channels, tiles = b.width;
    if (!adds && tiles <= kSumTiles) {
      b.dw = sums;
      return winograd_.products.outer(b);
    }
    float* parts = GetScratch<float>(ScratchUse::kConvParts, (tiles / kSumTiles + 2) * count);
    int64_t rows = 0;
    if (adds) std::copy_n(sums, count, parts + rows++ * count);
    for (int64_t i = 0; i < tiles; i += kSumTiles) {
      b.width = std::min(kSumTiles, tiles - i);
      b.dw = parts + rows++ * count;
      winograd_.products.outer(b);
      b.left += kSumTiles * b.left_pixel_stride;
      b.right += kSumTiles * b.right_pixel_stride;
    }
    ActiveGemmKernels(float()).sum_rows(rows, count, parts, count, sums);
  }

  void TransformTile(int64_t i, float* x, int64_t x_stride, float* dy, int64_t dy_stride) const {
    const WinogradTile tile(tiles_, i);
    const Image* pixels[kWinogradPlaces];
    x_.template Find<kWinogradSource>(tile.image, tile.row - s_.padding_height,
                                      tile.column - s_.padding_width, pixels);
    kernels_.source(pixels, s_.channels, x, x_stride);
    dy_.template Find<kWinogradResult>(tile.image, tile.row, tile.column, pixels);
    kernels_.gradient(pixels, s_.out_channels, dy, dy_stride);
  }

  void TransformSums(const float* sums, int64_t o, float* dw) const {
    float* taps[kWinogradTaps];
    for (int t = 0; t < kWinogradTaps; ++t) taps[t] = dw + (o * kWinogradTaps + t) * s_.channels;
    winograd_.transforms.weights_transpose(sums + o * s_.channels, sums_place_, s_.channels, taps);
  }

  const Winograd& winograd_;
  const WinogradImageKernels<Image>& kernels_;
  const ConvSize& s_;
  WinogradTiles tiles_;
  WinogradZeros<Image> zeros_;
  WinogradImages<Image> x_, dy_;
  int64_t sums_place_;
};

}  // namespace

template <class Image>
void WinogradWeightGradient(const Winograd& winograd, const ConvSize& s, const Image* x,
                            const Image* dy, float* dw) {
  Gradient<Image>(winograd, s, x, dy).Run(dw);
}

template void WinogradWeightGradient(const Winograd&, const ConvSize&, const float*, const float*,
                                     float*);
template void WinogradWeightGradient(const Winograd&, const ConvSize&, const BFloat16*,
                                     const BFloat16*, float*);

}  // namespace autograd::kernels
