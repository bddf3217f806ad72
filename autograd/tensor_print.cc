// Printing of tensors.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>

#include "autograd/tensor.h"

namespace autograd {
namespace {

// Axes longer than 2 kEdge show only their first and last kEdge entries, in tensors of more than
// kFull elements.
constexpr int64_t kFull = 1000;
constexpr int64_t kEdge = 3;
// Rows longer than this are wrapped.
constexpr int64_t kLineWidth = 80;
constexpr int kDecimals = 4;

double FloatAt(const Tensor& x, int64_t offset) {
  switch (x.dtype()) {
    case DType::kF32:
      return static_cast<double>(x.raw<float>()[offset]);
    case DType::kF64:
      return x.raw<double>()[offset];
    default:
      return static_cast<double>(ToFloat(x.raw<BFloat16>()[offset]));
  }
}

std::string IntegerAt(const Tensor& x, int64_t offset) {
  switch (x.dtype()) {
    case DType::kI32:
      return std::to_string(x.raw<int32_t>()[offset]);
    case DType::kI64:
      return std::to_string(x.raw<int64_t>()[offset]);
    case DType::kU8:
      return std::to_string(x.raw<uint8_t>()[offset]);
    default:
      return x.raw<bool>()[offset] ? "true" : "false";
  }
}

// The notation all elements of a tensor share: 1., 1.25 or 1.2500e-05.
class FloatFormat {
 public:
  // Takes note of an element.
  void Add(double value) {
    if (!std::isfinite(value)) return;
    const double magnitude = std::abs(value);
    largest_ = std::max(largest_, magnitude);
    if (magnitude != 0) smallest_ = std::min(smallest_, magnitude);
    integers_ = integers_ && value == std::floor(value);
    for (; decimals_ < kDecimals; ++decimals_) {
      if (std::strtod(Fixed(value, decimals_).c_str(), nullptr) == Rounded(value)) break;
    }
  }

  std::string Format(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    // What fixed notation would show as 0 or with more digits than anyone reads.
    if (largest_ >= 1e8 || (!integers_ && smallest_ < 1e-4)) return Print("%.*e", kDecimals, value);
    return integers_ ? Fixed(value, 0) + "." : Fixed(value, decimals_);
  }

 private:
  static std::string Print(const char* format, int decimals, double value) {
    char text[400];  // the largest double has 309 digits
    std::snprintf(text, sizeof text, format, decimals, value);
    return text;
  }
  static std::string Fixed(double value, int decimals) { return Print("%.*f", decimals, value); }
  static double Rounded(double value) {
    return std::strtod(Fixed(value, kDecimals).c_str(), nullptr);
  }

  double largest_ = 0;
  double smallest_ = 1;
  bool integers_ = true;
  int decimals_ = 0;
};

// The fewest digits that stand for this value and no other of its dtype.
std::string FormatScalar(const Tensor& x) {
  if (!IsFloating(x.dtype())) return IntegerAt(x, 0);
  const double value = FloatAt(x, 0);
  if (std::isnan(value)) return "nan";  // without the sign that the C library prints
  char text[32];
  if (x.dtype() == DType::kBF16) {
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
  }
  const std::to_chars_result end = x.dtype() == DType::kF32
                                       ? std::to_chars(text, text + sizeof text, x.raw<float>()[0])
                                       : std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

class Printer {
 public:
  explicit Printer(const Tensor& x) : x_(x), shorten_(x.numel() > kFull) {
    if (IsFloating(x.dtype())) {
      ForEach(0, 0, [&](int64_t offset) { format_.Add(FloatAt(x_, offset)); });
    }
    ForEach(0, 0, [&](int64_t offset) { width_ = std::max(width_, Element(offset).size()); });
  }

  std::string Print() {
    std::string text;
    Append(0, 0, text);
    return text;
  }

 private:
  bool Skips(int axis) const { return shorten_ && x_.shape()[axis] > 2 * kEdge; }

  template <class Visit>
  void ForEach(int axis, int64_t offset, Visit visit) const {
    if (axis == x_.rank()) return visit(offset);
    const int64_t size = x_.shape()[axis];
    for (int64_t i = 0; i < size; ++i) {
      if (Skips(axis) && i == kEdge) i = size - kEdge;
      ForEach(axis + 1, offset + i * x_.strides()[axis], visit);
    }
  }

  std::string Element(int64_t offset) const {
    return IsFloating(x_.dtype()) ? format_.Format(FloatAt(x_, offset)) : IntegerAt(x_, offset);
  }

  // The entries of an axis in brackets.
  void Append(int axis, int64_t offset, std::string& text) const {
    const int64_t size = x_.shape()[axis];
    const std::string indent(static_cast<size_t>(axis + 1), ' ');
    // Blank lines between matrices, as many as axes end there.
    const std::string line_break(static_cast<size_t>(std::max(1, x_.rank() - 1 - axis)), '\n');
    const bool innermost = axis == x_.rank() - 1;
    const int64_t per_line =
        innermost ? std::max<int64_t>(1, (kLineWidth - axis - 1) / static_cast<int64_t>(width_ + 2))
                  : 1;
    text += "[";
    int64_t shown = 0;
    for (int64_t i = 0; i < size; ++i, ++shown) {
      if (shown > 0) text += shown % per_line == 0 ? "," + line_break + indent : ", ";
      if (Skips(axis) && i == kEdge) {
        text += "...";
        i = size - kEdge - 1;
      } else if (innermost) {
        const std::string element = Element(offset + i * x_.strides()[axis]);
        text.append(width_ - element.size(), ' ');
        text += element;
      } else {
        Append(axis + 1, offset + i * x_.strides()[axis], text);
      }
    }
    text += "]";
  }

  const Tensor& x_;
  bool shorten_;
  FloatFormat format_;
  size_t width_ = 0;
};

}  // namespace

std::string ToString(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  const std::string values = tensor.numel() == 0  ? "[]"
                             : tensor.rank() == 0 ? FormatScalar(tensor)
                                                  : Printer(tensor).Print();
  return values + " " + Describe(tensor);
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << ToString(tensor);
}

}  // namespace autograd
