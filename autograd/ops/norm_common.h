// What the normalisations of norm.h and layer_norm.h share.
#ifndef AUTOGRAD_OPS_NORM_COMMON_H_
#define AUTOGRAD_OPS_NORM_COMMON_H_

#include "autograd/tensor.h"

namespace autograd::internal {

// True if it is [C] of x [..., C]'s dtype, or undefined.
bool FitsChannels(const Tensor& parameter, const Tensor& x);

// Throws std::invalid_argument naming the operation, all shapes and dtypes and what it `wanted`
// unless x is f32 or f64 of at least this rank, weight and bias fit, and eps >= 0.
void CheckNorm(const char* operation, int lowest_rank, const char* wanted, const Tensor& x,
               const Tensor& weight, const Tensor& bias, double eps);

// normalised weight + bias, of what is defined; differentiable.
Tensor Affine(const Tensor& normalised, const Tensor& weight, const Tensor& bias);

// For kernels, which take null for a parameter that is not there.
Tensor DenseOrUndefined(const Tensor& x);
template <class T>
T* DataOf(const Tensor& dense) {
  return dense.defined() ? dense.raw<T>() : nullptr;
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_NORM_COMMON_H_
