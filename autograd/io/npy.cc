#include "autograd/io/npy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/io/file.h"
#include "autograd/io/raw_tensor.h"

namespace autograd {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NumpyType {
  DType dtype;
  std::string_view descr;
};
constexpr NumpyType kTypes[] = {{DType::kF32, "<f4"}, {DType::kF64, "<f8"}, {DType::kI32, "<i4"},
                                {DType::kI64, "<i8"}, {DType::kU8, "|u1"},  {DType::kBool, "|b1"}};

struct Header {
  DType dtype = DType::kF32;
  bool fortran = false;
  Shape shape;
};

// Reads the Python dictionary of the header: exactly the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, size_t offset, std::string_view name)
      : text_(text), offset_(offset), name_(name) {}

  absl::StatusOr<Header> Parse() {
    bool descr = false, order = false, shape = false;
    if (!Take('{')) return Error("a dictionary");
    while (!Take('}')) {
      const std::optional<std::string_view> key = TakeString();
      if (!key.has_value() || !Take(':')) return Error("a key and ':'");
      bool& seen = *key == "descr" ? descr : *key == "fortran_order" ? order : shape;
      if (*key != "descr" && *key != "fortran_order" && *key != "shape") {
        return Error("the keys descr, fortran_order and shape");
      }
      if (seen) return Error(absl::StrCat("only one '", Text(*key), "'"));
      seen = true;
      absl::Status status = *key == "descr"   ? ParseDescr()
                            : *key == "shape" ? ParseShape()
                                              : ParseOrder();
      if (!status.ok()) return status;
      if (!Take(',') && Peek() != '}') return Error("',' or '}'");
    }
    Skip();
    if (position_ != text_.size()) return Error("nothing after the dictionary");
    if (!descr || !order || !shape) return Error("descr, fortran_order and shape");
    return header_;
  }

 private:
  static std::string Text(std::string_view text) { return std::string(text); }
  absl::Status Error(const std::string& expected) const {
    return absl::InvalidArgumentError(absl::StrCat(Text(name_), ": offset ", offset_ + position_,
                                                   ": expected ", expected, " in the header"));
  }
  void Skip() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n'))
      ++position_;
  }
  char Peek() {
    Skip();
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool Take(char wanted) {
    if (Peek() != wanted) return false;
    ++position_;
    return true;
  }
  std::optional<std::string_view> TakeString() {
    const char quote = Peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view value = text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return value;
  }
  absl::Status ParseDescr() {
    const std::optional<std::string_view> descr = TakeString();
    if (!descr.has_value()) return Error("a dtype string");
    for (const NumpyType& type : kTypes) {
      if (*descr != type.descr) continue;
      header_.dtype = type.dtype;
      return absl::OkStatus();
    }
    return Error(
        absl::StrCat("a dtype among <f4, <f8, <i4, <i8, |u1 and |b1, got '", Text(*descr), "',"));
  }
  absl::Status ParseOrder() {
    Skip();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) != word) continue;
      position_ += word.size();
      header_.fortran = value;
      return absl::OkStatus();
    }
    return Error("True or False");
  }
  absl::Status ParseShape() {
    if (!Take('(')) return Error("a tuple");
    while (!Take(')')) {
      const char first = Peek();
      if (first < '0' || first > '9') return Error("a size");
      int64_t size = 0;
      while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
        if (__builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, text_[position_] - '0', &size)) {
          return Error("a size below 2^63");
        }
        ++position_;
      }
      if (header_.shape.rank() == kMaxRank) return Error("at most 8 axes");
      header_.shape.push_back(size);
      if (!Take(',') && Peek() != ')') return Error("',' or ')'");
    }
    return absl::OkStatus();
  }

  std::string_view text_;
  size_t offset_;
  std::string_view name_;
  size_t position_ = 0;
  Header header_;
};

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
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

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::string_view bytes, std::string_view name) {
  const std::string file(name);
  if (bytes.substr(0, kMagic.size()) != kMagic || bytes.size() < kMagic.size() + 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": offset 0: expected the magic string of a .npy file"));
  }
  const int major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": offset 6: expected version 1.0, 2.0 or 3.0, got ", major, ".", minor));
  }
  const size_t length_bytes = major == 1 ? 2 : 4, begin = 8 + length_bytes;
  const size_t length = bytes.size() < begin ? 0 : LittleEndian(bytes.substr(8, length_bytes));
  if (bytes.size() < begin || length > bytes.size() - begin) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": offset 8: the file ends within its header (", bytes.size(), " bytes)"));
  }
  absl::StatusOr<Header> header = HeaderParser(bytes.substr(begin, length), begin, name).Parse();
  if (!header.ok()) return header.status();
  Shape stored = header->shape;
  if (header->fortran) std::reverse(stored.begin(), stored.end());
  absl::StatusOr<Tensor> tensor =
      internal::TensorFromBytes(bytes.substr(begin + length), stored, header->dtype,
                                absl::StrCat(file, ": offset ", begin + length));
  if (!tensor.ok() || !header->fortran) return tensor;
  return FromFortranOrder(*tensor, header->shape);
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  return ParseNpy(*bytes, path);
}

absl::StatusOr<std::string> SerializeNpy(const Tensor& tensor) {
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const NumpyType& each) {
    return each.dtype == tensor.dtype();
  });
  if (type == std::end(kTypes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("npy: NumPy has no dtype for ", Describe(tensor), "; cast it to f32"));
  }
  std::string shape;
  for (const int64_t size : tensor.shape()) absl::StrAppend(&shape, size, ", ");
  // A tuple of one has a comma, longer ones need none.
  if (tensor.rank() == 1) shape.pop_back();
  if (tensor.rank() > 1) shape.resize(shape.size() - 2);
  std::string header = absl::StrCat("{'descr': '", std::string(type->descr),
                                    "', 'fortran_order': False, 'shape': (", shape, "), }");
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  internal::AppendBytes(tensor, bytes);
  return bytes;
}

absl::Status WriteNpy(const std::string& path, const Tensor& tensor) {
  const absl::StatusOr<std::string> bytes = SerializeNpy(tensor);
  if (!bytes.ok()) return bytes.status();
  return WriteFileAtomically(path, *bytes);
}

}  // namespace autograd
