// Element types of tensors.
//
// Floating-point types (f32, f64, bf16) can carry gradients; integers and bool cannot. Operations
// do not promote: mixing two dtypes is an error that names both, and Cast (autograd/ops/cast.h)
// converts. C++ scalars take the dtype of the tensor they meet.
//
// bf16 has f32's range and 8 bits of significand: half the memory, and on many processors several
// times the speed of matrix products. It is for activations. Operations take it and return it, but
// compute in f32, sum in f32 or more, and round once, when they write their result; their gradients
// likewise. One exception to the rule against mixing: operations with parameters (Conv2d, Linear,
// GroupNorm, Embedding, ...) take bf16 activations with f32 parameters, whose gradients are then
// f32 too, so that small steps of an optimiser are not lost. Losses and optimisers want f32.
//
// Example:
//   static_assert(DTypeOf<float> == DType::kF32);
//   std::cout << DTypeName(DType::kBF16) << " takes " << ItemSize(DType::kBF16) << " bytes\n";
#ifndef AUTOGRAD_DTYPE_H_
#define AUTOGRAD_DTYPE_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "autograd/bfloat16.h"

namespace autograd {

enum class DType : uint8_t { kF32, kF64, kBF16, kI32, kI64, kU8, kBool };

inline constexpr int kNumDTypes = 7;

// Exact.
constexpr float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

// Rounded to nearest, ties to even; NaN stays NaN.
constexpr BFloat16 ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  // A NaN's payload may be in the lower half alone, so a quiet one is made of it.
  if (value != value) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

// Bytes of one element.
constexpr size_t ItemSize(DType dtype) {
  constexpr size_t kSizes[kNumDTypes] = {4, 8, 2, 4, 8, 1, 1};
  return kSizes[static_cast<int>(dtype)];
}

// "f32", "f64", "bf16", "i32", "i64", "u8" or "bool".
constexpr const char* DTypeName(DType dtype) {
  constexpr const char* kNames[kNumDTypes] = {"f32", "f64", "bf16", "i32", "i64", "u8", "bool"};
  return kNames[static_cast<int>(dtype)];
}

// True for f32, f64 and bf16, the types that can require gradients.
constexpr bool IsFloating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kBF16;
}

namespace internal {
template <class T>
struct DTypeOfT;
template <>
struct DTypeOfT<float> {
  static constexpr DType value = DType::kF32;
};
template <>
struct DTypeOfT<double> {
  static constexpr DType value = DType::kF64;
};
template <>
struct DTypeOfT<BFloat16> {
  static constexpr DType value = DType::kBF16;
};
template <>
struct DTypeOfT<int32_t> {
  static constexpr DType value = DType::kI32;
};
template <>
struct DTypeOfT<int64_t> {
  static constexpr DType value = DType::kI64;
};
template <>
struct DTypeOfT<uint8_t> {
  static constexpr DType value = DType::kU8;
};
template <>
struct DTypeOfT<bool> {
  static constexpr DType value = DType::kBool;
};
}  // namespace internal

// The dtype whose elements are of the C++ type T.
template <class T>
inline constexpr DType DTypeOf = internal::DTypeOfT<T>::value;

}  // namespace autograd

#endif  // AUTOGRAD_DTYPE_H_
