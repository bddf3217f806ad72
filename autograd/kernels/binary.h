// Elementwise functions of two (or three) arrays: arithmetic, comparison, logic, selection.
//
// Raw pointers, contiguous arrays, one thread: callers cut the work into pieces. An element's
// result is the same bytes whatever the alignment and wherever an array is cut. The output may be
// an input itself (in place), where their element types agree; otherwise arrays must not overlap. n
// may be 0. Booleans are u8, 0 or 1. bf16 is computed in f32 and rounded once.
//
// Example:
//   const float x[3] = {1.0f, 2.0f, 3.0f}, two = 2.0f;
//   float z[3];
//   const auto& k = kernels::GetBinary<float>();
//   k.Arithmetic(kernels::BinaryOp::kDiv, kernels::Operands::kArrayScalar)(x, &two, z, 3);
//   std::cout << z[2] << "\n";  // 1.5
#ifndef AUTOGRAD_KERNELS_BINARY_H_
#define AUTOGRAD_KERNELS_BINARY_H_

#include <stdint.h>

#include "autograd/kernels/compute_type.h"

namespace autograd::kernels {

// z = f(x, y). Integers wrap around. kDiv of integers rounds towards zero; x / 0 is 0, and the
// lowest value / -1 wraps to itself. kPow of integers is exact modulo 2^bits; a negative exponent
// gives 0, but 1 for x = 1 and +-1 for x = -1. kAtan2 is <cmath>'s atan2(x, y), null for integers.
// kMin and kMax are NaN if either operand is.
enum class BinaryOp : int { kAdd, kSub, kMul, kDiv, kPow, kAtan2, kMin, kMax };
inline constexpr int kNumBinaryOps = static_cast<int>(BinaryOp::kMax) + 1;

// z = x op y, false (kNe: true) where either is NaN.
enum class CompareOp : int { kEq, kNe, kLt, kLe, kGt, kGe };
inline constexpr int kNumCompareOps = static_cast<int>(CompareOp::kGe) + 1;

enum class LogicalOp : int { kAnd, kOr, kXor };
inline constexpr int kNumLogicalOps = static_cast<int>(LogicalOp::kXor) + 1;

// Which operands are arrays of n elements, and which a pointer to a single one.
enum class Operands : int { kArrayArray, kArrayScalar, kScalarArray };
inline constexpr int kNumOperands = static_cast<int>(Operands::kScalarArray) + 1;

template <class T>
using BinaryFn = void (*)(const T* x, const T* y, T* z, int64_t n);
template <class T>
using CompareFn = void (*)(const T* x, const T* y, uint8_t* z, int64_t n);
// z[i] = condition[i] ? x[i] : y[i]
template <class T>
using WhereFn = void (*)(const uint8_t* condition, const T* x, const T* y, T* z, int64_t n);

// For T = float, double, BFloat16, int32_t, int64_t, uint8_t.
template <class T>
struct BinaryKernels {
  using P = ComputeType<T>;

  BinaryFn<T> arithmetic[kNumBinaryOps][kNumOperands];
  CompareFn<T> compare[kNumCompareOps][kNumOperands];
  WhereFn<T> where[2][2];  // [x is a single element][y is a single element]

  // y[i] = min(max(x[i], lo), hi); NaN stays NaN, and hi wins if lo > hi.
  void (*clamp)(const T* x, P lo, P hi, T* y, int64_t n);
  // y[i] += a x[i], rounded once for floats (fused multiply-add); a may be integer.
  void (*axpy)(P a, const T* x, T* y, int64_t n);
  // z[i] = a x[i] + b y[i] as fma(a, x[i], b y[i]).
  void (*axpby)(P a, const T* x, P b, const T* y, T* z, int64_t n);
  // z[i] += x[i] y[i], rounded once for floats: the accumulating product of a backward pass.
  void (*mul_add)(const T* x, const T* y, T* z, int64_t n);
  // y[i] = value.
  void (*fill)(T value, T* y, int64_t n);

  BinaryFn<T> Arithmetic(BinaryOp op, Operands operands) const {
    return arithmetic[static_cast<int>(op)][static_cast<int>(operands)];
  }
  CompareFn<T> Compare(CompareOp op, Operands operands) const {
    return compare[static_cast<int>(op)][static_cast<int>(operands)];
  }
};

// Inputs count as true where they are not 0.
struct LogicalKernels {
  BinaryFn<uint8_t> logical[kNumLogicalOps][kNumOperands];
  void (*logical_not)(const uint8_t* x, uint8_t* y, int64_t n);
};

// All tables of one instruction set.
struct BinaryTables {
  BinaryKernels<float> f32;
  BinaryKernels<double> f64;
  BinaryKernels<int32_t> i32;
  BinaryKernels<int64_t> i64;
  BinaryKernels<uint8_t> u8;
  BinaryKernels<BFloat16> bf16;
  LogicalKernels logical;
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const BinaryTables& GetBinaryTables();

// The plain C++ reference, for any processor.
const BinaryTables& ScalarBinaryTables();

// The kernels of ActiveIsa() for one of the six types.
template <class T>
const BinaryKernels<T>& GetBinary();
template <>
inline const BinaryKernels<float>& GetBinary<float>() {
  return GetBinaryTables().f32;
}
template <>
inline const BinaryKernels<double>& GetBinary<double>() {
  return GetBinaryTables().f64;
}
template <>
inline const BinaryKernels<int32_t>& GetBinary<int32_t>() {
  return GetBinaryTables().i32;
}
template <>
inline const BinaryKernels<int64_t>& GetBinary<int64_t>() {
  return GetBinaryTables().i64;
}
template <>
inline const BinaryKernels<uint8_t>& GetBinary<uint8_t>() {
  return GetBinaryTables().u8;
}
template <>
inline const BinaryKernels<BFloat16>& GetBinary<BFloat16>() {
  return GetBinaryTables().bf16;
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_BINARY_H_
