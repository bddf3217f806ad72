// Pooling: the mean and the maximum of windows of an image.
//
// Images are [B, H, W, C]; windows of `kernel` pixels lie `stride` apart, the first one `padding`
// pixels outside the image, as many as fit: floor((H + 2 padding - kernel) / stride) + 1 rows of
// them. The conventions are those of PyTorch's avg_pool2d and max_pool2d. Differentiable to any
// order.
//
// Example:
//   Tensor x = Reshape(Arange(0, 16), {1, 4, 4, 1});
//   Tensor means = AvgPool2d(x, {.kernel = {2, 2}});                       // 2.5 4.5 / 10.5 12.5
//   Tensor maxima = MaxPool2d(x, {.kernel = {3, 3}, .stride = {1, 1}});    // 10 11 / 14 15
//   std::cout << means << maxima << "\n";
#ifndef AUTOGRAD_OPS_POOL_H_
#define AUTOGRAD_OPS_POOL_H_

#include <array>
#include <cstdint>

#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/tensor.h"

namespace autograd {

// Of rows and of columns.
struct Pool2dOptions {
  std::array<int64_t, 2> kernel = {2, 2};
  // 0 stands for the kernel's size: windows side by side.
  std::array<int64_t, 2> stride = {0, 0};
  // At most half of the kernel, so that no window lies outside the image altogether.
  std::array<int64_t, 2> padding = {0, 0};
};

// The mean of each window; padding counts as zeros (PyTorch's count_include_pad). x [B, H, W, C],
// f32, f64 or bf16 (summed in f32, rounded once); result [B, H', W', C]. Throws
// std::invalid_argument naming x for another rank or dtype, and naming x and the options for a
// kernel, stride or padding out of range or a kernel larger than the padded image.
Tensor AvgPool2d(const Tensor& x, const Pool2dOptions& options = {});

// The transpose: x [B, H', W', C] has the shape of a result of AvgPool2d of images of this height
// and width, which is the shape of the result: each of its pixels is the sum of x over the windows
// it belongs to, divided by the number of pixels in a window. Errors as above.
Tensor AvgPool2dAdjoint(const Tensor& x, int64_t height, int64_t width,
                        const Pool2dOptions& options = {});

// The maximum of each window; NaN where it has one. The gradient goes to the pixel with the
// maximum, the first one, row by row, where several are equal. Padding is never the maximum.
// Shapes, dtypes and errors as for AvgPool2d, and an image has fewer than 2^31 pixels.
Tensor MaxPool2d(const Tensor& x, const Pool2dOptions& options = {});

}  // namespace autograd

#endif  // AUTOGRAD_OPS_POOL_H_
