// Element-wise functions of one tensor.
//
// All take f32, f64 and bf16 (computed in f32, rounded once); Abs, Sign and Square also i32 and
// i64, as noted. The result has the shape and dtype of x. Other dtypes throw std::invalid_argument
// naming the operation. All have derivatives of any order; where the derivative jumps, it is
// PyTorch's choice, as noted.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({0.5f, 1, 2}, {3});
//   std::cout << Exp(x) << Pow(x, 1.5) << "\n";
#ifndef AUTOGRAD_OPS_UNARY_H_
#define AUTOGRAD_OPS_UNARY_H_

#include "autograd/tensor.h"

namespace autograd {

// |x|, with derivative 0 at 0. Also i32 and i64.
Tensor Abs(const Tensor& x);
// -1, 0 or 1 (NaN for NaN), with derivative 0. Also i32 and i64.
Tensor Sign(const Tensor& x);
// e^x.
Tensor Exp(const Tensor& x);
// e^x - 1, accurate near 0.
Tensor Expm1(const Tensor& x);
// Natural logarithm; -infinity at 0, NaN below.
Tensor Log(const Tensor& x);
// log(1 + x), accurate near 0.
Tensor Log1p(const Tensor& x);
// Square root, with an infinite derivative at 0.
Tensor Sqrt(const Tensor& x);
// 1 / sqrt(x).
Tensor Rsqrt(const Tensor& x);
// x^2. Also i32 and i64.
Tensor Square(const Tensor& x);
// x^exponent as std::pow has it. The derivative of x^0 is 0 everywhere.
Tensor Pow(const Tensor& x, double exponent);
// Trigonometric functions of x in radians.
Tensor Sin(const Tensor& x);
Tensor Cos(const Tensor& x);
Tensor Tan(const Tensor& x);
// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.
Tensor Erf(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_UNARY_H_
