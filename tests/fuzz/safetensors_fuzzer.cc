// Whatever the bytes: reading them ends in tensors or in an error that names the input, and what
// was read survives writing.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

#include "autograd/io/safetensors.h"

namespace {

void Check(bool holds, const absl::Status& status) {
  if (holds) return;
  std::cerr << "safetensors_fuzzer: " << status << "\n";
  std::abort();
}

void ReadAndWrite(std::string_view bytes) {
  const absl::StatusOr<autograd::SafetensorsFile> file = autograd::ParseSafetensors(bytes, "input");
  if (!file.ok()) {
    Check(absl::IsInvalidArgument(file.status()) &&
              std::string(file.status().message()).starts_with("input: offset "),
          file.status());
    return;
  }
  const absl::StatusOr<std::string> written = autograd::SerializeSafetensors(*file);
  Check(written.ok(), written.status());
  const absl::StatusOr<autograd::SafetensorsFile> again =
      autograd::ParseSafetensors(*written, "written");
  Check(again.ok(), again.status());
  Check(again->tensors.size() == file->tensors.size(),
        absl::InternalError("tensors were lost when they were written and read"));
  // The first writing sorts by the items' sizes; empty tensors may keep another order still.
  std::map<std::string, autograd::Tensor> by_name(again->tensors.begin(), again->tensors.end());
  for (const auto& [name, tensor] : file->tensors) {
    const autograd::SafetensorsFile one = {{{"x", tensor}}, {}};
    const autograd::SafetensorsFile other = {{{"x", by_name[name]}}, {}};
    Check(by_name[name].defined() && autograd::SerializeSafetensors(one).value() ==
                                         autograd::SerializeSafetensors(other).value(),
          absl::InternalError("tensor " + name + " changed when it was written and read"));
  }
}

// The bytes with the length of the header that ends with the last brace: a change within the header
// nearly always makes its length wrong, and would be found out before the header is looked at.
std::string WithRightLength(std::string_view bytes) {
  std::string fixed(bytes);
  const size_t brace = bytes.rfind('}');
  if (brace == std::string_view::npos || brace < 8) return fixed;
  const uint64_t length = brace + 1 - 8;
  std::memcpy(fixed.data(), &length, sizeof(length));
  return fixed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadAndWrite(bytes);
  ReadAndWrite(WithRightLength(bytes));
  return 0;
}
