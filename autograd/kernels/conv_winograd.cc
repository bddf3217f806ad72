#include "autograd/kernels/conv_winograd.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/conv_offset.h"
#include "autograd/kernels/conv_winograd_tiles.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Bytes of a task's transformed tiles, which should stay in the second-level cache, and the most
// and the fewest tiles of a task: enough for the products to be worth their weights' way to the
// registers.
constexpr int64_t kTaskBytes = 512 * 1024;
constexpr int64_t kMinTiles = 14, kMaxTiles = 84;
// Tasks come in multiples of this, for threads to have as many of them.
constexpr int64_t kTasks = 4;
// Weights that are worth a thread of their own.
constexpr int64_t kTaskWeights = 1024;

// One convolution of stride 1 and what the three functions make of a ConvSize.
template <class Image>
struct Pass {
  int64_t batch;
  WinogradImages<Image> source;
  WinogradTiles tiles;  // of the result
  int64_t outputs;
  int64_t padding_height, padding_width;
  ConvEpilogue<Image> epilogue;
  Image* to;
};

int64_t TilesOfTask(int64_t tiles, int64_t tile_floats) {
  const int64_t tile_bytes = kWinogradPlaces * static_cast<int64_t>(sizeof(float)) * tile_floats;
  const int64_t most = std::clamp(kTaskBytes / tile_bytes, kMinTiles, kMaxTiles);
  const int64_t tasks = CeilDiv(CeilDiv(tiles, most), kTasks) * kTasks;
  return std::max(std::min(tiles, kMinTiles), CeilDiv(tiles, tasks));
}

// Weights [out, 3, 3, channels] as DirectKernels::pack orders them, for sums over `channels` or,
// `turned` by half, over `out`, and transformed: place after place.
struct PackedWeights {
  const float* weights;
  int64_t place;
};

PackedWeights Pack(const Winograd& winograd, int64_t out, int64_t channels, const float* w,
                   bool turned) {
  const ConvF32Kernels& kernels = winograd.products.f32;
  const int64_t filter = kWinogradTaps * channels;
  const int64_t sources = turned ? out : channels, outputs = turned ? channels : out;
  const int64_t source_stride = turned ? filter : 1, output_stride = turned ? 1 : filter;
  const int64_t cols = kernels.cols, panels = CeilDiv(outputs, cols);
  const int64_t panel = cols * sources, tap_size = panels * panel;
  const int64_t place = PlaceStride(tap_size);
  float* raw = GetScratch<float>(ScratchUse::kWinogradWeights, kWinogradTaps * tap_size);
  float* packed = GetScratch<float>(ScratchUse::kConvWeights, kWinogradPlaces * place);
  // Taps first, of which there are fewer than places; the transform does not care for the order.
  ParallelFor(
      kWinogradTaps * panels, CeilDiv(kTaskWeights, panel), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t t = i / panels, o = i % panels * cols;
          const int64_t tap = turned ? kWinogradTaps - 1 - t : t;
          kernels.pack(sources, std::min(cols, outputs - o), w + tap * channels + o * output_stride,
                       source_stride, output_stride, raw + t * tap_size + o * sources);
        }
      });
  ParallelFor(tap_size, kTaskWeights, [&](int64_t begin, int64_t end) {
    const float* taps[kWinogradTaps];
    for (int t = 0; t < kWinogradTaps; ++t) taps[t] = raw + t * tap_size + begin;
    winograd.transforms.weights(taps, end - begin, packed + begin, place);
  });
  return {packed, place};
}

// Tiles [first, last) of the result.
template <class Image>
class Task {
 public:
  Task(const Winograd& winograd, const Pass<Image>& pass, const PackedWeights& w, int64_t first,
       int64_t last)
      : winograd_(winograd),
        kernels_(KernelsOf(winograd.transforms, pass.to)),
        p_(pass),
        w_(w),
        first_(first),
        count_(last - first),
        in_(count_, pass.source.channels(), winograd.transforms.lanes),
        out_(count_, pass.outputs, winograd.transforms.lanes),
        v_(GetScratch<float>(ScratchUse::kPatches, in_.size() + out_.size())),
        m_(v_ + in_.size()) {}

