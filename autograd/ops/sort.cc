#include "autograd/ops/sort.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/ops/dispatch.h"
#include "autograd/ops/index.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Elements worth a thread.
constexpr int64_t kSortGrain = 2048;

// Maps the bits of a float (as an integer of its size) to an unsigned key of the same order, with
// all NaNs at the top and no difference between the zeros.
template <class Bits>
Bits FloatKey(Bits bits, Bits infinity, bool descending) {
  constexpr Bits kSign = Bits{1} << (std::numeric_limits<Bits>::digits - 1);
  const Bits magnitude = bits & static_cast<Bits>(~kSign);
  if (magnitude > infinity) return std::numeric_limits<Bits>::max();
  const bool negative = magnitude != 0 && magnitude != bits;
  const Bits key = negative ? static_cast<Bits>(~bits) : static_cast<Bits>(magnitude | kSign);
  // Infinity's key is below the maximum and minus infinity's above 0, so neither meets NaN's.
  return descending ? static_cast<Bits>(~key) : key;
}

template <class T>
auto KeyOf(T value, bool descending) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return FloatKey<uint32_t>(static_cast<uint32_t>(value.bits) << 16, 0x7f800000u, descending);
  } else if constexpr (std::is_same_v<T, float>) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return FloatKey<uint32_t>(bits, 0x7f800000u, descending);
  } else if constexpr (std::is_same_v<T, double>) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return FloatKey<uint64_t>(bits, 0x7ff0000000000000u, descending);
  } else {
    using Key = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    constexpr Key kBias = std::is_signed_v<T> ? Key{1} << (sizeof(Key) * 8 - 1) : Key{0};
    const Key key = static_cast<Key>(value) ^ kBias;
    return descending ? static_cast<Key>(~key) : key;
  }
}

// A key with the index of its element behind it, so that no two are equal and any way of sorting is
// stable.
struct WideEntry {
  uint64_t key;
  int64_t index;
  friend bool operator<(const WideEntry& a, const WideEntry& b) {
    return a.key != b.key ? a.key < b.key : a.index < b.index;
  }
  int64_t Index() const { return index; }
};
struct NarrowEntry {
  uint64_t key_and_index;
  friend bool operator<(const NarrowEntry& a, const NarrowEntry& b) {
    return a.key_and_index < b.key_and_index;
  }
  int64_t Index() const { return static_cast<int64_t>(key_and_index & 0xffffffffu); }
};

template <class Entry, class Key>
Entry MakeEntry(Key key, int64_t index) {
  if constexpr (std::is_same_v<Entry, NarrowEntry>) {
    return {static_cast<uint64_t>(key) << 32 | static_cast<uint64_t>(index)};
  } else {
    return {key, index};
  }
}

// Writes the indices of the first `k` elements in order of each row of a dense [rows, n] tensor.
template <class T, class Entry>
void SortRows(const Tensor& x, int64_t n, int64_t k, bool descending, const Tensor& indices) {
  const int64_t rows = x.numel() / n;
  ParallelFor(rows, std::max<int64_t>(1, kSortGrain / n), [&](int64_t begin, int64_t end) {
    std::vector<Entry> entries(static_cast<size_t>(n));
    for (int64_t row = begin; row < end; ++row) {
      const T* values = x.raw<T>() + row * n;
      for (int64_t i = 0; i < n; ++i) {
        entries[static_cast<size_t>(i)] = MakeEntry<Entry>(KeyOf(values[i], descending), i);
      }
      const auto middle = entries.begin() + k;
      if (k < n) std::nth_element(entries.begin(), middle, entries.end());
      std::sort(entries.begin(), middle);
      int64_t* to = indices.raw<int64_t>() + row * k;
      for (int64_t i = 0; i < k; ++i) to[i] = entries[static_cast<size_t>(i)].Index();
    }
  });
}

template <class T>
void SortRowsOf(const Tensor& x, int64_t n, int64_t k, bool descending, const Tensor& indices) {
  if (sizeof(T) < 8 && n <= int64_t{1} << 32) {
    if constexpr (sizeof(T) < 8) SortRows<T, NarrowEntry>(x, n, k, descending, indices);
  } else {
    SortRows<T, WideEntry>(x, n, k, descending, indices);
  }
}

// Indices of the first k elements along an axis in order.
Tensor FirstIndices(const Tensor& given, int axis, int64_t k, bool descending) {
  // The axis is sorted as the last one.
  const Tensor x = Contiguous(Transpose(given.Detach(), axis, -1));
  Shape shape = x.shape();
  const int64_t n = shape[x.rank() - 1];
  shape[x.rank() - 1] = k;
  const Tensor indices = Tensor::Empty(shape, DType::kI64);
  if (indices.numel() > 0) {
    switch (x.dtype()) {
      case DType::kF32:
        SortRowsOf<float>(x, n, k, descending, indices);
        break;
      case DType::kF64:
        SortRowsOf<double>(x, n, k, descending, indices);
        break;
      case DType::kBF16:
        SortRowsOf<BFloat16>(x, n, k, descending, indices);
        break;
      case DType::kI32:
        SortRowsOf<int32_t>(x, n, k, descending, indices);
        break;
      case DType::kI64:
        SortRowsOf<int64_t>(x, n, k, descending, indices);
        break;
      case DType::kU8:
      case DType::kBool:
        SortRowsOf<uint8_t>(x, n, k, descending, indices);
        break;
    }
  }
  return Contiguous(Transpose(indices, axis, -1));
}

}  // namespace

Tensor ArgSort(const Tensor& x, int64_t axis, bool descending) {
  const OpScope scope("ArgSort", {&x});
  internal::CheckDefined("ArgSort", {&x});
  const int sorted = NormalizeAxis("ArgSort", axis, x.shape());
  return FirstIndices(x, sorted, x.shape()[sorted], descending);
}

Sorted Sort(const Tensor& x, int64_t axis, bool descending) {
  const OpScope scope("Sort", {&x});
  internal::CheckDefined("Sort", {&x});
  const int sorted = NormalizeAxis("Sort", axis, x.shape());
  const Tensor indices = FirstIndices(x, sorted, x.shape()[sorted], descending);
  return {Gather(x, sorted, indices), indices};
}

Sorted TopK(const Tensor& x, int64_t k, int64_t axis, bool largest) {
  const OpScope scope("TopK", {&x});
  internal::CheckDefined("TopK", {&x});
  const int sorted = NormalizeAxis("TopK", axis, x.shape());
  if (k < 0 || k > x.shape()[sorted]) {
    throw std::invalid_argument("TopK: k = " + std::to_string(k) + " along axis " +
                                std::to_string(axis) + " of " + Describe(x));
  }
  const Tensor indices = FirstIndices(x, sorted, k, largest);
  return {Gather(x, sorted, indices), indices};
}

}  // namespace autograd
