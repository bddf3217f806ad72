// A linear layer with its activation, y = f(x W^T + b), and its gradients, each in as few passes
// over memory as possible. W is [out, in] as PyTorch keeps it.
//
// With z = x W^T + b the gradients are dz = dy f'(z), dx = dz W, dW = dz^T x and db = the column
// sums of dz. LinearBackward makes dz a block at a time, so that it is still in the cache when the
// three products read it, and enters one parallel region for all of it where it can.
//
// x, y and their gradients may be bf16; w, b and theirs are then f32. Sums, bias and activation are
// f32, w is rounded to bf16 for the products, as is dz.
//
// All matrices have contiguous rows without gaps. Results have the same bits whatever the number of
// threads and the alignment. Sizes may be 0. Outputs overlap nothing else.
//
// Example:
//   std::vector<float> x = {1, 2, 3, 4}, w = {1, 0, 1, 1}, b = {0, -5};  // [2, 2], [2, 2], [2]
//   std::vector<float> y(4), dx(4), dw(4), db(2), dy = {1, 1, 1, 1};
//   const kernels::LinearSize size = {/*rows=*/2, /*in=*/2, /*out=*/2};
//   const auto relu = kernels::LinearActivation<float>::Of(kernels::UnaryOp::kRelu);
//   kernels::LinearForward(size, x.data(), w.data(), b.data(), relu, y.data(), nullptr);
//   kernels::LinearBackward(size, x.data(), w.data(), relu, y.data(), dy.data(), dx.data(),
//                           dw.data(), db.data());
//   std::cout << y[3] << " " << dx[2] << " " << dw[3] << " " << db[1] << "\n";  // 2 2 4 1
#ifndef AUTOGRAD_KERNELS_LINEAR_H_
#define AUTOGRAD_KERNELS_LINEAR_H_

#include <cstdint>

#include "autograd/bfloat16.h"
#include "autograd/kernels/unary.h"

namespace autograd::kernels {

struct LinearSize {
  int64_t rows, in, out;
};

// f and its gradient; none if both are null.
template <class T>
struct LinearActivation {
  UnaryFn<T> forward = nullptr;
  UnaryGradFn<T> backward = nullptr;
  T parameter = 0;

  // Throws as GetUnary does.
  static LinearActivation Of(UnaryOp op, T parameter = 0) {
    return {GetUnary<T>(op), GetUnaryGrad<T>(op), parameter};
  }
};

// y[rows, out] = f(x[rows, in] w[out, in]^T + bias[out]). bias may be null. pre_activation, [rows,
// out] or null, receives what f is applied to.
void LinearForward(const LinearSize& size, const float* x, const float* w, const float* bias,
                   const LinearActivation<float>& activation, float* y, float* pre_activation);
void LinearForward(const LinearSize& size, const double* x, const double* w, const double* bias,
                   const LinearActivation<double>& activation, double* y, double* pre_activation);
void LinearForward(const LinearSize& size, const BFloat16* x, const float* w, const float* bias,
                   const LinearActivation<float>& activation, BFloat16* y,
                   BFloat16* pre_activation);

// From dy[rows, out] the gradients dx[rows, in], dw[out, in] and db[out]; those that are null are
// not computed. saved[rows, out] is y or pre_activation, whichever the activation's gradient reads
// (UnaryGradReadsOutput); not read without an activation.
void LinearBackward(const LinearSize& size, const float* x, const float* w,
                    const LinearActivation<float>& activation, const float* saved, const float* dy,
                    float* dx, float* dw, float* db);
void LinearBackward(const LinearSize& size, const double* x, const double* w,
                    const LinearActivation<double>& activation, const double* saved,
                    const double* dy, double* dx, double* dw, double* db);
void LinearBackward(const LinearSize& size, const BFloat16* x, const float* w,
                    const LinearActivation<float>& activation, const BFloat16* saved,
                    const BFloat16* dy, BFloat16* dx, float* dw, float* db);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_LINEAR_H_
