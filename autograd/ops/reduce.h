// Reductions over axes: sums, means, variances, extrema, norms.
//
// `axes` names the reduced axes, negative ones counting from the end; none stands for all. With
// `keepdim` they stay with size 1, otherwise they go. Results do not depend on strides or on the
// number of threads, and sums are accurate: f32 and f64 are added in blocks whose sums are added in
// f64 with compensation; bf16 as f32 is, rounded once at the end. Throws std::invalid_argument
// naming the operation, shape and dtype for an axis out of range or named twice, and for dtypes not
// listed.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 9}, {2, 3});
//   std::cout << Sum(x) << Mean(x, {0}) << Max(x, {-1}, true) << ArgMax(x, {1}) << "\n";
#ifndef AUTOGRAD_OPS_REDUCE_H_
#define AUTOGRAD_OPS_REDUCE_H_

#include "autograd/tensor.h"

namespace autograd {

// f32, f64, bf16, i32, i64, in the same dtype; integers wrap around. An empty sum is 0.
Tensor Sum(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

// Sum divided by the number of elements (NaN for none); f32, f64, bf16.
Tensor Mean(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

// sum (x - mean)^2 / (n - correction), with correction = 1 the unbiased estimate; not finite where
// n
// <= correction. f32, f64, bf16.
Tensor Var(const Tensor& x, const Dims& axes = {}, bool keepdim = false, int64_t correction = 1);

// The largest (smallest) element, NaN if there is one; f32, f64, bf16, i32, i64. The gradient is
// shared evenly by all elements that attain it, as by PyTorch's amax. Throws std::invalid_argument
// where there is nothing to choose from.
Tensor Max(const Tensor& x, const Dims& axes = {}, bool keepdim = false);
Tensor Min(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

// Its index (the first such, i64) along one axis, or in the flattened tensor if axes is empty.
Tensor ArgMax(const Tensor& x, const Dims& axes = {}, bool keepdim = false);
Tensor ArgMin(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

// Euclidean norm, sqrt(sum x^2), with derivative 0 at 0; f32, f64, bf16.
Tensor Norm(const Tensor& x, const Dims& axes = {}, bool keepdim = false);

// y[i] = x[0] + ... + x[i] along an axis; with `reverse`, x[i] + ... + x[last]. f32, f64, bf16,
// i32, i64; f32 and bf16 are accumulated in f64.
Tensor CumSum(const Tensor& x, int64_t axis, bool reverse = false);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_REDUCE_H_
