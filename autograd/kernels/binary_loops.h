// The loops of binary.h, written so that gcc vectorises them for whatever instruction set the
// including file is compiled for. An element's result is one correctly rounded operation (or an
// exact one), so it does not depend on the vectors.
//
// Included by binary.cc and by the files of each instruction set: everything is in an anonymous
// namespace.
#ifndef AUTOGRAD_KERNELS_BINARY_LOOPS_H_
#define AUTOGRAD_KERNELS_BINARY_LOOPS_H_

#include <stdint.h>

#include "autograd/kernels/bf16_scalar.h"
#include "autograd/kernels/binary.h"

namespace autograd::kernels {
namespace {

template <class T>
constexpr bool kIsFloat = T(0.5) != T(0);

// The unsigned type of T's width, in which integers wrap without undefined behaviour.
template <class T>
struct UnsignedOf;
template <>
struct UnsignedOf<int32_t> {
  using Type = uint32_t;
};
template <>
struct UnsignedOf<int64_t> {
  using Type = uint64_t;
};
template <>
struct UnsignedOf<uint8_t> {
  using Type = uint32_t;
};
template <class T>
using Unsigned = typename UnsignedOf<T>::Type;

struct Add {
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (kIsFloat<T>)
      return x + y;
    else
      return static_cast<T>(static_cast<Unsigned<T>>(x) + static_cast<Unsigned<T>>(y));
  }
};

struct Sub {
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (kIsFloat<T>)
      return x - y;
    else
      return static_cast<T>(static_cast<Unsigned<T>>(x) - static_cast<Unsigned<T>>(y));
  }
};

struct Mul {
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (kIsFloat<T>)
      return x * y;
    else
      return static_cast<T>(static_cast<Unsigned<T>>(x) * static_cast<Unsigned<T>>(y));
  }
};

struct Div {
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (kIsFloat<T>) {
      return x / y;
    } else {
      if (y == 0) return 0;
      // The lowest value / -1 does not fit, and the processor traps.
      if (y == static_cast<T>(-1) && static_cast<T>(-1) < 0) return Sub::Apply<T>(0, x);
      return static_cast<T>(x / y);
    }
  }
};

inline float LibmPow(float x, float y) { return __builtin_powf(x, y); }
inline double LibmPow(double x, double y) { return __builtin_pow(x, y); }
inline float LibmAtan2(float x, float y) { return __builtin_atan2f(x, y); }
inline double LibmAtan2(double x, double y) { return __builtin_atan2(x, y); }
inline float FusedMultiplyAdd(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline double FusedMultiplyAdd(double x, double y, double z) { return __builtin_fma(x, y, z); }

struct Pow {
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (kIsFloat<T>) {
      return LibmPow(x, y);
    } else {
      if (y < 0) {
        if (x == 1) return 1;
        return x == static_cast<T>(-1) ? static_cast<T>(y % 2 == 0 ? 1 : -1) : T(0);
      }
      T result = 1;
      for (; y > 0; y = static_cast<T>(y / 2)) {
        if (y % 2 != 0) result = Mul::Apply(result, x);
        x = Mul::Apply(x, x);
      }
      return result;
    }
  }
};

struct Atan2 {
  template <class T>
  static T Apply(T x, T y) {
    return LibmAtan2(x, y);
  }
};

// | and not ||: without a branch the loop becomes a comparison and a blend.
struct Min {
  template <class T>
  static T Apply(T x, T y) {
    return (x < y) | (x != x) ? x : y;
  }
};
struct Max {
  template <class T>
  static T Apply(T x, T y) {
    return (x > y) | (x != x) ? x : y;
  }
};

struct Eq {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x == y;
  }
};
struct Ne {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x != y;
  }
};
struct Lt {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x < y;
  }
};
struct Le {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x <= y;
  }
};
struct Gt {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x > y;
  }
};
struct Ge {
  template <class T>
  static uint8_t Apply(T x, T y) {
    return x >= y;
  }
};

struct LogicalAnd {
  static uint8_t Apply(uint8_t x, uint8_t y) { return (x != 0) & (y != 0); }
};
struct LogicalOr {
  static uint8_t Apply(uint8_t x, uint8_t y) { return (x | y) != 0; }
};
struct LogicalXor {
  static uint8_t Apply(uint8_t x, uint8_t y) { return (x != 0) ^ (y != 0); }
};

// ivdep: z may be x or y itself, which gcc's run-time check for overlap would take for a
// dependence.
template <class T, class Z, class Op>
void ArrayArray(const T* x, const T* y, Z* z, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) z[i] = Narrow<Z>(Op::Apply(Widen(x[i]), Widen(y[i])));
}

template <class T, class Z, class Op>
void ArrayScalar(const T* x, const T* y, Z* z, int64_t n) {
  if (n == 0) return;
  const auto b = Widen(*y);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) z[i] = Narrow<Z>(Op::Apply(Widen(x[i]), b));
}

template <class T, class Z, class Op>
void ScalarArray(const T* x, const T* y, Z* z, int64_t n) {
  if (n == 0) return;
  const auto a = Widen(*x);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) z[i] = Narrow<Z>(Op::Apply(a, Widen(y[i])));
}

template <class T, bool kScalarX, bool kScalarY>
void Where(const uint8_t* condition, const T* x, const T* y, T* z, int64_t n) {
  if (n == 0) return;
  const T x0 = *x, y0 = *y;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T a = kScalarX ? x0 : x[i];
    const T b = kScalarY ? y0 : y[i];
    z[i] = condition[i] != 0 ? a : b;
  }
}

template <class T>
void Clamp(const T* x, ComputeType<T> lo, ComputeType<T> hi, T* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const auto value = Widen(x[i]);
    const auto above = value < lo ? lo : value;
    y[i] = Narrow<T>(above > hi ? hi : above);
  }
}

// a * x + b, rounded once.
template <class T>
T MultiplyAdd(T a, T x, T b) {
  if constexpr (kIsFloat<T>)
    return FusedMultiplyAdd(a, x, b);
  else
    return Add::Apply(Mul::Apply(a, x), b);
}

template <class T>
void Axpy(ComputeType<T> a, const T* x, T* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = Narrow<T>(MultiplyAdd(a, Widen(x[i]), Widen(y[i])));
}

template <class T>
void Axpby(ComputeType<T> a, const T* x, ComputeType<T> b, const T* y, T* z, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    z[i] = Narrow<T>(MultiplyAdd(a, Widen(x[i]), Mul::Apply(b, Widen(y[i]))));
  }
}

template <class T>
void MulAdd(const T* x, const T* y, T* z, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    z[i] = Narrow<T>(MultiplyAdd(Widen(x[i]), Widen(y[i]), Widen(z[i])));
  }
}

template <class T>
void Fill(T value, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = value;
}

inline void LogicalNot(const uint8_t* x, uint8_t* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] == 0;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_BINARY_LOOPS_H_
