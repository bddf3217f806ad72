#include "autograd/io/npy_header.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace autograd::internal {
namespace {

struct NumpyType {
  DType dtype;
  std::string_view descr;
};
constexpr NumpyType kTypes[] = {{DType::kF32, "<f4"}, {DType::kF64, "<f8"}, {DType::kI32, "<i4"},
                                {DType::kI64, "<i8"}, {DType::kU8, "|u1"},  {DType::kBool, "|b1"}};

// Reads the Python dictionary of the header: exactly the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, uint64_t offset, const ByteSource& source)
      : text_(text), offset_(offset), source_(source) {}

  absl::StatusOr<NpyHeader> Parse() {
    bool descr = false, order = false, shape = false;
    if (!Take('{')) return Error("a dictionary");
    while (!Take('}')) {
      const std::optional<std::string_view> key = TakeString();
      if (!key.has_value() || !Take(':')) return Error("a key and ':'");
      bool& seen = *key == "descr" ? descr : *key == "fortran_order" ? order : shape;
      if (*key != "descr" && *key != "fortran_order" && *key != "shape") {
        return Error("the keys descr, fortran_order and shape");
      }
      if (seen) return Error(absl::StrCat("only one ", Quoted(*key)));
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
  absl::Status Error(const std::string& expected) const {
    return source_.Error(offset_ + position_,
                         absl::StrCat("expected ", expected, " in the header"));
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
        absl::StrCat("a dtype among <f4, <f8, <i4, <i8, |u1 and |b1, got ", Quoted(*descr), ","));
  }
  absl::Status ParseOrder() {
    Skip();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) != word) continue;
      position_ += word.size();
      header_.fortran_order = value;
      return absl::OkStatus();
    }
    return Error("True or False");
  }
  // A tuple of sizes; that of one size has a comma, or it would be a number in parentheses.
  absl::Status ParseShape() {
    if (!Take('(')) return Error("a tuple");
    bool comma = true;
    while (!Take(')')) {
      if (!comma) return Error("',' or ')'");
      if (header_.shape.rank() == kMaxRank) return Error("at most 8 axes");
      if (absl::Status status = ParseSize(); !status.ok()) return status;
      comma = Take(',');
    }
    if (header_.shape.rank() == 1 && !comma) return Error("a tuple such as (3,)");
    return absl::OkStatus();
  }
  absl::Status ParseSize() {
    Skip();
    const size_t first = position_;
    int64_t size = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      if (__builtin_mul_overflow(size, 10, &size) ||
          __builtin_add_overflow(size, text_[position_] - '0', &size)) {
        return Error("a size below 2^63");
      }
      ++position_;
    }
    if (position_ == first) return Error("a size");
    header_.shape.push_back(size);
    return absl::OkStatus();
  }

  std::string_view text_;
  uint64_t offset_;
  const ByteSource& source_;
  size_t position_ = 0;
  NpyHeader header_;
};

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view text, uint64_t offset,
                                         const ByteSource& source) {
  return HeaderParser(text, offset, source).Parse();
}

std::string_view NpyDescr(DType dtype) {
  for (const NumpyType& type : kTypes) {
    if (type.dtype == dtype) return type.descr;
  }
  return "";
}

}  // namespace autograd::internal
