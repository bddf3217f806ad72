// Shapes and strides: up to 8 non-negative sizes, kept inline.
//
// Example:
//   Shape shape = {2, 3, 4};
//   std::cout << shape.numel() << " elements in " << shape.ToString() << "\n";  // 24 in [2, 3, 4]
//   Shape both = BroadcastShapes("Add", {2, 1, 4}, {3, 1});  // [2, 3, 4]
#ifndef AUTOGRAD_SHAPE_H_
#define AUTOGRAD_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace autograd {

inline constexpr int kMaxRank = 8;

// A short list of integers: a shape (sizes), strides (in elements) or axes.
class Dims {
 public:
  Dims() = default;
  // Throws std::invalid_argument for more than kMaxRank entries.
  Dims(std::initializer_list<int64_t> values);
  explicit Dims(std::span<const int64_t> values);
  // `rank` copies of `value`.
  static Dims Filled(int rank, int64_t value);

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return values_[i]; }
  int64_t& operator[](int i) { return values_[i]; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + rank_; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + rank_; }
  std::span<const int64_t> span() const { return {values_, static_cast<size_t>(rank_)}; }

  // Appends an entry. Throws std::invalid_argument when there are kMaxRank already.
  void push_back(int64_t value);
  void erase(int index);
  void insert(int index, int64_t value);

  // Product of the entries; 1 for none.
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= values_[i];
    return n;
  }

  // "[2, 3]"
  std::string ToString() const;

  friend bool operator==(const Dims& a, const Dims& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a.values_[i] != b.values_[i]) return false;
    }
    return true;
  }

 private:
  int rank_ = 0;
  int64_t values_[kMaxRank] = {};
};

using Shape = Dims;
using Strides = Dims;

// Strides, in elements, of a dense row-major tensor of this shape.
Strides ContiguousStrides(const Shape& shape);

// The shape two shapes broadcast to by NumPy's rule (sizes are aligned at the last axis; equal, or
// one of them 1). Throws std::invalid_argument naming `operation` and both shapes if there is none.
Shape BroadcastShapes(const char* operation, const Shape& a, const Shape& b);

// True if a tensor of shape `from` can be expanded to `to` by NumPy's rule.
bool CanExpand(const Shape& from, const Shape& to);

// Maps axis in [-rank, rank) to [0, rank). Throws std::invalid_argument naming operation, axis and
// shape otherwise.
int NormalizeAxis(const char* operation, int64_t axis, const Shape& shape);

// Throws std::invalid_argument if a size is negative or the number of elements overflows 63 bits.
void CheckShape(const char* operation, const Shape& shape);

}  // namespace autograd

#endif  // AUTOGRAD_SHAPE_H_
