// Changing tensors in place. Allowed only where nothing is recorded: inside NoGrad, or for tensors
// that require no gradients; elsewhere these throw std::invalid_argument. Each bumps the tensor's
// version, so a graph that saved the old values notices. x may overlap y's memory; it is read as it
// was before. Except by FillInPlace, a tensor whose elements share memory (an expanded one) cannot
// be written to: std::invalid_argument.
//
// Example:
//   #include "autograd/grad_mode.h"
//   Tensor w = Tensor::FromVector<float>({1, 2}, {2}).set_requires_grad(true);
//   NoGrad guard;
//   AddInPlace(w, Tensor::FromVector<float>({1, 1}, {2}), -0.1);  // a step of gradient descent
#ifndef AUTOGRAD_OPS_INPLACE_H_
#define AUTOGRAD_OPS_INPLACE_H_

#include "autograd/tensor.h"

namespace autograd {

// y += scale * x. x expands to y's shape; same floating-point dtype (bf16 is computed in f32 and
// rounded once) or i32 or i64, for which scale must be 1.
void AddInPlace(Tensor& y, const Tensor& x, double scale = 1);

// y = value everywhere. Throws std::invalid_argument if an integer dtype cannot hold the value.
void FillInPlace(Tensor& y, double value);

// y *= factor, floating-point dtypes (the factor of bf16 is an f32).
void ScaleInPlace(Tensor& y, double factor);

// Copies x, expanded to y's shape, into y. Same dtype.
void CopyInPlace(Tensor& y, const Tensor& x);

// A dense copy without a graph.
Tensor Clone(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_INPLACE_H_
