// Whatever the bytes: reading them ends in a tensor or in an error that names the input, and what
// can be read plain can be read packed.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "nn/data/idx.h"
#include "tests/nn/data/gzip.h"

namespace {

void Check(bool holds, const absl::Status& status) {
  if (holds) return;
  std::cerr << "idx_fuzzer: " << status << "\n";
  std::abort();
}

// The bytes of a tensor.
std::string_view Bytes(const autograd::Tensor& tensor) {
  return {tensor.raw<char>(),
          static_cast<size_t>(tensor.numel()) * autograd::ItemSize(tensor.dtype())};
}

absl::StatusOr<autograd::Tensor> Read(std::string_view bytes) {
  absl::StatusOr<autograd::Tensor> tensor = nn::ParseIdx(bytes, "input");
  if (!tensor.ok()) {
    Check(absl::IsInvalidArgument(tensor.status()) &&
              std::string(tensor.status().message()).starts_with("input: offset "),
          tensor.status());
  }
  return tensor;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<autograd::Tensor> tensor = Read(bytes);
  // Changes of packed bytes are nearly always noticed by their checksum, so the bytes are also read
  // as what a packed file holds.
  const absl::StatusOr<autograd::Tensor> unpacked = Read(nn::testing::Gzip(bytes));
  const bool packed = bytes.starts_with("\x1f\x8b");
  Check(packed ? !unpacked.ok() : unpacked.ok() == tensor.ok(),
        absl::InternalError("packed and plain data are not read alike"));
  if (packed || !tensor.ok()) return 0;
  Check(unpacked->shape() == tensor->shape() && unpacked->dtype() == tensor->dtype() &&
            Bytes(*unpacked) == Bytes(*tensor),
        absl::InternalError("the tensor changed when it was packed"));
  return 0;
}
