#include "nn/data/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/errors.h"
#include "autograd/io/byte_source.h"
#include "autograd/shape.h"
#include "nn/data/byte_stream.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Shape;
using autograd::Tensor;
using internal::ByteStream;

static_assert(std::endian::native == std::endian::little, "elements are turned around");

struct IdxType {
  uint32_t code;
  DType dtype;
};
constexpr IdxType kTypes[] = {
    {0x08, DType::kU8}, {0x0C, DType::kI32}, {0x0D, DType::kF32}, {0x0E, DType::kF64}};
constexpr uint64_t kSizesOffset = 4;

struct Header {
  DType dtype = DType::kU8;
  Shape shape;
  uint64_t bytes = 0;  // of the elements

  uint64_t data_offset() const { return kSizesOffset + 4 * static_cast<uint64_t>(shape.rank()); }
};

// The big-endian number that the next 4 bytes are; `offset` is theirs.
absl::StatusOr<uint32_t> ReadNumber(ByteStream& stream, uint64_t offset, std::string_view what) {
  std::array<char, 4> bytes;
  const absl::StatusOr<uint64_t> got = stream.Read(bytes.size(), bytes.data());
  if (!got.ok()) return got.status();
  if (*got < bytes.size()) {
    return stream.Error(offset + *got, absl::StrCat("the data ends within ", std::string(what)));
  }
  return __builtin_bswap32(std::bit_cast<uint32_t>(bytes));
}

std::string MagicText(uint32_t magic) { return absl::StrCat(absl::Hex(magic, absl::kZeroPad8)); }

uint32_t MagicOf(const IdxFormat& format) {
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const IdxType& t) { return t.dtype == format.dtype; });
  if (type == std::end(kTypes) || format.rank < 1 || format.rank > autograd::kMaxRank) {
    throw std::invalid_argument(absl::StrCat("ReadIdx: IDX files have no ", format.rank,
                                             " axes of ", DTypeName(format.dtype)));
  }
  return (type->code << 8) | static_cast<uint32_t>(format.rank);
}

// Dtype and number of axes.
absl::StatusOr<IdxFormat> ReadMagic(ByteStream& stream, const std::optional<IdxFormat>& expected) {
  const absl::StatusOr<uint32_t> magic = ReadNumber(stream, 0, "the magic number");
  if (!magic.ok()) return magic.status();
  if (expected.has_value() && *magic != MagicOf(*expected)) {
    return stream.Error(0, absl::StrCat("expected the magic number ", MagicText(MagicOf(*expected)),
                                        " (", DTypeName(expected->dtype), ", ", expected->rank,
                                        " axes), got ", MagicText(*magic)));
  }
  if (*magic > 0xffff) {
    return stream.Error(0, absl::StrCat("expected the magic number of an IDX file, two zero bytes "
                                        "with a type and a number of axes, got ",
                                        MagicText(*magic)));
  }
  const uint32_t code = *magic >> 8, rank = *magic & 0xff;
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const IdxType& t) { return t.code == code; });
  if (type == std::end(kTypes)) {
    return stream.Error(2, absl::StrCat("expected type 0x08 (u8), 0x0c (i32), 0x0d (f32) or 0x0e "
                                        "(f64), got 0x",
                                        absl::Hex(code, absl::kZeroPad2)));
  }
  if (rank < 1 || rank > autograd::kMaxRank) {
    return stream.Error(3, absl::StrCat("expected 1 to ", autograd::kMaxRank, " axes, got ", rank));
  }
  return IdxFormat{type->dtype, static_cast<int>(rank)};
}

