#include "nn/data/augment.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"

namespace nn {
namespace {

using autograd::Generator;
using autograd::Tensor;

// The images with their elements in row-major order.
Tensor DenseImages(const char* function, const Tensor& images) {
  if (!images.defined() || images.rank() != 4) {
    throw std::invalid_argument(absl::StrCat(
        function, ": wants images [batch, height, width, channels], got ", Describe(images)));
  }
  const autograd::NoGrad guard;
  return images.is_contiguous() ? images.Detach() : autograd::Clone(images);
}

size_t PixelBytes(const Tensor& images) {
  return static_cast<size_t>(images.size(3)) * autograd::ItemSize(images.dtype());
}

// Copies the part of an image [height, width] of pixels that begins at (top, left), which may lie
// partly outside of it, to where it belongs in a result [rows, columns] of pixels.
struct Window {
  int64_t height, width, rows, columns;
  size_t pixel_bytes;

  void Copy(const char* image, int64_t top, int64_t left, char* result) const {
    const int64_t first_row = std::max<int64_t>(0, -top), end_row = std::min(rows, height - top);
    const int64_t first = std::max<int64_t>(0, -left), end = std::min(columns, width - left);
    if (first >= end) return;
    for (int64_t row = first_row; row < end_row; ++row) {
      std::memcpy(result + static_cast<size_t>(row * columns + first) * pixel_bytes,
                  image + static_cast<size_t>((top + row) * width + left + first) * pixel_bytes,
                  static_cast<size_t>(end - first) * pixel_bytes);
    }
  }
};

std::vector<int64_t> Places(int64_t count, int64_t places, Generator& generator) {
  std::vector<int64_t> drawn(static_cast<size_t>(count));
  generator.Integers(0, places, drawn.data(), count);
  return drawn;
}

Tensor Crop(const char* function, const Tensor& images, Generator& generator,
            const RandomCropOptions& options) {
  const Tensor from = DenseImages(function, images);
  const int64_t count = from.size(0), height = from.size(1), width = from.size(2);
  const int64_t rows = options.height == 0 ? height : options.height;
  const int64_t columns = options.width == 0 ? width : options.width;
  // Keeps the sums far from overflow.
  constexpr int64_t kMost = int64_t{1} << 40;
  const int64_t padding = options.padding;
  if (padding < 0 || padding > kMost || rows < 0 || columns < 0 || rows > height + 2 * padding ||
      columns > width + 2 * padding) {
    throw std::invalid_argument(absl::StrCat(function, ": cannot cut ", rows, " rows and ", columns,
                                             " columns out of ", Describe(images),
                                             " with a padding of ", padding));
  }
  const Tensor result =
      autograd::Full({count, rows, columns, from.size(3)}, options.fill, from.dtype());
  const std::vector<int64_t> tops = Places(count, height + 2 * padding - rows + 1, generator);
  const std::vector<int64_t> lefts = Places(count, width + 2 * padding - columns + 1, generator);
  const Window window = {height, width, rows, columns, PixelBytes(from)};
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    window.Copy(from.raw<char>() + at * static_cast<size_t>(height * width) * window.pixel_bytes,
                tops[at] - padding, lefts[at] - padding,
                result.raw<char>() + at * static_cast<size_t>(rows * columns) * window.pixel_bytes);
  }
  return result;
}

}  // namespace

Tensor RandomHorizontalFlip(const Tensor& images, Generator& generator, double probability) {
  const Tensor from = DenseImages("RandomHorizontalFlip", images);
  const int64_t count = from.size(0), height = from.size(1), width = from.size(2);
  // Written so that NaN is refused, too.
  if (!(probability >= 0 && probability <= 1)) {
    throw std::invalid_argument(
        absl::StrCat("RandomHorizontalFlip: wants a probability from 0 to 1, got ", probability));
  }
  const auto mirrored = std::make_unique<bool[]>(static_cast<size_t>(count));
  generator.Bernoulli(probability, mirrored.get(), count);
  const Tensor result = autograd::Clone(from);
  const size_t pixel_bytes = PixelBytes(from);
  for (int64_t i = 0; i < count; ++i) {
    if (!mirrored[static_cast<size_t>(i)]) continue;
    for (int64_t row = i * height; row < (i + 1) * height; ++row) {
      const char* source = from.raw<char>() + static_cast<size_t>((row + 1) * width) * pixel_bytes;
      char* target = result.raw<char>() + static_cast<size_t>(row * width) * pixel_bytes;
      for (int64_t x = 0; x < width; ++x, target += pixel_bytes) {
        source -= pixel_bytes;
        std::memcpy(target, source, pixel_bytes);
      }
    }
  }
  return result;
}

Tensor RandomCrop(const Tensor& images, Generator& generator, const RandomCropOptions& options) {
  return Crop("RandomCrop", images, generator, options);
}

Tensor RandomShift(const Tensor& images, int64_t most, Generator& generator, double fill) {
  return Crop("RandomShift", images, generator, {.padding = most, .fill = fill});
}

}  // namespace nn
