// Element-wise arithmetic with NumPy broadcasting.
//
// Operands have the same dtype (f32, f64, bf16, i32 or i64); a C++ scalar takes the tensor's, but
// is a summand or factor of bf16 in f32. bf16 is computed in f32 and rounded once. Throws
// std::invalid_argument that names the operation, shapes and dtypes if they do not match or do not
// broadcast. Derivatives: the usual ones, summed over the axes an operand was broadcast along.
//
// Example:
//   Tensor a = Tensor::FromVector<float>({1, 2, 3, 4}, {2, 2});
//   Tensor b = Tensor::FromVector<float>({10, 20}, {2});
//   std::cout << a * 2.0 + b / a - 1.0 << "\n";
#ifndef AUTOGRAD_OPS_ARITHMETIC_H_
#define AUTOGRAD_OPS_ARITHMETIC_H_

#include "autograd/tensor.h"

namespace autograd {

Tensor Add(const Tensor& a, const Tensor& b);
Tensor Sub(const Tensor& a, const Tensor& b);
Tensor Mul(const Tensor& a, const Tensor& b);
// Integers are truncated towards zero; x / 0 is 0 for them.
Tensor Div(const Tensor& a, const Tensor& b);
Tensor Neg(const Tensor& x);

// a * x + b with scalars, in one pass.
Tensor Affine(const Tensor& x, double a, double b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return Add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return Sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return Mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return Div(a, b); }
inline Tensor operator-(const Tensor& x) { return Neg(x); }
inline Tensor operator+(const Tensor& x, double b) { return Affine(x, 1, b); }
inline Tensor operator+(double b, const Tensor& x) { return Affine(x, 1, b); }
inline Tensor operator-(const Tensor& x, double b) { return Affine(x, 1, -b); }
inline Tensor operator-(double b, const Tensor& x) { return Affine(x, -1, b); }
inline Tensor operator*(const Tensor& x, double a) { return Affine(x, a, 0); }
inline Tensor operator*(double a, const Tensor& x) { return Affine(x, a, 0); }
Tensor operator/(const Tensor& x, double a);
Tensor operator/(double a, const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_ARITHMETIC_H_
