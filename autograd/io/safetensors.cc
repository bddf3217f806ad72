#include "autograd/io/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "autograd/io/file.h"
#include "autograd/io/raw_tensor.h"

namespace autograd {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr int kMaxDepth = 4;
constexpr char kMetadata[] = "__metadata__";
constexpr char kVersionKey[] = "format_version";
constexpr char kVersion[] = "1";

struct FileType {
  DType dtype;
  const char* name;
};
constexpr FileType kTypes[] = {{DType::kF32, "F32"},  {DType::kF64, "F64"}, {DType::kBF16, "BF16"},
                               {DType::kI32, "I32"},  {DType::kI64, "I64"}, {DType::kU8, "U8"},
                               {DType::kBool, "BOOL"}};

const char* FileTypeName(DType dtype) {
  for (const FileType& type : kTypes) {
    if (type.dtype == dtype) return type.name;
  }
  return nullptr;
}

absl::Status Error(std::string_view name, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(name), ": ", what));
}

// Parses the header. The library would keep the last of two equal keys and recurse into any depth;
// both are refused.
absl::StatusOr<Json> ParseHeader(std::string_view text, std::string_view name) {
  std::vector<std::set<std::string>> keys;
  std::string problem;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (depth > kMaxDepth && problem.empty()) problem = "the header is nested too deeply";
    if (event == Json::parse_event_t::key) {
      const std::string key = value.get<std::string>();
      if (!keys.back().insert(key).second && problem.empty()) {
        problem = absl::StrCat("the name '", key, "' occurs twice in the header");
      }
    }
    return problem.empty();
  };
  Json header;
  try {
    header = Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::parse_error& error) {
    return Error(name, absl::StrCat("offset ", 8 + error.byte, ": the header is not JSON"));
  }
  if (!problem.empty()) return Error(name, problem);
  if (!header.is_object()) return Error(name, "offset 8: the header is not a JSON object");
  return header;
}

struct Entry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  uint64_t begin = 0, end = 0;
};

// A JSON number that is an integer from 0 to 2^63 - 1.
bool ReadSize(const Json& value, uint64_t& size) {
  if (!value.is_number_unsigned()) return false;
  size = value.get<uint64_t>();
  return size <= static_cast<uint64_t>(INT64_MAX);
}

absl::StatusOr<Entry> ParseEntry(const std::string& key, const Json& json, std::string_view name) {
  Entry entry{key, {}, {}, 0, 0};
  const std::string where = absl::StrCat("tensor '", key, "'");
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return Error(name, where + ": expected an object with dtype, shape and data_offsets");
  }
  const Json &dtype = json["dtype"], &shape = json["shape"], &offsets = json["data_offsets"];
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const FileType& each) { return dtype == each.name; });
  if (type == std::end(kTypes)) {
    return Error(name, absl::StrCat(where, ": unknown dtype ",
                                    dtype.dump(-1, ' ', true, Json::error_handler_t::replace),
                                    ", expected F32, F64, BF16, I32, I64, U8 or BOOL"));
  }
  entry.dtype = type->dtype;
  if (!shape.is_array() || shape.size() > static_cast<size_t>(kMaxRank)) {
    return Error(name, where + ": expected a shape of at most 8 sizes");
  }
  for (const Json& size : shape) {
    uint64_t value = 0;
    if (!ReadSize(size, value)) return Error(name, where + ": a size is not an integer from 0");
    entry.shape.push_back(static_cast<int64_t>(value));
  }
  if (!offsets.is_array() || offsets.size() != 2 || !ReadSize(offsets[0], entry.begin) ||
      !ReadSize(offsets[1], entry.end) || entry.begin > entry.end) {
    return Error(name, where + ": expected data_offsets [begin, end] with 0 <= begin <= end");
  }
  return entry;
}

absl::Status ReadMetadata(const Json& json, std::string_view name,
                          std::map<std::string, std::string>& metadata) {
  if (!json.is_object()) return Error(name, "__metadata__ is not an object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) {
      return Error(name, absl::StrCat("__metadata__: the value of '", key, "' is not a string"));
    }
    metadata[key] = value.get<std::string>();
  }
  const auto version = metadata.find(kVersionKey);
  if (version != metadata.end() && version->second != kVersion) {
    return Error(name, absl::StrCat("format version '", version->second, "', expected ", kVersion));
  }
  return absl::OkStatus();
}

