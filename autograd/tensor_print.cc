// Printing of tensors.
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>

#include "autograd/tensor.h"

namespace autograd {
namespace {

// Axes longer than this show only their first and last kEdge entries, in tensors of more than kFull
// elements.
constexpr int64_t kFull = 1000;
constexpr int64_t kEdge = 3;

std::string FormatFloat(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", value);
  return text;
}

std::string FormatElement(const Tensor& x, int64_t offset) {
  switch (x.dtype()) {
    case DType::kF32:
      return FormatFloat(static_cast<double>(x.raw<float>()[offset]));
    case DType::kF64:
      return FormatFloat(x.raw<double>()[offset]);
    case DType::kBF16:
      return FormatFloat(x.ViewAs({}, {}, offset).item());
    case DType::kI32:
      return std::to_string(x.raw<int32_t>()[offset]);
    case DType::kI64:
      return std::to_string(x.raw<int64_t>()[offset]);
    case DType::kU8:
      return std::to_string(x.raw<uint8_t>()[offset]);
    case DType::kBool:
      return x.raw<bool>()[offset] ? "true" : "false";
  }
  return "?";
}

class Printer {
 public:
  explicit Printer(const Tensor& x) : x_(x), shorten_(x.numel() > kFull) {
    ForEach(0, 0,
            [&](int64_t offset) { width_ = std::max(width_, FormatElement(x_, offset).size()); });
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

  void Append(int axis, int64_t offset, std::string& text) const {
    if (axis == x_.rank()) {
      const std::string element = FormatElement(x_, offset);
      if (x_.rank() > 0) text.append(width_ - element.size(), ' ');
      text += element;
      return;
    }
    const bool innermost = axis == x_.rank() - 1;
    const std::string between =
        innermost ? ", "
                  : "," + std::string(static_cast<size_t>(x_.rank() - 1 - axis), '\n') +
                        std::string(static_cast<size_t>(axis + 1), ' ');
    text += "[";
    const int64_t size = x_.shape()[axis];
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0) text += between;
      if (Skips(axis) && i == kEdge) {
        text += "..." + between;
        i = size - kEdge;
      }
      Append(axis + 1, offset + i * x_.strides()[axis], text);
    }
    text += "]";
  }

  const Tensor& x_;
  bool shorten_;
  size_t width_ = 0;
};

}  // namespace

std::string ToString(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  return Printer(tensor).Print() + " " + Describe(tensor);
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << ToString(tensor);
}

}  // namespace autograd
