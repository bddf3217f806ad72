// The tiles of an image and the pixels under them. Internal to conv_winograd.
#ifndef AUTOGRAD_KERNELS_CONV_WINOGRAD_TILES_H_
#define AUTOGRAD_KERNELS_CONV_WINOGRAD_TILES_H_

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/conv_winograd_kernels.h"
#include "autograd/kernels/gemm_scratch.h"

namespace autograd::kernels {

inline int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

inline const WinogradImageKernels<float>& KernelsOf(const WinogradKernels& kernels, const float*) {
  return kernels.f32;
}
inline const WinogradImageKernels<BFloat16>& KernelsOf(const WinogradKernels& kernels,
                                                       const BFloat16*) {
  return kernels.bf16;
}

// Tiles of kWinogradResult pixels a side over images of a size, image after image.
struct WinogradTiles {
  int64_t height, width;  // of the images

  int64_t columns() const { return CeilDiv(width, kWinogradResult); }
  int64_t of_image() const { return CeilDiv(height, kWinogradResult) * columns(); }
};

// One of them: its image, its first pixel, and how many of its pixels the image has.
struct WinogradTile {
  WinogradTile(const WinogradTiles& tiles, int64_t index)
      : image(index / tiles.of_image()),
        row(index % tiles.of_image() / tiles.columns() * kWinogradResult),
        column(index % tiles.columns() * kWinogradResult),
        rows(std::min<int64_t>(kWinogradResult, tiles.height - row)),
        columns(std::min<int64_t>(kWinogradResult, tiles.width - column)) {}
  int64_t image, row, column, rows, columns;
};

// The channels of a pixel beyond the border. Lies in the calling thread's memory, for all threads
// to read until its next use.
template <class Image>
class WinogradZeros {
 public:
  explicit WinogradZeros(int64_t channels)
      : data_(GetScratch<Image>(ScratchUse::kWinogradZeros, channels)) {
    std::fill_n(data_, channels, Image());
  }
  const Image* data() const { return data_; }

 private:
  Image* data_;
};

// Dense images [batch, height, width, channels] that are zero around their borders.
template <class Image>
class WinogradImages {
 public:
  // `zeros` of at least as many channels outlive this.
  WinogradImages(const Image* images, int64_t height, int64_t width, int64_t channels,
                 const WinogradZeros<Image>& zeros)
      : images_(images),
        height_(height),
        width_(width),
        channels_(channels),
        zeros_(zeros.data()) {}
  int64_t channels() const { return channels_; }

  // pixels[i * kSide + j] = the channels of pixel (row + i, column + j) of image n.
  template <int kSide>
  void Find(int64_t n, int64_t row, int64_t column, const Image** pixels) const {
    for (int64_t i = row; i < row + kSide; ++i) {
      const bool outside = i < 0 || i >= height_;
      const int64_t line = (n * height_ + i) * width_;
      for (int64_t j = column; j < column + kSide; ++j) {
        *pixels++ = outside || j < 0 || j >= width_ ? zeros_ : images_ + (line + j) * channels_;
      }
    }
  }

 private:
  const Image* images_;
  int64_t height_, width_, channels_;
  const Image* zeros_;
};

// Elements from one place to the next where `count` lie at each: not a multiple of a page, whose
// like addresses share few places of the nearest cache, and a transform goes through all places at
// once.
inline int64_t PlaceStride(int64_t count) {
  constexpr int64_t kLine = 16, kPage = 1024;
  const int64_t stride = CeilDiv(count, kLine) * kLine;
  return stride % kPage == 0 ? stride + kLine : stride;
}

// Some tiles' transforms: place after place, in each the channels of tile after tile, filled up to
// whole vectors.
struct WinogradLayout {
  WinogradLayout(int64_t tiles, int64_t channels, int lanes)
      : row(CeilDiv(channels, lanes) * lanes), place(PlaceStride(tiles * row)) {}
  int64_t size() const { return kWinogradPlaces * place; }

  int64_t row, place;  // elements of a tile, and from one place to the next
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_WINOGRAD_TILES_H_
