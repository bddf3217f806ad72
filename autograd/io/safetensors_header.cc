#include "autograd/io/safetensors_header.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace autograd::internal {
namespace {

using Json = nlohmann::json;

constexpr char kVersionKey[] = "format_version";
constexpr char kVersion[] = "1";

struct FileType {
  DType dtype;
  const char* name;
};
constexpr FileType kTypes[] = {{DType::kF32, "F32"},  {DType::kF64, "F64"}, {DType::kBF16, "BF16"},
                               {DType::kI32, "I32"},  {DType::kI64, "I64"}, {DType::kU8, "U8"},
                               {DType::kBool, "BOOL"}};

// Characters of the header; `*read` is how many were read, so that errors can say where.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, uint64_t* read) : at_(at), read_(read) {}
  const char& operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return !(a == b); }

 private:
  const char* at_;
  uint64_t* read_;
};

// Follows the JSON parser through the header and keeps nothing but the entries: a tree of the JSON
// could take fifty times the memory of its text, and would hold only the last of two equal keys.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  HeaderHandler(const ByteSource& source, const uint64_t& read) : source_(source), read_(read) {}

  absl::Status status() const { return status_; }
  SafetensorsHeader& header() { return header_; }

  bool start_object(std::size_t) override {
    switch (at_) {
      case At::kStart:
        return Go(At::kTensors);
      case At::kMetadata:
        return Go(At::kMetadataKeys);
      case At::kTensor:
        return Go(At::kTensorKeys);
      default:
        return Unexpected();
    }
  }
  bool end_object() override {
    if (at_ == At::kMetadataKeys) return Go(At::kTensors);
    if (at_ == At::kTensors) return Go(At::kEnd);
    if (!has_dtype_ || !has_shape_ || !has_offsets_) {
      return Fail(Where() + ": expected dtype, shape and data_offsets");
    }
    return Go(At::kTensors);
  }
  bool key(std::string& key) override {
    switch (at_) {
      case At::kTensors:
        return TensorKey(key);
      case At::kMetadataKeys:
        if (header_.metadata.count(key) > 0) {
          return Fail(absl::StrCat("__metadata__: the key ", Quoted(key), " occurs twice"));
        }
        metadata_key_ = key;
        return Go(At::kMetadataValue);
      default:
        return EntryKey(key);
    }
  }
  bool string(std::string& value) override {
    if (at_ == At::kMetadataValue) {
      header_.metadata[metadata_key_] = std::move(value);
      return Go(At::kMetadataKeys);
    }
    if (at_ != At::kDType) return Unexpected();
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                    [&](const FileType& each) { return value == each.name; });
    if (type == std::end(kTypes)) {
      return Fail(absl::StrCat(Where(), ": unknown dtype ", Quoted(value),
                               ", expected F32, F64, BF16, I32, I64, U8 or BOOL"));
    }
    Entry().dtype = type->dtype;
    return Go(At::kTensorKeys);
  }
  bool start_array(std::size_t) override {
    if (at_ == At::kShape) return Go(At::kSizes);
    if (at_ == At::kOffsets) return Go(At::kBegin);
    return Unexpected();
  }
  bool end_array() override {
    if (at_ != At::kSizes && at_ != At::kOffsetsEnd) return Unexpected();
    return Go(At::kTensorKeys);
  }
  bool number_unsigned(uint64_t value) override {
    if (value > static_cast<uint64_t>(INT64_MAX)) return Unexpected();
    switch (at_) {
      case At::kSizes:
        if (Entry().shape.rank() == kMaxRank) {
          return Fail(Where() + ": expected a shape of at most 8 sizes");
        }
        Entry().shape.push_back(static_cast<int64_t>(value));
        return true;
      case At::kBegin:
        Entry().begin = value;
        return Go(At::kEndOffset);
      case At::kEndOffset:
        Entry().end = value;
        if (value < Entry().begin) return Fail(Where() + ": data_offsets end before they begin");
        return Go(At::kOffsetsEnd);
      default:
        return Unexpected();
    }
  }
  bool null() override { return Unexpected(); }
  bool boolean(bool) override { return Unexpected(); }
  bool number_integer(int64_t) override { return Unexpected(); }
  bool number_float(double, const std::string&) override { return Unexpected(); }
  bool binary(Json::binary_t&) override { return Unexpected(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return Fail("the header is not JSON in UTF-8");
  }

 private:
  // What has to come next.
  enum class At {
    kStart,
    kTensors,        // a name, or the end
    kMetadata,       // the metadata's object
    kMetadataKeys,   // a key, or the end
    kMetadataValue,  // its text
    kTensor,         // a tensor's object
    kTensorKeys,     // dtype, shape, data_offsets, or the end
    kDType,          // a string
    kShape,          // an array
    kSizes,          // a number, or its end
    kOffsets,        // an array
    kBegin,          // its first number
    kEndOffset,      // its second
    kOffsetsEnd,     // its end
    kEnd
  };

  bool Go(At at) {
    at_ = at;
    return true;
  }
  bool Fail(const std::string& what) {
    status_ = source_.Error(kSafetensorsHeaderOffset + read_, what);
    return false;
  }
  bool Unexpected() {
    switch (at_) {
      case At::kStart:
        return Fail("expected a JSON object");
      case At::kMetadata:
        return Fail("expected __metadata__ to be an object");
      case At::kMetadataValue:
        return Fail(
            absl::StrCat("__metadata__: the value of ", Quoted(metadata_key_), " is not a string"));
      case At::kTensor:
        return Fail(Where() + ": expected an object");
      case At::kDType:
        return Fail(Where() + ": expected a dtype string");
      case At::kShape:
      case At::kSizes:
        return Fail(Where() + ": expected a shape, an array of sizes below 2^63");
      default:
        return Fail(Where() + ": expected data_offsets [begin, end], two sizes below 2^63");
    }
  }
  SafetensorsEntry& Entry() { return header_.tensors.back(); }
  std::string Where() { return absl::StrCat("tensor ", Quoted(Entry().name)); }

  bool TensorKey(const std::string& key) {
    if (!names_.insert(key).second) {
      return Fail(absl::StrCat("the name ", Quoted(key), " occurs twice in the header"));
    }
    if (key == kSafetensorsMetadata) return Go(At::kMetadata);
    header_.tensors.emplace_back();
    Entry().name = key;
    has_dtype_ = has_shape_ = has_offsets_ = false;
    return Go(At::kTensor);
  }
  bool EntryKey(const std::string& key) {
    bool* has = key == "dtype"          ? &has_dtype_
                : key == "shape"        ? &has_shape_
                : key == "data_offsets" ? &has_offsets_
                                        : nullptr;
    if (has == nullptr) {
      return Fail(absl::StrCat(Where(), ": unknown key ", Quoted(key),
                               ", expected dtype, shape and data_offsets"));
    }
    if (*has) return Fail(absl::StrCat(Where(), ": the key ", Quoted(key), " occurs twice"));
    *has = true;
    return Go(has == &has_dtype_ ? At::kDType : has == &has_shape_ ? At::kShape : At::kOffsets);
  }

  const ByteSource& source_;
  const uint64_t& read_;
  absl::Status status_;
  SafetensorsHeader header_;
  At at_ = At::kStart;
  std::set<std::string> names_;
  std::string metadata_key_;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

// Tensors must follow each other without overlap or hole and end with the file.
absl::Status CheckLayout(const std::vector<SafetensorsEntry>& tensors, uint64_t data,
                         const ByteSource& source) {
  uint64_t position = 0;
  for (const SafetensorsEntry& entry : tensors) {
    const auto fail = [&](const std::string& what) {
      return source.Error(data + position, absl::StrCat("tensor ", Quoted(entry.name), what));
    };
    if (entry.begin != position) {
      return fail(absl::StrCat(": begins at data offset ", entry.begin, ", expected ", position,
                               entry.begin < position ? " (overlap)" : " (hole)"));
    }
    if (entry.end > source.size() - data) {
      return fail(absl::StrCat(": ends at data offset ", entry.end, ", but the file has only ",
                               source.size() - data, " bytes of data (truncated)"));
    }
    position = entry.end;
  }
  if (data + position != source.size()) {
    return source.Error(data + position, absl::StrCat("expected the end of the file, but ",
                                                      source.size() - data - position,
                                                      " bytes follow the last tensor"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view text,
                                                         const ByteSource& source) {
  // The library would skip a byte order mark and take a zero byte for the end of the text.
  const size_t zero = text.find('\0');
  if (text.empty() || text[0] != '{' || zero != std::string_view::npos) {
    return source.Error(kSafetensorsHeaderOffset + (zero != std::string_view::npos ? zero : 0),
                        "expected a JSON object");
  }
  uint64_t read = 0;
  HeaderHandler handler(source, read);
  const bool parsed = Json::sax_parse(CountingIterator(text.data(), &read),
                                      CountingIterator(text.data() + text.size(), &read), &handler);
  if (!parsed) return handler.status();
  SafetensorsHeader header = std::move(handler.header());
  const auto version = header.metadata.find(kVersionKey);
  if (version != header.metadata.end() && version->second != kVersion) {
    return source.Error(kSafetensorsHeaderOffset,
                        absl::StrCat("expected format_version '", kVersion,
                                     "' in __metadata__, got ", Quoted(version->second)));
  }
  // By end too, so that empty tensors come before the one that begins where they are.
  std::stable_sort(header.tensors.begin(), header.tensors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  if (absl::Status status =
          CheckLayout(header.tensors, kSafetensorsHeaderOffset + text.size(), source);
      !status.ok()) {
    return status;
  }
  return header;
}

absl::StatusOr<std::string> MakeSafetensorsHeader(const SafetensorsHeader& header) {
  std::map<std::string, std::string> metadata = header.metadata;
  metadata.insert_or_assign(kVersionKey, std::string(kVersion));
  std::set<std::string_view> names = {kSafetensorsMetadata};
  std::string text;
  try {
    absl::StrAppend(&text, "{\"", kSafetensorsMetadata, "\":", Json(metadata).dump());
    uint64_t offset = 0;
    for (const SafetensorsEntry& entry : header.tensors) {
      if (!names.insert(entry.name).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("the name ", Quoted(entry.name), " is reserved or occurs twice"));
      }
      const uint64_t end =
          offset + static_cast<uint64_t>(entry.shape.numel()) * ItemSize(entry.dtype);
      const Json shape(std::vector<int64_t>(entry.shape.begin(), entry.shape.end()));
      const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                      [&](const auto& each) { return each.dtype == entry.dtype; });
      absl::StrAppend(&text, ",", Json(entry.name).dump(), ":{\"dtype\":\"", type->name,
                      "\",\"shape\":", shape.dump(), ",\"data_offsets\":[", offset, ",", end, "]}");
      offset = end;
    }
  } catch (const Json::type_error&) {
    return absl::InvalidArgumentError("a name or metadata text is not UTF-8");
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(absl::StrCat("the header takes ", text.size(),
                                                   " bytes, at most ", kMaxSafetensorsHeader,
                                                   " are allowed"));
  }
  return text;
}

}  // namespace autograd::internal
