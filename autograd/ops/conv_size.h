// The sizes of a convolution from its arguments, checked.
#ifndef AUTOGRAD_OPS_CONV_SIZE_H_
#define AUTOGRAD_OPS_CONV_SIZE_H_

#include <cstdint>

#include "autograd/kernels/conv_size.h"
#include "autograd/ops/conv_options.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// Whether x is [B, H, W, C], weight [O, kh, kw, C / groups] and bias undefined or [O], of dtypes
// that Conv2d takes together.
bool AreConvOperands(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups = 1);
// These throw std::invalid_argument as Conv2d and ConvTranspose2d say.
kernels::ConvSize Conv2dSize(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             const Conv2dOptions& options);
// The same for Conv2d's addends, given its size.
void CheckConvAddends(const kernels::ConvSize& size, const Tensor& x, const Tensor& weight,
                      const Tensor& shift, const Tensor& residual);
// Of the convolution whose transpose it is: its y is x, its x the result.
kernels::ConvSize ConvTranspose2dSize(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                      const ConvTranspose2dOptions& options);

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_CONV_SIZE_H_
