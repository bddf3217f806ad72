// The JSON header of a safetensors file: where each tensor lies. See safetensors.h.
#ifndef AUTOGRAD_IO_SAFETENSORS_HEADER_H_
#define AUTOGRAD_IO_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"
#include "autograd/io/byte_source.h"
#include "autograd/shape.h"

namespace autograd::internal {

// The header starts behind its length.
inline constexpr uint64_t kSafetensorsHeaderOffset = 8;
// What the format allows.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;
inline constexpr char kSafetensorsMetadata[] = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  // The tensor's bytes, counted from the end of the header.
  uint64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// The tensors in the order of their data, which was found to be gapless; InvalidArgument with
// `source`'s name, the offset and what was expected. Takes memory proportional to the text.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view text,
                                                         const ByteSource& source);

// The header's text, padded so that the data starts at a multiple of 8. Offsets are not looked at:
// the data is in this order. InvalidArgument for duplicate or reserved names and text that is not
// UTF-8.
absl::StatusOr<std::string> MakeSafetensorsHeader(const SafetensorsHeader& header);

}  // namespace autograd::internal

#endif  // AUTOGRAD_IO_SAFETENSORS_HEADER_H_
