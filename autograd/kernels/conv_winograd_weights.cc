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

// Tiles that a run transforms at a time, so that they stay in near caches while the sums, which are
// larger, come and go: more of them have the sums go less often.
constexpr int64_t kTiles = 48;
// Runs of tiles, whose shares of the gradient are added up in order, and tiles that are worth one.
constexpr int64_t kMaxRuns = 16;
constexpr int64_t kRunTiles = 64;

// Tiles of a run, by the size alone, so that the order of every sum is. A power of two of equal
// runs, for as many threads.
int64_t TilesOfRun(int64_t tiles) {
  int64_t runs = kMaxRuns;
  while (runs > 2 && tiles < runs * kRunTiles) runs /= 2;
  return CeilDiv(tiles, runs);
}

template <class Image>
class Gradient {
 public:
  Gradient(const Winograd& winograd, const WinogradImageKernels<Image>& kernels, const ConvSize& s,
           const Image* x, const Image* dy)
      : winograd_(winograd),
        kernels_(kernels),
        s_(s),
        x_(x, s.height, s.width, s.channels),
        dy_(dy, s.out_height, s.out_width, s.out_channels),
        tiles_{s.out_height, s.out_width} {}

  // The share of tiles [first, last) of dw.
  void Run(int64_t first, int64_t last, float* dw) const {
    const int64_t place = s_.out_channels * s_.channels;
    float* sums = GetScratch<float>(ScratchUse::kWinogradSums, kWinogradPlaces * place);
    // Blocks of about the same size.
    const int64_t block = CeilDiv(last - first, CeilDiv(last - first, kTiles));
    for (int64_t i = first; i < last; i += block) {
      Add(i, std::min(i + block, last), i > first, sums);
    }
    for (int64_t o = 0; o < s_.out_channels; ++o) {
      float* taps[kWinogradTaps];
      for (int t = 0; t < kWinogradTaps; ++t) taps[t] = dw + (o * kWinogradTaps + t) * s_.channels;
      winograd_.tiles.weights_transpose(sums + o * s_.channels, place, s_.channels, taps);
    }
  }

 private:
  // sums[place][out][channels] of the products of some tiles, or those more.
  void Add(int64_t first, int64_t last, bool adds, float* sums) const {
    const WinogradLayout in(last - first, s_.channels, winograd_.tiles.lanes);
    const WinogradLayout out(last - first, s_.out_channels, winograd_.tiles.lanes);
    float* x = GetScratch<float>(ScratchUse::kPatches, in.size() + out.size());
    float* dy = x + in.size();
    for (int64_t i = first; i < last; ++i) {
      const WinogradTile tile(tiles_, i);
      const Image* pixels[kWinogradPlaces];
      x_.template Find<kWinogradSource>(tile.image, tile.row - s_.padding_height,
                                        tile.column - s_.padding_width, pixels);
      kernels_.source(pixels, s_.channels, x + (i - first) * in.row, in.place);
      dy_.template Find<kWinogradResult>(tile.image, tile.row, tile.column, pixels);
      kernels_.gradient(pixels, s_.out_channels, dy + (i - first) * out.row, out.place);
    }
    OuterBlock b = {};
    b.rows = 1;
    b.width = last - first;
    b.left_pixel_stride = out.row;
    b.left_channels = s_.out_channels;
    b.right_pixel_stride = in.row;
    b.right_channels = s_.channels;
    b.dw_row_stride = s_.channels;
    b.adds = adds;
    for (int64_t place = 0; place < kWinogradPlaces; ++place) {
      b.left = dy + place * out.place;
      b.right = x + place * in.place;
      b.dw = sums + place * s_.out_channels * s_.channels;
      winograd_.products.outer(b);
    }
  }

  const Winograd& winograd_;
  const WinogradImageKernels<Image>& kernels_;
  const ConvSize& s_;
  WinogradImages<Image> x_, dy_;
  WinogradTiles tiles_;
};

}  // namespace

template <class Image>
void WinogradWeightGradient(const Winograd& winograd, const ConvSize& s, const Image* x,
                            const Image* dy, float* dw) {
  const Gradient<Image> gradient(winograd, KernelsOf(winograd.tiles, x), s, x, dy);
  const int64_t tiles = s.batch * WinogradTiles{s.out_height, s.out_width}.of_image();
  const int64_t run = TilesOfRun(tiles), runs = CeilDiv(tiles, run);
  if (runs == 1) return gradient.Run(0, tiles, dw);
  float* parts = GetScratch<float>(ScratchUse::kConvParts, runs * s.weights());
  ParallelFor(tiles, run, [&](int64_t begin, int64_t end) {
    gradient.Run(begin, end, parts + begin / run * s.weights());
  });
  constexpr int64_t kColumns = 8192;
  ParallelFor(s.weights(), kColumns, [&](int64_t begin, int64_t end) {
    ActiveGemmKernels(float()).sum_rows(runs, end - begin, parts + begin, s.weights(), dw + begin);
  });
}

template void WinogradWeightGradient(const Winograd&, const ConvSize&, const float*, const float*,
                                     float*);
template void WinogradWeightGradient(const Winograd&, const ConvSize&, const BFloat16*,
                                     const BFloat16*, float*);

}  // namespace autograd::kernels
