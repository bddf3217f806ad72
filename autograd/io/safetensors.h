// safetensors: named tensors and text metadata in one file, readable from Python
// (safetensors.torch.load_file).
//
// The format: 8 bytes with the length N of the header, little-endian; N bytes of JSON, {"name":
// {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {"key":
// "text"}}; then the data, row-major, little-endian, without gaps. Files written here carry the
// version of their conventions in the metadata key "format_version" ("1"); files without the key,
// such as PyTorch's, are read too, and other versions refused.
//
// Reading is strict: a header over 100 MB, bytes behind the last tensor, overlapping tensors,
// holes, sizes that overflow, unknown dtypes and keys, truncated data and duplicate names are
// errors that name the path, the offset and the tensor. Tensors of more than 8 axes are not read.
// Source of the format: the README of Hugging Face's safetensors.
//
// Example:
//   SafetensorsFile file;
//   file.tensors = {{"net.0.weight", Ones({64, 3})}, {"net.0.bias", Zeros({64})}};
//   file.metadata = {{"model", "mlp"}};
//   absl::Status written = WriteSafetensors("model.safetensors", file);
//   absl::StatusOr<SafetensorsFile> read = ReadSafetensors("model.safetensors");
//   if (read.ok()) std::cout << read->tensors.size() << " tensors\n";
#ifndef AUTOGRAD_IO_SAFETENSORS_H_
#define AUTOGRAD_IO_SAFETENSORS_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"

namespace autograd {

struct SafetensorsFile {
  // Read: in the order of their data.
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;
};

// NotFound and the like if the file cannot be read, InvalidArgument if it is malformed,
// ResourceExhausted if memory does not suffice.
absl::StatusOr<SafetensorsFile> ReadSafetensors(const std::string& path);
// The same from memory; `name` stands for the path in errors.
absl::StatusOr<SafetensorsFile> ParseSafetensors(std::string_view bytes, std::string_view name);

// Atomic, as WriteFileAtomically. InvalidArgument for duplicate or reserved names, undefined
// tensors, and text that is not UTF-8. The same contents give the same bytes.
absl::Status WriteSafetensors(const std::string& path, const SafetensorsFile& file);
absl::StatusOr<std::string> SerializeSafetensors(const SafetensorsFile& file);

}  // namespace autograd

#endif  // AUTOGRAD_IO_SAFETENSORS_H_
