// Elementwise functions of one array, and the first-order gradients that go with them.
//
// Raw pointers, contiguous arrays, one thread: callers cut the work into pieces. Whatever the
// alignment, and wherever an array is cut, an element's result is the same bytes (on one
// instruction set). y may be x itself (in place); otherwise the arrays must not overlap. n may be
// 0. bf16 is computed in f32, by the same instructions, and rounded once.
//
// Example:
//   const float x[3] = {-1.0f, 0.0f, 2.0f};
//   float y[3], dx[3], dy[3] = {1.0f, 1.0f, 1.0f};
//   kernels::GetUnary<float>(kernels::UnaryOp::kSilu)(x, y, 3, 0.0f);
//   kernels::GetUnaryGrad<float>(kernels::UnaryOp::kSilu)(dy, x, dx, 3, 0.0f);
//   std::cout << y[2] << " " << dx[2] << "\n";  // 1.76159 1.09078
#ifndef AUTOGRAD_KERNELS_UNARY_H_
#define AUTOGRAD_KERNELS_UNARY_H_

#include <stdint.h>

#include "autograd/kernels/compute_type.h"

namespace autograd::kernels {

// The functions y = f(x), with a = param. After the bar the gradient kernel's result; it reads y
// where its formula has y, otherwise x, otherwise neither (UnaryGradReadsOutput; relu may be given
// either).
enum class UnaryOp : int {
  kNeg,         // -x                           | -dy
  kAbs,         // |x|                          | dy sign(x)
  kSign,        // -1, 1; x itself for 0, NaN   | 0
  kExp,         // e^x                          | dy y
  kExpm1,       // e^x - 1                      | dy (y + 1)
  kLog,         // ln x                         | dy / x
  kLog1p,       // ln(1 + x)                    | dy / (1 + x)
  kSqrt,        // x^(1/2)                      | dy / (2 y)
  kRsqrt,       // x^(-1/2)                     | -dy y^3 / 2
  kSquare,      // x^2                          | 2 dy x
  kReciprocal,  // 1 / x                        | -dy y^2
  kSin,         // sin x                        | dy cos x
  kCos,         // cos x                        | -dy sin x
  kTan,         // tan x                        | dy (1 + y^2)
  kTanh,        // tanh x                       | dy (1 - y^2)
  kSigmoid,     // s(x) = 1 / (1 + e^-x)        | dy y (1 - y)
  kSoftplus,    // ln(1 + e^x)                  | dy s(x)
  kRelu,        // x < 0 ? 0 : x; NaN stays     | y > 0 ? dy : 0
  kElu,         // x > 0 ? x : a (e^x - 1)      | y > 0 ? dy : dy (y + a), for a >= 0
  kLeakyRelu,   // x > 0 ? x : a x              | x > 0 ? dy : a dy
  kSelu,        // kSeluScale elu(x), a below   | kSeluScale times elu's
  kGeluTanh,    // x s(u(x)), u below           | dy (s(u) + x s(u) s(-u) u'(x))
  kGeluErf,     // x Phi(x)                     | dy (Phi(x) + x phi(x))
  kSilu,        // x s(x)                       | dy (s(x) + x s(x) s(-x))
  kErf,         // erf x                        | dy 2/sqrt(pi) e^(-x^2)
  kFloor,       // the integer below            | 0
  kCeil,        // the integer above            | 0
  kRound,       // nearest, ties to even        | 0
};
// u(x) = 2 sqrt(2/pi) (x + 0.044715 x^3), which makes kGeluTanh PyTorch's gelu(approximate='tanh');
// Phi and phi are the standard normal distribution's function and density.
//
// Errors measured with AVX2 and AVX-512 (the same) over all exponents, in units of the last place
// of f32 / f64:
//   kExp     1.0 / 1.0    kExpm1    1.6 / 1.8    kElu      1.6 / 1.7    kSelu   2.1 / 2.0
//   kLog     0.8 / 0.8    kLog1p    1.4 / 1.3    kSoftplus 1.7 / 1.6    kRsqrt  1.5 / 1.5
//   kSin     1.6 / 1.6    kCos      1.6 / 1.6    kTan      3.3 / 3.3    kErf    2.3 / 1.6
//   kSigmoid 2.3 / 2.3    kTanh     2.5 / 2.5    kSilu     3.0 / 3.0    others  0.5 / 0.5
// kSilu: until its sigmoid is subnormal (x > -87, -708); after that, the error of the factor. sin,
// cos and tan of f32 beyond 2^17 and of f64 beyond 2^20 come from libm. GELU: one epsilon (1.2e-7,
// 2.2e-16) in absolute terms or 4 last places, whichever is more; kGeluErf stays within 8 (f32) and
// 20 (f64) last places even where it underflows. kSilu, kGeluTanh and kGeluErf give -0 for -inf,
// the limit. Gradients: within 3 last places or 4 epsilons of max(1, |f'|) for |dy| near 1, and
// finite at infinite x where the limit is.
inline constexpr int kNumUnaryOps = static_cast<int>(UnaryOp::kRound) + 1;

// SELU's constants (Klambauer et al. 2017, equation 14).
inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

// y[i] = f(x[i]) for i < n. param is the a of kElu and kLeakyRelu; the others ignore it.
template <class T>
using UnaryFn = void (*)(const T* x, T* y, int64_t n, ComputeType<T> param);

// dx[i] = dy[i] f'(.), computed from s as listed above. dx may be dy or s itself.
template <class T>
using UnaryGradFn = void (*)(const T* dy, const T* s, T* dx, int64_t n, ComputeType<T> param);

struct UnaryKernels {
  UnaryFn<float> f32[kNumUnaryOps];
  UnaryFn<double> f64[kNumUnaryOps];
  UnaryGradFn<float> grad_f32[kNumUnaryOps];
  UnaryGradFn<double> grad_f64[kNumUnaryOps];
  UnaryFn<BFloat16> bf16[kNumUnaryOps];
  UnaryGradFn<BFloat16> grad_bf16[kNumUnaryOps];
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const UnaryKernels& GetUnaryKernels();

// The plain C++ reference: with <cmath> in T, for any processor.
const UnaryKernels& ScalarUnaryKernels();

// True where the gradient kernel reads y (kRelu accepts either; this says true).
constexpr bool UnaryGradReadsOutput(UnaryOp op) {
  return op == UnaryOp::kExp || op == UnaryOp::kExpm1 || op == UnaryOp::kSqrt ||
         op == UnaryOp::kRsqrt || op == UnaryOp::kReciprocal || op == UnaryOp::kTan ||
         op == UnaryOp::kTanh || op == UnaryOp::kSigmoid || op == UnaryOp::kRelu ||
         op == UnaryOp::kElu || op == UnaryOp::kSelu;
}

// The kernel of ActiveIsa() for T = float, double or BFloat16.
template <class T>
UnaryFn<T> GetUnary(UnaryOp op) {
  if constexpr (sizeof(T) == 2) {
    return GetUnaryKernels().bf16[static_cast<int>(op)];
  } else if constexpr (sizeof(T) == 4) {
    return GetUnaryKernels().f32[static_cast<int>(op)];
  } else {
    return GetUnaryKernels().f64[static_cast<int>(op)];
  }
}

template <class T>
UnaryGradFn<T> GetUnaryGrad(UnaryOp op) {
  if constexpr (sizeof(T) == 2) {
    return GetUnaryKernels().grad_bf16[static_cast<int>(op)];
  } else if constexpr (sizeof(T) == 4) {
    return GetUnaryKernels().grad_f32[static_cast<int>(op)];
  } else {
    return GetUnaryKernels().grad_f64[static_cast<int>(op)];
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_UNARY_H_
