// Images of another height and width: nearest neighbour and bilinear interpolation.
//
// Images are [B, H, W, C]. The sizes and the positions are those of PyTorch's
// torch.nn.functional.interpolate with size=(height, width), for enlarging and for shrinking
// (without antialiasing). Both operations are linear; their adjoints, which give each pixel what
// was computed from it, are operations of their own, so all are differentiable to any order.
//
// Example:
//   Tensor x = Reshape(Arange(0, 4), {1, 2, 2, 1});               // 0 1 / 2 3
//   Tensor blocks = UpsampleNearest2d(x, 4, 4);                // 0 0 1 1 / 0 0 1 1 / 2 2 3 3 / ...
//   Tensor smooth = UpsampleBilinear2d(x, 3, 3, true);         // 0 .5 1 / 1 1.5 2 / 2 2.5 3
//   Tensor sums = UpsampleNearest2dAdjoint(blocks, 2, 2);      // 0 4 / 8 12
//   std::cout << blocks << smooth << sums << "\n";
#ifndef AUTOGRAD_OPS_RESAMPLE_H_
#define AUTOGRAD_OPS_RESAMPLE_H_

#include <cstdint>

#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/tensor.h"

namespace autograd {

// Pixel i of an axis of size n becomes pixel floor(i n / m) of one of size m (min(n - 1, .), the
// ratio n / m and the product rounded to f32 as PyTorch does, but exact for m = 2 n).
// x [B, H, W, C], f32, f64 or bf16 (summed in f32, rounded once); result [B, height, width, C].
// Throws std::invalid_argument naming x for another rank or dtype, and for sizes below 1.
Tensor UpsampleNearest2d(const Tensor& x, int64_t height, int64_t width);

// Pixel i of an axis of size m lies at s = max(0, (i + 1/2) n / m - 1/2) of one of size n, or, with
// align_corners, at s = i (n - 1) / (m - 1) (0 for m = 1), and is (1 - f) x[floor s] +
// f x[min(floor s + 1, n - 1)] with f = s - floor s, along both axes.
// Shapes, dtypes and errors as above.
Tensor UpsampleBilinear2d(const Tensor& x, int64_t height, int64_t width,
                          bool align_corners = false);

// The transposes: x [B, h, w, C] has the shape of a result of UpsampleNearest2d
// (UpsampleBilinear2d) of images of this height and width, which is the shape of the result: each
// of its pixels is the sum of those of x that were computed from it, times their weights.
// Dtypes and errors as above.
Tensor UpsampleNearest2dAdjoint(const Tensor& x, int64_t height, int64_t width);
Tensor UpsampleBilinear2dAdjoint(const Tensor& x, int64_t height, int64_t width,
                                 bool align_corners = false);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_RESAMPLE_H_
