// What the normalisations of norm.h and layer_norm.h share.
#ifndef AUTOGRAD_OPS_NORM_COMMON_H_
#define AUTOGRAD_OPS_NORM_COMMON_H_

#include <cstdint>
#include <string>

#include "autograd/ops/dispatch.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// The dtype that images of this dtype are normalised in, which is that of their parameters: itself,
// but f32 for bf16.
inline DType NormDType(DType images) { return images == DType::kBF16 ? DType::kF32 : images; }

// Calls function(T{}) with the type of images of f32, f64 or bf16.
template <class Function>
void DispatchImages(DType dtype, Function&& function) {
  if (dtype == DType::kBF16) return function(BFloat16{});
  Dispatch<DTypes::kFloating>(dtype, function);
}

// True if it is [channels] in the dtype of images' parameters, or undefined.
bool FitsChannels(const Tensor& parameter, int64_t channels, DType images);

// Throws std::invalid_argument naming the operation, all shapes and dtypes and what it `wanted`
// unless x is f32, f64 or bf16 of at least this rank, weight and bias fit, and eps >= 0.
void CheckNorm(const char* operation, int lowest_rank, const char* wanted, const Tensor& x,
               const Tensor& weight, const Tensor& bias, double eps);
// Throws std::invalid_argument unless eps >= 0.
void CheckEps(const char* operation, double eps, const Tensor& x);
// Ends with the dtypes that norms take.
[[noreturn]] void ThrowNorm(const std::string& operation_and_operands, const char* wanted);

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
