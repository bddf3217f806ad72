// One element between the type it is stored in and the one it is computed in, for loops that the
// compiler vectorises.
//
// Included by dispatchers and by the files of each instruction set: everything is in an anonymous
// namespace.
#ifndef AUTOGRAD_KERNELS_BF16_SCALAR_H_
#define AUTOGRAD_KERNELS_BF16_SCALAR_H_

#include <stdint.h>

#include "autograd/kernels/compute_type.h"

namespace autograd::kernels {
namespace {

template <class T>
constexpr bool kIsBf16 = false;
template <>
constexpr bool kIsBf16<BFloat16> = true;

// Adding just under half of the last kept place, and that place's own bit, rounds ties to even. A
// NaN could carry into infinity, so it is cut and made quiet instead.
inline BFloat16 RoundToBf16(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40u;
  return {static_cast<uint16_t>(x == x ? rounded : quiet)};
}

// An element as what is computed with: exact.
template <class T>
inline ComputeType<T> Widen(T x) {
  if constexpr (kIsBf16<T>) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
  } else {
    return x;
  }
}

// A result as an element: rounded to nearest even where that is bf16.
template <class T>
inline T Narrow(ComputeType<T> x) {
  if constexpr (kIsBf16<T>) {
    return RoundToBf16(x);
  } else {
    return x;
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_BF16_SCALAR_H_