absl::StatusOr<Header> ReadHeader(ByteStream& stream, const std::optional<IdxFormat>& expected) {
  const absl::StatusOr<IdxFormat> format = ReadMagic(stream, expected);
  if (!format.ok()) return format.status();
  Header header;
  header.dtype = format->dtype;
  bool fits = true, empty = false;
  uint64_t bytes = ItemSize(format->dtype);
  for (int axis = 0; axis < format->rank; ++axis) {
    const absl::StatusOr<uint32_t> size =
        ReadNumber(stream, kSizesOffset + 4 * static_cast<uint64_t>(axis), "the sizes");
    if (!size.ok()) return size.status();
    header.shape.push_back(*size);
    empty = empty || *size == 0;
    // Strides are made of the sizes beside a zero, too.
    constexpr uint64_t kMost = uint64_t{1} << 59;
    fits = fits && std::max<uint64_t>(*size, 1) <= kMost / bytes;
    if (fits) bytes *= std::max<uint64_t>(*size, 1);
  }
  if (!fits) {
    return stream.Error(kSizesOffset, absl::StrCat("the sizes ", header.shape.ToString(), " of ",
                                                   DTypeName(header.dtype), " are out of range"));
  }
  header.bytes = empty ? 0 : bytes;
  return header;
}

absl::Status WrongLength(const ByteStream& stream, const Header& header, uint64_t offset,
                         const std::string& got) {
  return stream.Error(
      offset, absl::StrCat("expected ", header.bytes, " bytes of elements for ",
                           header.shape.ToString(), " of ", DTypeName(header.dtype), ", ", got));
}

template <class Word>
void TurnAround(char* bytes, int64_t count, Word (*swap)(Word)) {
  Word* words = reinterpret_cast<Word*>(bytes);
  for (int64_t i = 0; i < count; ++i) words[i] = swap(words[i]);
}

void FromBigEndian(const Tensor& tensor) {
  char* bytes = tensor.raw<char>();
  if (ItemSize(tensor.dtype()) == 4) {
    TurnAround<uint32_t>(bytes, tensor.numel(), [](uint32_t v) { return __builtin_bswap32(v); });
  } else if (ItemSize(tensor.dtype()) == 8) {
    TurnAround<uint64_t>(bytes, tensor.numel(),
                         [](uint64_t v) -> uint64_t { return __builtin_bswap64(v); });
  }
}

absl::StatusOr<Tensor> Read(const autograd::internal::ByteSource& source,
                            const std::optional<IdxFormat>& expected) {
  const auto stream = internal::OpenByteStream(source);
  if (!stream.ok()) return stream.status();
  const absl::StatusOr<Header> header = ReadHeader(**stream, expected);
  if (!header.ok()) return header.status();
  const uint64_t begin = header->data_offset();
  if (header->bytes > (*stream)->SizeBound()) {
    return WrongLength(**stream, *header, begin,
                       absl::StrCat("the file of ", source.size(), " bytes cannot hold them"));
  }
  Tensor tensor;
  try {
    tensor = Tensor::Empty(header->shape, header->dtype);
  } catch (const autograd::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot read ", source.name(), ": ", error.what()));
  }
  const absl::StatusOr<uint64_t> got = (*stream)->Read(header->bytes, tensor.raw<char>());
  if (!got.ok()) return got.status();
  if (*got < header->bytes) {
    return WrongLength(**stream, *header, begin + *got, absl::StrCat("got ", *got));
  }
  // The attempt also makes packed data come to its checksum.
  char more;
  const absl::StatusOr<uint64_t> behind = (*stream)->Read(1, &more);
  if (!behind.ok()) return behind.status();
  if (*behind > 0) return WrongLength(**stream, *header, begin + *got, "got more");
  FromBigEndian(tensor);
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ReadIdx(const std::string& path, const std::optional<IdxFormat>& expected) {
  const auto source = autograd::internal::OpenFile(path);
  if (!source.ok()) return source.status();
  return Read(**source, expected);
}

absl::StatusOr<Tensor> ParseIdx(std::string_view bytes, std::string_view name,
                                const std::optional<IdxFormat>& expected) {
  return Read(*autograd::internal::FromMemory(bytes, name), expected);
}

}  // namespace nn