// Tensors must follow each other without overlap or hole and end with the data.
absl::Status CheckLayout(const std::vector<Entry>& entries, uint64_t data_size,
                         uint64_t data_offset, std::string_view name) {
  uint64_t position = 0;
  for (const Entry& entry : entries) {
    const std::string where = absl::StrCat("tensor '", entry.name, "'");
    if (entry.begin != position) {
      return Error(name, absl::StrCat(where, ": begins at data offset ", entry.begin, ", expected ",
                                      position, entry.begin < position ? " (overlap)" : " (hole)"));
    }
    if (entry.end > data_size) {
      return Error(name, absl::StrCat(where, ": ends at offset ", data_offset + entry.end,
                                      ", but the file has only ", data_offset + data_size,
                                      " bytes (truncated)"));
    }
    position = entry.end;
  }
  if (position != data_size) {
    return Error(name, absl::StrCat("offset ", data_offset + position, ": ", data_size - position,
                                    " bytes follow the last tensor"));
  }
  return absl::OkStatus();
}

uint64_t LittleEndian64(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

// The header of a file with these tensors, in this order.
Json MakeHeader(const std::vector<const std::pair<std::string, Tensor>*>& tensors,
                std::map<std::string, std::string> metadata) {
  metadata[kVersionKey] = kVersion;
  Json header = Json::object();
  header[kMetadata] = metadata;
  uint64_t offset = 0;
  for (const auto* named : tensors) {
    const Tensor& tensor = named->second;
    const uint64_t size = static_cast<uint64_t>(tensor.numel()) * ItemSize(tensor.dtype());
    Json shape = Json::array();
    for (const int64_t axis : tensor.shape()) shape.push_back(axis);
    header[named->first] = {{"dtype", FileTypeName(tensor.dtype())},
                            {"shape", shape},
                            {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  return header;
}

}  // namespace

absl::StatusOr<SafetensorsFile> ParseSafetensors(std::string_view bytes, std::string_view name) {
  if (bytes.size() < 8) return Error(name, "offset 0: expected the 8 bytes of the header's length");
  const uint64_t length = LittleEndian64(bytes);
  if (length > kMaxHeader) {
    return Error(name, absl::StrCat("offset 0: a header of ", length, " bytes, at most ",
                                    kMaxHeader, " are allowed"));
  }
  if (length > bytes.size() - 8) {
    return Error(name, absl::StrCat("offset 8: a header of ", length, " bytes in a file of ",
                                    bytes.size(), " (truncated)"));
  }
  absl::StatusOr<Json> header = ParseHeader(bytes.substr(8, length), name);
  if (!header.ok()) return header.status();
  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [key, value] : header->items()) {
    if (key == kMetadata) {
      if (absl::Status status = ReadMetadata(value, name, file.metadata); !status.ok())
        return status;
      continue;
    }
    absl::StatusOr<Entry> entry = ParseEntry(key, value, name);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  // By end too, so that empty tensors come before the one that begins where they are.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const std::string_view data = bytes.substr(8 + length);
  if (absl::Status status = CheckLayout(entries, data.size(), 8 + length, name); !status.ok()) {
    return status;
  }
  for (const Entry& entry : entries) {
    absl::StatusOr<Tensor> tensor = internal::TensorFromBytes(
        data.substr(entry.begin, entry.end - entry.begin), entry.shape, entry.dtype,
        absl::StrCat(std::string(name), ": tensor '", entry.name, "'"));
    if (!tensor.ok()) return tensor.status();
    file.tensors.emplace_back(entry.name, *std::move(tensor));
  }
  return file;
}

absl::StatusOr<SafetensorsFile> ReadSafetensors(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  return ParseSafetensors(*bytes, path);
}

absl::StatusOr<std::string> SerializeSafetensors(const SafetensorsFile& file) {
  std::vector<const std::pair<std::string, Tensor>*> order;
  std::set<std::string> names;
  for (const auto& named : file.tensors) {
    if (named.first == kMetadata || !names.insert(named.first).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("safetensors: the name '", named.first, "' is reserved or occurs twice"));
    }
    if (!named.second.defined()) {
      return absl::InvalidArgumentError(
          absl::StrCat("safetensors: the tensor '", named.first, "' is undefined"));
    }
    order.push_back(&named);
  }
  // Larger items first, so that every tensor is aligned to its item.
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return ItemSize(a->second.dtype()) > ItemSize(b->second.dtype());
  });
  std::string text;
  try {
    text = MakeHeader(order, file.metadata).dump();
  } catch (const Json::type_error&) {
    return absl::InvalidArgumentError("safetensors: a name or metadata text is not UTF-8");
  }
  // The data starts at a multiple of 8.
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kMaxHeader) {
    return absl::InvalidArgumentError("safetensors: the header is over 100 MB");
  }
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((text.size() >> (8 * i)) & 0xff);
  bytes += text;
  for (const auto* named : order) internal::AppendBytes(named->second, bytes);
  return bytes;
}

absl::Status WriteSafetensors(const std::string& path, const SafetensorsFile& file) {
  const absl::StatusOr<std::string> bytes = SerializeSafetensors(file);
  if (!bytes.ok())
    return absl::Status(bytes.status().code(),
                        absl::StrCat(path, ": ", std::string(bytes.status().message())));
  return WriteFileAtomically(path, *bytes);
}

}  // namespace autograd