  void Run() const {
    for (int64_t i = 0; i < count_; ++i) TransformSource(i);
    for (int64_t place = 0; place < kWinogradPlaces; ++place) Multiply(place);
    int64_t image = -1;
    const float* offset = nullptr;
    for (int64_t i = 0; i < count_; ++i) {
      const WinogradTile tile(p_.tiles, first_ + i);
      if (tile.image != image) offset = ImageOffset(p_.epilogue, p_.outputs, tile.image);
      image = tile.image;
      TransformResult(i, tile, offset);
    }
  }

 private:
  void TransformSource(int64_t i) const {
    const WinogradTile tile(p_.tiles, first_ + i);
    const Image* pixels[kWinogradPlaces];
    p_.source.template Find<kWinogradSource>(tile.image, tile.row - p_.padding_height,
                                             tile.column - p_.padding_width, pixels);
    kernels_.source(pixels, p_.source.channels(), v_ + i * in_.row, in_.place);
  }

  // The sums over channels at a place, of all tiles.
  void Multiply(int64_t place) const {
    constexpr int64_t kOffset = 0;
    DirectBlock<float, float> b = {};
    b.rows = 1;
    b.width = count_;
    b.outputs = out_.row;  // with the zeros behind them
    b.x = v_ + place * in_.place;
    b.x_pixel_stride = in_.row;
    b.taps = 1;
    b.channels = p_.source.channels();
    b.tap_offsets = &kOffset;
    b.w = w_.weights + place * w_.place;
    b.y = m_ + place * out_.place;
    b.y_pixel_stride = out_.row;
    winograd_.products.f32.direct(b);
  }

  void TransformResult(int64_t i, const WinogradTile& tile, const float* offset) const {
    WinogradResult<Image> to;
    to.offset = offset;
    to.pixel_stride = p_.outputs;
    to.row_stride = p_.tiles.width * p_.outputs;
    const int64_t at =
        (tile.image * p_.tiles.height + tile.row) * to.row_stride + tile.column * p_.outputs;
    to.residual = p_.epilogue.residual == nullptr ? nullptr : p_.epilogue.residual + at;
    to.y = p_.to + at;
    to.rows = tile.rows;
    to.columns = tile.columns;
    kernels_.result(m_ + i * out_.row, out_.place, p_.outputs, to);
  }

  const Winograd& winograd_;
  const WinogradImageKernels<Image>& kernels_;
  const Pass<Image>& p_;
  const PackedWeights& w_;
  int64_t first_, count_;
  WinogradLayout in_, out_;
  float* v_;  // of the source
  float* m_;  // of the result
};

template <class Image>
void Run(const Winograd& winograd, const Pass<Image>& pass, const PackedWeights& w) {
  const int64_t tiles = pass.batch * pass.tiles.of_image();
  const int64_t grain = TilesOfTask(tiles, pass.source.channels() + pass.outputs);
  ParallelFor(tiles, grain, [&](int64_t begin, int64_t end) {
    Task<Image>(winograd, pass, w, begin, end).Run();
  });
}

// A transform of a vector of pixels or weights, to or fro, takes about as long as this many
// multiply-adds of vectors.
constexpr int64_t kTransform = 300;

// Whether tiles take sufficiently fewer multiply-adds of vectors than the `direct` ones for each
// pixel. Decided for one image, so that its result does not depend on how many others there are.
bool PrefersTiles(const Winograd& winograd, const WinogradTiles& tiles, int64_t channels,
                  int64_t outputs, int64_t direct) {
  constexpr double kSufficient = 0.85;
  const int64_t lanes = winograd.transforms.lanes;
  const int64_t in = CeilDiv(channels, lanes), out = CeilDiv(outputs, lanes);
  const int64_t tile = kWinogradPlaces * channels * out + kTransform * (in + out);
  return static_cast<double>(tiles.of_image() * tile) <
         kSufficient * static_cast<double>(tiles.height * tiles.width * direct);
}

// Of forward and the input's gradient.
bool PrefersTiles(const Winograd& winograd, const WinogradTiles& tiles, int64_t channels,
                  int64_t outputs) {
  constexpr int64_t kSum = 8;
  const int64_t lanes = winograd.transforms.lanes;
  const int64_t in = CeilDiv(channels, lanes), out = CeilDiv(outputs, lanes);
  const int64_t direct = kWinogradTaps * CeilDiv(channels, winograd.direct_depth) * out;
  // Few outputs are products of vectors of channels, summed at the end (DirectKernels::dot).
  const int64_t dots = outputs * (kWinogradTaps * in + kSum);
  return PrefersTiles(winograd, tiles, channels, outputs, std::min(direct, dots));
}

