#include "nn/data/mnist.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nn/data/idx.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Tensor;

// The path of the file called `name`, plain or packed. Any entry of the folder counts: a file that
// cannot be read is an error, not a reason to look for another one.
absl::StatusOr<std::string> FindFile(const std::string& folder, const std::string& name) {
  const std::string plain = (std::filesystem::path(folder) / name).string();
  for (const std::string& path : {plain, plain + ".gz"}) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() != std::filesystem::file_type::not_found) return path;
  }
  return absl::NotFoundError(absl::StrCat("there is neither ", plain, " nor ", plain, ".gz"));
}

absl::Status CheckLabels(const std::string& path, const Tensor& labels) {
  constexpr uint64_t kHeader = 8;
  const std::span<const uint8_t> values = labels.span<uint8_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < kMnistClasses) continue;
    return absl::InvalidArgumentError(absl::StrCat(path, ": offset ", kHeader + i,
                                                   ": expected a label from 0 to ",
                                                   kMnistClasses - 1, ", got ", values[i]));
  }
  return absl::OkStatus();
}

// What bytes are as numbers in [-1, 1].
const std::array<float, 256>& PixelValues() {
  static const std::array<float, 256> values = [] {
    std::array<float, 256> table;
    for (size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<float>(static_cast<double>(i) / 127.5 - 1);
    }
    return table;
  }();
  return values;
}

}  // namespace

absl::StatusOr<LabelledImages> LoadLabelledImages(const std::string& folder,
                                                  const std::string& prefix) {
  const absl::StatusOr<std::string> images_path = FindFile(folder, prefix + "-images-idx3-ubyte");
  if (!images_path.ok()) return images_path.status();
  const absl::StatusOr<std::string> labels_path = FindFile(folder, prefix + "-labels-idx1-ubyte");
  if (!labels_path.ok()) return labels_path.status();
  // The labels first: they are short, and often tell that a folder is the wrong one.
  const absl::StatusOr<Tensor> labels = ReadIdx(*labels_path, IdxFormat{DType::kU8, 1});
  if (!labels.ok()) return labels.status();
  if (absl::Status status = CheckLabels(*labels_path, *labels); !status.ok()) return status;
  const absl::StatusOr<Tensor> images = ReadIdx(*images_path, IdxFormat{DType::kU8, 3});
  if (!images.ok()) return images.status();
  const int64_t count = images->size(0);
  if (count != labels->size(0)) {
    return absl::InvalidArgumentError(absl::StrCat(*images_path, " has ", count, " images, but ",
                                                   *labels_path, " has ", labels->size(0),
                                                   " labels"));
  }
  if (images->numel() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        *images_path, ": offset 4: expected images, got ", images->shape().ToString()));
  }
  const std::span<const uint8_t> values = labels->span<uint8_t>();
  return LabelledImages{
      *images, Tensor::FromVector(std::vector<int64_t>(values.begin(), values.end()), {count})};
}

absl::StatusOr<Mnist> LoadMnist(const std::string& folder) {
  absl::StatusOr<LabelledImages> train = LoadLabelledImages(folder, "train");
  if (!train.ok()) return train.status();
  absl::StatusOr<LabelledImages> test = LoadLabelledImages(folder, "t10k");
  if (!test.ok()) return test.status();
  for (const int axis : {1, 2}) {
    if (train->images.size(axis) == test->images.size(axis)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        folder, ": images of one size are expected, got ", train->images.shape().ToString(),
        " for training and ", test->images.shape().ToString(), " for tests"));
  }
  return Mnist{*std::move(train), *std::move(test)};
}

Tensor ImagesToFloat(const Tensor& images) {
  if (!images.defined() || images.dtype() != DType::kU8 || images.rank() != 3 ||
      !images.is_contiguous()) {
    throw std::invalid_argument(absl::StrCat(
        "ImagesToFloat: wants a contiguous u8 tensor [n, height, width], got ", Describe(images)));
  }
  autograd::Shape shape = images.shape();
  shape.push_back(1);
  const Tensor result = Tensor::Empty(shape);
  const std::array<float, 256>& table = PixelValues();
  const uint8_t* from = images.raw<uint8_t>();
  float* to = result.raw<float>();
  for (int64_t i = 0; i < images.numel(); ++i) to[i] = table[from[i]];
  return result;
}

ImageDataset::ImageDataset(LabelledImages data) : data_(std::move(data)) {
  const Tensor &images = data_.images, &labels = data_.labels;
  if (!images.defined() || !labels.defined() || images.dtype() != DType::kU8 ||
      labels.dtype() != DType::kI64 || images.rank() != 3 || labels.rank() != 1 ||
      images.size(0) != labels.size(0) || !images.is_contiguous() || !labels.is_contiguous()) {
    throw std::invalid_argument(
        absl::StrCat("ImageDataset: wants contiguous images [n, height, width] u8 and labels [n] "
                     "i64, got ",
                     Describe(images), " and ", Describe(labels)));
  }
}

std::vector<Tensor> ImageDataset::Fetch(std::span<const int64_t> indices) const {
  return {ImagesToFloat(CopyRows(data_.images, indices)), CopyRows(data_.labels, indices)};
}

}  // namespace nn
