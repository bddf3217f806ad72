// BFloat16: the storage type behind DType::kBF16. dtype.h has its conversions; this header includes
// nothing, so that files compiled for one instruction set may use it.
//
// Example:
//   static_assert(sizeof(BFloat16) == 2);
//   std::cout << BFloat16{0x3f80}.bits << "\n";  // 16256: the upper half of 1.0f
#ifndef AUTOGRAD_BFLOAT16_H_
#define AUTOGRAD_BFLOAT16_H_

#include <stdint.h>

namespace autograd {

// The upper half of an f32: 8 bits of exponent, 7 of mantissa. A storage type; arithmetic happens
// in f32.
struct BFloat16 {
  uint16_t bits;
};

}  // namespace autograd

#endif  // AUTOGRAD_BFLOAT16_H_
