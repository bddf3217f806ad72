// Whatever the bytes: reading them ends in a tensor or in an error that names the input, and what
// was read survives writing.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "autograd/io/npy.h"

namespace {

void Check(bool holds, const absl::Status& status) {
  if (holds) return;
  std::cerr << "npy_fuzzer: " << status << "\n";
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<autograd::Tensor> tensor = autograd::ParseNpy(bytes, "input");
  if (!tensor.ok()) {
    Check(absl::IsInvalidArgument(tensor.status()) &&
              std::string(tensor.status().message()).starts_with("input: offset "),
          tensor.status());
    return 0;
  }
  const absl::StatusOr<std::string> written = autograd::SerializeNpy(*tensor);
  Check(written.ok(), written.status());
  const absl::StatusOr<autograd::Tensor> again = autograd::ParseNpy(*written, "written");
  Check(again.ok(), again.status());
  Check(again->shape() == tensor->shape() && again->dtype() == tensor->dtype() &&
            autograd::SerializeNpy(*again).value() == *written,
        absl::InternalError("the tensor changed when it was written and read"));
  return 0;
}
