// Conversions between element types, and copies between layouts.
//
// Raw pointers, one thread: callers cut the work into pieces. The arrays must not overlap. n may be
// 0.
//
// Example:
//   const float x[2] = {1.5f, -2.75f};
//   int32_t y[2];
//   kernels::GetCast(kernels::CastType::kF32, kernels::CastType::kI32)(x, y, 2);
//   std::cout << y[0] << " " << y[1] << "\n";  // 1 -2
#ifndef AUTOGRAD_KERNELS_CONVERT_H_
#define AUTOGRAD_KERNELS_CONVERT_H_

#include <stdint.h>

namespace autograd::kernels {

// kBf16 is the upper half of an f32, held in a uint16_t. kBool is a u8, 0 or 1.
enum class CastType : int { kF32, kF64, kI32, kI64, kU8, kBool, kBf16 };
inline constexpr int kNumCastTypes = static_cast<int>(CastType::kBf16) + 1;

// y[i] = x[i] in the other type, contiguous. To a float type: rounded to nearest even (from f64 and
// integers to bf16 by way of f32, so rounded twice); NaN stays NaN. From a float to an integer
// type: truncated towards zero, saturated at the ends of the integer's range, NaN becomes 0.
// Between integers: modulo 2^bits. To bool: x != 0 (NaN is true).
using CastFn = void (*)(const void* x, void* y, int64_t n);

struct ConvertKernels {
  CastFn cast[kNumCastTypes][kNumCastTypes];  // [from][to]; equal types copy

  // dst[i * dst_row + j * dst_column] = src[i * src_row + j * src_column] for i < rows, j <
  // columns; strides in elements, which have 1, 2, 4 or 8 bytes; a source stride may be 0 or
  // negative. A transposition of 4- and 8-byte elements (unit strides along different dimensions)
  // goes block by block through registers.
  void (*strided_copy)(const void* src, int64_t src_row, int64_t src_column, void* dst,
                       int64_t dst_row, int64_t dst_column, int64_t rows, int64_t columns,
                       int64_t element_size);
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const ConvertKernels& GetConvertKernels();

// The plain C++ reference, for any processor.
const ConvertKernels& ScalarConvertKernels();

// The conversion of ActiveIsa().
inline CastFn GetCast(CastType from, CastType to) {
  return GetConvertKernels().cast[static_cast<int>(from)][static_cast<int>(to)];
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONVERT_H_
