// Upsample: larger images by nearest neighbour or bilinear interpolation; torch.nn.Upsample, for
// images [B, H, W, C].
//
// Example:
//   Upsample twice(2);
//   std::cout << twice.Forward(Ones({1, 7, 7, 64})).shape().ToString() << "\n";   // [1, 14, 14, 64]
//   Upsample smooth(28, 32, {.mode = UpsampleMode::kBilinear});
//   std::cout << smooth.Forward(Ones({1, 7, 7, 3})).shape().ToString() << "\n";   // [1, 28, 32, 3]
#ifndef NN_UPSAMPLE_H_
#define NN_UPSAMPLE_H_

#include <cstdint>

#include "nn/layer.h"

namespace nn {

enum class UpsampleMode { kNearest, kBilinear };

struct UpsampleOptions {
  UpsampleMode mode = UpsampleMode::kNearest;
  // The centres of the corner pixels stay where they are, instead of the corners. For kBilinear
  // only.
  bool align_corners = false;
};

class Upsample final : public Layer {
 public:
  // Times `factor` in both directions. Throws std::invalid_argument for a factor below 1, or
  // align_corners with kNearest.
  explicit Upsample(int64_t factor, const UpsampleOptions& options = {});
  // To a size of its own, which may be smaller. Throws std::invalid_argument for sizes below 1, and
  // as above.
  Upsample(int64_t height, int64_t width, const UpsampleOptions& options = {});

  // x [B, H, W, C], f32 or f64; result [B, H', W', C]. Throws std::invalid_argument as
  // autograd/ops/resample.h does.
  Tensor Forward(const Tensor& x) const override;

 private:
  int64_t factor_ = 0;  // 0: to height_ and width_
  int64_t height_ = 0, width_ = 0;
  UpsampleOptions options_;
};

}  // namespace nn

#endif  // NN_UPSAMPLE_H_
