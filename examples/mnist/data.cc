#include "examples/mnist/data.h"

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/mnist/model.h"

namespace examples::mnist {
namespace {

uLong AddTo(uLong sum, const void* bytes, size_t count) {
  return crc32_z(sum, static_cast<const Bytef*>(bytes), count);
}

}  // namespace

absl::StatusOr<nn::Mnist> LoadImages(const std::string& folder) {
  absl::StatusOr<nn::Mnist> data = nn::LoadMnist(folder);
  if (!data.ok()) return data.status();
  const autograd::Tensor& images = data->train.images;
  if (images.size(1) != kImageSize || images.size(2) != kImageSize) {
    return absl::InvalidArgumentError(absl::StrCat(folder, ": the images are ", images.size(1),
                                                   " x ", images.size(2), " pixels, expected ",
                                                   kImageSize, " x ", kImageSize));
  }
  return data;
}

std::string Fingerprint(const nn::LabelledImages& data) {
  const std::span<const uint8_t> images = data.images.span<uint8_t>();
  const std::span<const int64_t> labels = data.labels.span<int64_t>();
  const uLong sum = AddTo(AddTo(crc32_z(0, nullptr, 0), images.data(), images.size()),
                          labels.data(), labels.size_bytes());
  return absl::StrFormat("%d images, crc32 %08x", data.labels.size(0), sum);
}

}  // namespace examples::mnist
