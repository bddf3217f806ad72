#include "autograd/io/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "autograd/io/byte_source.h"
#include "autograd/io/file.h"
#include "autograd/io/raw_tensor.h"
#include "autograd/io/safetensors_header.h"

namespace autograd {
namespace {

using internal::ByteSource;
using internal::kMaxSafetensorsHeader;
using internal::kSafetensorsHeaderOffset;

absl::StatusOr<SafetensorsFile> Read(const ByteSource& source) {
  uint64_t length = 0;
  if (source.size() < sizeof(length)) {
    return source.Error(
        0,
        absl::StrCat("expected the 8 bytes of the header's length, the file has ", source.size()));
  }
  absl::Status status = source.Read(0, sizeof(length), reinterpret_cast<char*>(&length));
  if (!status.ok()) return status;
  if (length > kMaxSafetensorsHeader) {
    return source.Error(0, absl::StrCat("a header of ", length, " bytes, at most ",
                                        kMaxSafetensorsHeader, " are allowed"));
  }
  if (length > source.size() - kSafetensorsHeaderOffset) {
    return source.Error(kSafetensorsHeaderOffset,
                        absl::StrCat("a header of ", length, " bytes in a file of ", source.size(),
                                     " (truncated)"));
  }
  const absl::StatusOr<std::string> text = source.ReadString(kSafetensorsHeaderOffset, length);
  if (!text.ok()) return text.status();
  const auto header = internal::ParseSafetensorsHeader(*text, source);
  if (!header.ok()) return header.status();
  SafetensorsFile file;
  file.metadata = header->metadata;
  for (const internal::SafetensorsEntry& entry : header->tensors) {
    absl::StatusOr<Tensor> tensor = internal::ReadTensor(
        source, kSafetensorsHeaderOffset + length + entry.begin, entry.end - entry.begin,
        entry.shape, entry.dtype, absl::StrCat("tensor ", internal::Quoted(entry.name)));
    if (!tensor.ok()) return tensor.status();
    file.tensors.emplace_back(entry.name, *std::move(tensor));
  }
  return file;
}

// Not even a header of 100 MB made of nothing but entries ends the process where memory is scarce.
absl::StatusOr<SafetensorsFile> ReadOrRunOut(const ByteSource& source) {
  try {
    return Read(source);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot read ", source.name(), ": no memory for its header"));
  }
}

// What goes into a file, one piece after another: length and header, then the tensors' memory.
struct Pieces {
  std::string header;
  std::vector<Tensor> tensors;
};

absl::StatusOr<Pieces> MakePieces(const SafetensorsFile& file) {
  std::vector<const std::pair<std::string, Tensor>*> order;
  for (const auto& named : file.tensors) {
    if (!named.second.defined()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the tensor ", internal::Quoted(named.first), " is undefined"));
    }
    order.push_back(&named);
  }
  // Larger items first, so that every tensor is aligned to its item.
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return ItemSize(a->second.dtype()) > ItemSize(b->second.dtype());
  });
  internal::SafetensorsHeader header;
  header.metadata = file.metadata;
  Pieces pieces;
  for (const auto* named : order) {
    absl::StatusOr<Tensor> dense =
        internal::Dense(named->second, absl::StrCat("tensor ", internal::Quoted(named->first)));
    if (!dense.ok()) return dense.status();
    header.tensors.push_back({named->first, dense->dtype(), dense->shape(), 0, 0});
    pieces.tensors.push_back(*std::move(dense));
  }
  const absl::StatusOr<std::string> text = internal::MakeSafetensorsHeader(header);
  if (!text.ok()) return text.status();
  const uint64_t length = text->size();
  pieces.header.assign(reinterpret_cast<const char*>(&length), sizeof(length));
  pieces.header += *text;
  return pieces;
}

}  // namespace

absl::StatusOr<SafetensorsFile> ParseSafetensors(std::string_view bytes, std::string_view name) {
  return ReadOrRunOut(*internal::FromMemory(bytes, name));
}

absl::StatusOr<SafetensorsFile> ReadSafetensors(const std::string& path) {
  const auto source = internal::OpenFile(path);
  if (!source.ok()) return source.status();
  return ReadOrRunOut(**source);
}

absl::StatusOr<std::string> SerializeSafetensors(const SafetensorsFile& file) {
  const absl::StatusOr<Pieces> pieces = MakePieces(file);
  if (!pieces.ok()) return pieces.status();
  std::string bytes = pieces->header;
  for (const Tensor& tensor : pieces->tensors) bytes += internal::Bytes(tensor);
  return bytes;
}

absl::Status WriteSafetensors(const std::string& path, const SafetensorsFile& file) {
  const absl::StatusOr<Pieces> pieces = MakePieces(file);
  if (!pieces.ok()) {
    return absl::Status(
        pieces.status().code(),
        absl::StrCat("cannot write ", path, ": ", std::string(pieces.status().message())));
  }
  std::vector<std::string_view> views = {pieces->header};
  for (const Tensor& tensor : pieces->tensors) views.push_back(internal::Bytes(tensor));
  return WriteFileAtomically(path, views);
}

}  // namespace autograd
