// The reductions of integers and booleans of reduce.h: exact in any order, so plain loops that the
// compiler vectorises. Included by reduce.cc and by the files of each instruction set: everything
// is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_REDUCE_INTEGERS_H_
#define AUTOGRAD_KERNELS_REDUCE_INTEGERS_H_

#include <stdint.h>

#include "autograd/kernels/reduce.h"

namespace autograd::kernels {
namespace {

// Unsigned, where wrapping around is defined.
template <class T>
int64_t IntegerSum(const T* x, int64_t n) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<uint64_t>(x[i]);
  return static_cast<int64_t>(sum);
}

template <class T>
T IntegerMax(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

template <class T>
T IntegerMin(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] < best ? x[i] : best;
  return best;
}

template <class T>
int64_t IntegerFirst(const T* x, T value) {
  int64_t i = 0;
  while (x[i] != value) ++i;
  return i;
}

template <class T>
int64_t IntegerArgMax(const T* x, int64_t n) {
  return IntegerFirst(x, IntegerMax(x, n));
}

template <class T>
int64_t IntegerArgMin(const T* x, int64_t n) {
  return IntegerFirst(x, IntegerMin(x, n));
}

template <class T>
void IntegerColumnSum(const T* x, int64_t rows, int64_t columns, int64_t stride, int64_t* y) {
  for (int64_t j = 0; j < columns; ++j) y[j] = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = x + i * stride;
    for (int64_t j = 0; j < columns; ++j) {
      y[j] = static_cast<int64_t>(static_cast<uint64_t>(y[j]) + static_cast<uint64_t>(row[j]));
    }
  }
}

// Whether an element is 0 (kWanted = false) or not 0 (true), block by block so that a whole block
// is one vector loop.
template <bool kWanted>
bool Contains(const uint8_t* x, int64_t n) {
  constexpr int64_t kBlock = 1024;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t end = i + kBlock < n ? i + kBlock : n;
    uint8_t found = 0;
    for (int64_t k = i; k < end; ++k) found |= static_cast<uint8_t>((x[k] != 0) == kWanted);
    if (found != 0) return true;
  }
  return false;
}

inline bool AnyTrue(const uint8_t* x, int64_t n) { return Contains<true>(x, n); }
inline bool AllTrue(const uint8_t* x, int64_t n) { return !Contains<false>(x, n); }

template <class T>
constexpr IntReduceKernels<T> MakeIntReduceKernels() {
  return {IntegerSum<T>,    IntegerMax<T>,    IntegerMin<T>,
          IntegerArgMax<T>, IntegerArgMin<T>, IntegerColumnSum<T>};
}

constexpr ReduceTables MakeReduceTables(const ReduceKernels<float>& f32,
                                        const ReduceKernels<double>& f64) {
  return {f32,
          f64,
          MakeIntReduceKernels<int32_t>(),
          MakeIntReduceKernels<int64_t>(),
          MakeIntReduceKernels<uint8_t>(),
          AnyTrue,
          AllTrue};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_INTEGERS_H_
