#include "autograd/shape.h"

#include <algorithm>
#include <stdexcept>

namespace autograd {
namespace {

[[noreturn]] void ThrowTooManyAxes(size_t rank) {
  throw std::invalid_argument("a tensor has at most " + std::to_string(kMaxRank) + " axes, got " +
                              std::to_string(rank));
}

}  // namespace

Dims::Dims(std::initializer_list<int64_t> values)
    : Dims(std::span<const int64_t>(values.begin(), values.size())) {}

Dims::Dims(std::span<const int64_t> values) {
  if (values.size() > static_cast<size_t>(kMaxRank)) ThrowTooManyAxes(values.size());
  rank_ = static_cast<int>(values.size());
  std::copy(values.begin(), values.end(), values_);
}

Dims Dims::Filled(int rank, int64_t value) {
  Dims dims;
  for (int i = 0; i < rank; ++i) dims.push_back(value);
  return dims;
}

void Dims::push_back(int64_t value) {
  if (rank_ == kMaxRank) ThrowTooManyAxes(kMaxRank + 1);
  values_[rank_++] = value;
}

void Dims::erase(int index) {
  std::copy(values_ + index + 1, values_ + rank_, values_ + index);
  values_[--rank_] = 0;
}

void Dims::insert(int index, int64_t value) {
  push_back(value);
  std::rotate(values_ + index, values_ + rank_ - 1, values_ + rank_);
}

std::string Dims::ToString() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(values_[i]);
  }
  return text + "]";
}

Strides ContiguousStrides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

Shape BroadcastShapes(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  Shape result = Dims::Filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const int64_t from_a = i <= a.rank() ? a[a.rank() - i] : 1;
    const int64_t from_b = i <= b.rank() ? b[b.rank() - i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      throw std::invalid_argument(std::string(operation) + ": shapes " + a.ToString() + " and " +
                                  b.ToString() + " do not broadcast");
    }
    result[rank - i] = from_a == 1 ? from_b : from_a;
  }
  return result;
}

bool CanExpand(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i) {
    const int64_t size = from[from.rank() - i];
    if (size != 1 && size != to[to.rank() - i]) return false;
  }
  return true;
}

int NormalizeAxis(const char* operation, int64_t axis, const Shape& shape) {
  const int rank = shape.rank();
  if (axis < -rank || axis >= rank) {
    throw std::invalid_argument(std::string(operation) + ": axis " + std::to_string(axis) +
                                " is out of range for shape " + shape.ToString());
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

void CheckShape(const char* operation, const Shape& shape) {
  int64_t numel = 1;
  for (const int64_t size : shape) {
    if (size < 0) {
      throw std::invalid_argument(std::string(operation) + ": negative size in shape " +
                                  shape.ToString());
    }
    if (size != 0 && __builtin_mul_overflow(numel, size, &numel)) {
      throw std::invalid_argument(std::string(operation) + ": shape " + shape.ToString() +
                                  " has too many elements");
    }
  }
  if (numel > (int64_t{1} << 59)) {
    throw std::invalid_argument(std::string(operation) + ": shape " + shape.ToString() +
                                " has too many elements");
  }
}

}  // namespace autograd