// What tiles can do, of weights whose transform, four times as large, is not too much for the
// caches.
bool Fits(const ConvSize& s) {
  constexpr int64_t kMostWeights = 9 * 320 * 320;
  return s.kernel_height == kWinogradKernel && s.kernel_width == kWinogradKernel &&
         s.stride_height == 1 && s.stride_width == 1 && s.dilation_height == 1 &&
         s.dilation_width == 1 && s.groups == 1 && s.padding_height < kWinogradKernel &&
         s.padding_width < kWinogradKernel && s.batch > 0 && s.weights() > 0 &&
         s.weights() <= kMostWeights;
}

}  // namespace

bool PrefersWinogradForward(const Winograd& winograd, const ConvSize& s) {
  return Fits(s) && PrefersTiles(winograd, {s.out_height, s.out_width}, s.channels, s.out_channels);
}

bool PrefersWinogradInputGradient(const Winograd& winograd, const ConvSize& s) {
  return Fits(s) && PrefersTiles(winograd, {s.height, s.width}, s.out_channels, s.channels);
}

bool PrefersWinogradWeightGradient(const Winograd& winograd, const ConvSize& s) {
  const int64_t lanes = winograd.transforms.lanes;
  const int64_t in = CeilDiv(s.channels, lanes), out = CeilDiv(s.out_channels, lanes);
  // The way without tiles has vectors of either image's channels (RowsAreOutputs).
  const int64_t direct =
      kWinogradTaps * std::min(s.out_channels * in, s.channels * out) / winograd.direct_depth;
  const WinogradTiles tiles = {s.out_height, s.out_width};
  // The sums' transform at the end has to be little of the work.
  const bool has_many = s.batch * tiles.of_image() * kWinogradPlaces > 2 * kTransform;
  return Fits(s) && has_many && PrefersTiles(winograd, tiles, s.out_channels, s.channels, direct);
}

template <class Image>
void WinogradForward(const Winograd& winograd, const ConvSize& s, const Image* x, const float* w,
                     const ConvEpilogue<Image>& epilogue, Image* y) {
  const WinogradZeros<Image> zeros(s.channels);
  const Pass<Image> pass = {s.batch,
                            WinogradImages(x, s.height, s.width, s.channels, zeros),
                            {s.out_height, s.out_width},
                            s.out_channels,
                            s.padding_height,
                            s.padding_width,
                            epilogue,
                            y};
  Run(winograd, pass, Pack(winograd, s.out_channels, s.channels, w, false));
}

template <class Image>
void WinogradInputGradient(const Winograd& winograd, const ConvSize& s, const Image* dy,
                           const float* w, const ConvEpilogue<Image>& epilogue, Image* dx) {
  const WinogradZeros<Image> zeros(s.out_channels);
  const Pass<Image> pass = {s.batch,
                            WinogradImages(dy, s.out_height, s.out_width, s.out_channels, zeros),
                            {s.height, s.width},
                            s.channels,
                            kWinogradKernel - 1 - s.padding_height,
                            kWinogradKernel - 1 - s.padding_width,
                            epilogue,
                            dx};
  Run(winograd, pass, Pack(winograd, s.out_channels, s.channels, w, true));
}

template void WinogradForward(const Winograd&, const ConvSize&, const float*, const float*,
                              const ConvEpilogue<float>&, float*);
template void WinogradForward(const Winograd&, const ConvSize&, const BFloat16*, const float*,
                              const ConvEpilogue<BFloat16>&, BFloat16*);
template void WinogradInputGradient(const Winograd&, const ConvSize&, const float*, const float*,
                                    const ConvEpilogue<float>&, float*);
template void WinogradInputGradient(const Winograd&, const ConvSize&, const BFloat16*, const float*,
                                    const ConvEpilogue<BFloat16>&, BFloat16*);

#ifdef AUTOGRAD_X86
const WinogradKernels* ActiveWinogradKernels() {
  const Isa isa = ActiveIsa();
  if (isa >= Isa::kAvx512Bf16) return &kWinogradAvx512Bf16;
  if (isa == Isa::kAvx512) return &kWinogradAvx512;
  return isa == Isa::kAvx2 ? &kWinogradAvx2 : nullptr;
}
#else
const WinogradKernels* ActiveWinogradKernels() { return nullptr; }
#endif

}  // namespace autograd::kernels
