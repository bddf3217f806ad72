// The conversions of convert.h, element by element, in loops that the compiler vectorises. Included
// by convert.cc and by the files of each instruction set: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONVERT_LOOPS_H_
#define AUTOGRAD_KERNELS_CONVERT_LOOPS_H_

#include <stdint.h>

#include "autograd/kernels/bf16_scalar.h"
#include "autograd/kernels/convert.h"

namespace autograd::kernels {
namespace {

struct Bool {
  uint8_t bits;
};

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;

template <class T>
constexpr bool kIsReal = kSame<T, float> || kSame<T, double>;

// The ends of an integer type, and the largest float below the upper end + 1 (which itself may not
// be a float).
template <class Int, class Real>
struct Range;
template <>
struct Range<int32_t, float> {
  static constexpr float kLowest = -0x1p31f, kLargest = 2147483520.0f, kEnd = 0x1p31f;
  static constexpr int32_t kMax = INT32_MAX;
};
template <>
struct Range<int32_t, double> {
  static constexpr double kLowest = -0x1p31, kLargest = 2147483647.0, kEnd = 0x1p31;
  static constexpr int32_t kMax = INT32_MAX;
};
template <>
struct Range<int64_t, float> {
  static constexpr float kLowest = -0x1p63f, kLargest = 0x1.fffffep62f, kEnd = 0x1p63f;
  static constexpr int64_t kMax = INT64_MAX;
};
template <>
struct Range<int64_t, double> {
  static constexpr double kLowest = -0x1p63, kLargest = 0x1.fffffffffffffp62, kEnd = 0x1p63;
  static constexpr int64_t kMax = INT64_MAX;
};
template <>
struct Range<uint8_t, float> {
  static constexpr float kLowest = 0, kLargest = 255, kEnd = 256;
  static constexpr uint8_t kMax = 255;
};
template <>
struct Range<uint8_t, double> {
  static constexpr double kLowest = 0, kLargest = 255, kEnd = 256;
  static constexpr uint8_t kMax = 255;
};

// Truncated and saturated; clamped first because the conversion itself is undefined out of range.
template <class Int, class Real>
Int Saturated(Real x) {
  using R = Range<Int, Real>;
  Real c = x == x ? x : Real(0);
  c = c < R::kLowest ? R::kLowest : c;
  c = c > R::kLargest ? R::kLargest : c;
  const Int inside = static_cast<Int>(c);
  return x >= R::kEnd ? R::kMax : inside;
}

template <class From, class To>
To Convert(From x) {
  if constexpr (kSame<From, BFloat16>) {
    return Convert<float, To>(Widen(x));
  } else if constexpr (kSame<From, Bool>) {
    return Convert<uint8_t, To>(x.bits);
  } else if constexpr (kSame<To, Bool>) {
    return {static_cast<uint8_t>(x != 0)};
  } else if constexpr (kSame<To, BFloat16>) {
    return RoundToBf16(static_cast<float>(x));
  } else if constexpr (kIsReal<From> && !kIsReal<To>) {
    return Saturated<To, From>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void Cast(const void* x, void* y, int64_t n) {
  if constexpr (kSame<From, To>) {
    __builtin_memcpy(y, x, static_cast<uint64_t>(n) * sizeof(To));
  } else {
    const From* __restrict from = static_cast<const From*>(x);
    To* __restrict to = static_cast<To*>(y);
    for (int64_t i = 0; i < n; ++i) to[i] = Convert<From, To>(from[i]);
  }
}

template <class From>
constexpr void EnterCasts(CastFn (&row)[kNumCastTypes]) {
  row[static_cast<int>(CastType::kF32)] = Cast<From, float>;
  row[static_cast<int>(CastType::kF64)] = Cast<From, double>;
  row[static_cast<int>(CastType::kI32)] = Cast<From, int32_t>;
  row[static_cast<int>(CastType::kI64)] = Cast<From, int64_t>;
  row[static_cast<int>(CastType::kU8)] = Cast<From, uint8_t>;
  row[static_cast<int>(CastType::kBool)] = Cast<From, Bool>;
  row[static_cast<int>(CastType::kBf16)] = Cast<From, BFloat16>;
}

constexpr ConvertKernels MakeConvertKernels(decltype(ConvertKernels::strided_copy) strided_copy) {
  ConvertKernels t = {};
  EnterCasts<float>(t.cast[static_cast<int>(CastType::kF32)]);
  EnterCasts<double>(t.cast[static_cast<int>(CastType::kF64)]);
  EnterCasts<int32_t>(t.cast[static_cast<int>(CastType::kI32)]);
  EnterCasts<int64_t>(t.cast[static_cast<int>(CastType::kI64)]);
  EnterCasts<uint8_t>(t.cast[static_cast<int>(CastType::kU8)]);
  EnterCasts<Bool>(t.cast[static_cast<int>(CastType::kBool)]);
  EnterCasts<BFloat16>(t.cast[static_cast<int>(CastType::kBf16)]);
  t.strided_copy = strided_copy;
  return t;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONVERT_LOOPS_H_
