// The type kernels compute in: bf16 is only stored, and f32 in registers.
//
// Example:
//   static_assert(sizeof(kernels::ComputeType<BFloat16>) == sizeof(float));
#ifndef AUTOGRAD_KERNELS_COMPUTE_TYPE_H_
#define AUTOGRAD_KERNELS_COMPUTE_TYPE_H_

#include "autograd/bfloat16.h"

namespace autograd::kernels {
namespace internal {
template <class T>
struct ComputeTypeOf {
  using Type = T;
};
template <>
struct ComputeTypeOf<BFloat16> {
  using Type = float;
};
}  // namespace internal

// float for BFloat16, T itself for every other T.
template <class T>
using ComputeType = typename internal::ComputeTypeOf<T>::Type;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_COMPUTE_TYPE_H_
