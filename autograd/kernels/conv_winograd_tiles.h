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

// Dense images [batch, height, width, channels] that are zero around their borders.
template <class Image>
class WinogradImages {
 public:
  WinogradImages(const Image* images, int64_t height, int64_t width, int64_t channels)
      : images_(images), height_(height), width_(width), channels_(channels) {
    Image* zeros = GetScratch<Image>(ScratchUse::kWinogradZeros, channels);
    std::fill_n(zeros, channels, Image());
    zeros_ = zeros;
  }
  int64_t channels() const { return channels_; }

  // pixels[i * kSide + j] = the channels of pixel (row + i, column + j) of image n.
  template <int kSide>
  void Find(int64_t n, int64_t row, int64_t column, const Image** pixels) const {
    const Image* image = images_ + n * height_ * width_ * channels_;
    for (int64_t i = row; i < row + kSide; ++i) {
      const Image* pixel = image + (i * width_ + column) * channels_;
      const bool outside = i < 0 || i >= height_;
      for (int64_t j = column; j < column + kSide; ++j, pixel += channels_) {
        *pixels++ = outside || j < 0 || j >= width_ ? zeros_ : pixel;
      }
    }
  }

 private:
  const Image* images_;
  int64_t height_, width_, channels_;
  const Image* zeros_;
};

// Some tiles' transforms: place after place, in each the channels of tile after tile, filled up to
// whole vectors.
struct WinogradLayout {
  WinogradLayout(int64_t tiles, int64_t channels, int lanes)
      : row(CeilDiv(channels, lanes) * lanes),
        // Not a multiple of a page, whose like addresses share few places of the nearest cache.
        place(tiles * row + 16) {}
  int64_t size() const { return kWinogradPlaces * place; }

  int64_t row, place;  // elements of a tile, and from one place to the next
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_WINOGRAD_TILES_H_
