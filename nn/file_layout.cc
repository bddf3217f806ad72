#include "nn/file_layout.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/shape.h"

namespace nn {

using autograd::Tensor;

FileLayout::FileLayout(Kind kind) : kind_(kind) {
  if (kind == kFlattenedImage) {
    throw std::invalid_argument(
        "FileLayout: kFlattenedImage needs the image's size; call FileLayout::FlattenedImage");
  }
}

FileLayout FileLayout::FlattenedImage(int64_t height, int64_t width, int64_t channels) {
  if (height < 1 || width < 1 || channels < 1) {
    throw std::invalid_argument(
        absl::StrCat("FileLayout::FlattenedImage: wants positive sizes, got height ", height,
                     ", width ", width, " and channels ", channels));
  }
  return FileLayout(kFlattenedImage, height, width, channels);
}

bool FileLayout::Fits(const autograd::Shape& shape) const {
  switch (kind_) {
    case kConvWeight:
      return shape.rank() == 4;
    case kFlattenedImage:
      return shape.rank() == 2 && shape[1] == height_ * width_ * channels_;
    case kAsIs:
      break;
  }
  return true;
}

void FileLayout::CheckFits(const char* function, const Tensor& tensor) const {
  if (tensor.defined() && Fits(tensor.shape())) return;
  const std::string wanted = kind_ == kConvWeight
                                 ? "a convolution's weight of rank 4"
                                 : absl::StrCat("[out, ", height_ * width_ * channels_, "]");
  throw std::invalid_argument(
      absl::StrCat(function, ": wants ", wanted, ", got ", Describe(tensor)));
}

Tensor FileLayout::ToFile(const Tensor& in_memory) const {
  if (kind_ == kAsIs) return in_memory;
  CheckFits("FileLayout::ToFile", in_memory);
  const autograd::NoGrad guard;
  if (kind_ == kConvWeight) return Contiguous(Permute(in_memory, {0, 3, 1, 2}));
  const int64_t out = in_memory.size(0);
  const Tensor image = Reshape(in_memory, {out, height_, width_, channels_});
  return Reshape(Permute(image, {0, 3, 1, 2}), in_memory.shape());
}

Tensor FileLayout::FromFile(const Tensor& in_file) const {
  if (kind_ == kAsIs) return in_file;
  CheckFits("FileLayout::FromFile", in_file);
  const autograd::NoGrad guard;
  if (kind_ == kConvWeight) return Contiguous(Permute(in_file, {0, 2, 3, 1}));
  const int64_t out = in_file.size(0);
  const Tensor image = Reshape(in_file, {out, channels_, height_, width_});
  return Reshape(Permute(image, {0, 2, 3, 1}), in_file.shape());
}

}  // namespace nn
