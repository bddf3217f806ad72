#include "autograd/io/npy.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/io/byte_source.h"
#include "autograd/io/file.h"
#include "autograd/io/npy_header.h"
#include "autograd/io/raw_tensor.h"

namespace autograd {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// Magic, version and the longer kind of length.
constexpr uint64_t kMaxPrefix = 12;
// Ten times what NumPy reads of a header; 8 sizes take a few hundred bytes.
constexpr size_t kMaxHeader = 100'000;

// The length of a header, 2 or 4 bytes.
size_t LittleEndian(std::string_view bytes) {
  size_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

// x, whose memory is in Fortran order, as a tensor of that shape.
Tensor FromFortranOrder(const Tensor& flat, const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    strides[axis] = step;
    step *= std::max<int64_t>(1, shape[axis]);
  }
  return flat.ViewAs(shape, strides, 0);
}

absl::StatusOr<Tensor> Read(const internal::ByteSource& source) {
  const absl::StatusOr<std::string> start =
      source.ReadString(0, std::min<uint64_t>(source.size(), kMaxPrefix));
  if (!start.ok()) return start.status();
  if (start->substr(0, kMagic.size()) != kMagic || start->size() < kMagic.size() + 2) {
    return source.Error(0, "expected the magic string of a .npy file");
  }
  const int major = static_cast<unsigned char>((*start)[6]);
  const int minor = static_cast<unsigned char>((*start)[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return source.Error(6,
                        absl::StrCat("expected version 1.0, 2.0 or 3.0, got ", major, ".", minor));
  }
  const size_t length_bytes = major == 1 ? 2 : 4, begin = 8 + length_bytes;
  const size_t length = start->size() < begin ? 0 : LittleEndian(start->substr(8, length_bytes));
  if (length > kMaxHeader) {
    return source.Error(
        8, absl::StrCat("a header of ", length, " bytes, at most ", kMaxHeader, " are allowed"));
  }
  if (start->size() < begin || length > source.size() - begin) {
    return source.Error(
        8, absl::StrCat("the file ends within its header (", source.size(), " bytes)"));
  }
  const absl::StatusOr<std::string> text = source.ReadString(begin, length);
  if (!text.ok()) return text.status();
  const auto header = internal::ParseNpyHeader(*text, begin, source);
  if (!header.ok()) return header.status();
  Shape stored = header->shape;
  if (header->fortran_order) std::reverse(stored.begin(), stored.end());
  const uint64_t data = begin + length;
  absl::StatusOr<Tensor> tensor =
      internal::ReadTensor(source, data, source.size() - data, stored, header->dtype, "the array");
  if (!tensor.ok() || !header->fortran_order) return tensor;
  return FromFortranOrder(*tensor, header->shape);
}

// Everything before the data.
absl::StatusOr<std::string> MakeStart(const Tensor& dense) {
  const std::string_view descr = internal::NpyDescr(dense.dtype());
  if (descr.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("NumPy has no dtype for ", Describe(dense), "; cast it to f32"));
  }
  std::string shape;
  for (const int64_t size : dense.shape()) absl::StrAppend(&shape, size, ", ");
  // A tuple of one has a comma, longer ones need none.
  if (dense.rank() == 1) shape.pop_back();
  if (dense.rank() > 1) shape.resize(shape.size() - 2);
  std::string header = absl::StrCat("{'descr': '", std::string(descr),
                                    "', 'fortran_order': False, 'shape': (", shape, "), }");
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  return start + header;
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::string_view bytes, std::string_view name) {
  return Read(*internal::FromMemory(bytes, name));
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  const auto source = internal::OpenFile(path);
  if (!source.ok()) return source.status();
  return Read(**source);
}

absl::StatusOr<std::string> SerializeNpy(const Tensor& tensor) {
  const absl::StatusOr<Tensor> dense = internal::Dense(tensor, "npy");
  if (!dense.ok()) return dense.status();
  const absl::StatusOr<std::string> start = MakeStart(*dense);
  if (!start.ok()) return start.status();
  return absl::StrCat(*start, std::string(internal::Bytes(*dense)));
}

absl::Status WriteNpy(const std::string& path, const Tensor& tensor) {
  const std::string where = absl::StrCat("cannot write ", path);
  const absl::StatusOr<Tensor> dense = internal::Dense(tensor, where);
  if (!dense.ok()) return dense.status();
  const absl::StatusOr<std::string> start = MakeStart(*dense);
  if (!start.ok()) {
    return absl::Status(start.status().code(),
                        absl::StrCat(where, ": ", std::string(start.status().message())));
  }
  return WriteFileAtomically(path, std::vector<std::string_view>{*start, internal::Bytes(*dense)});
}

}  // namespace autograd
