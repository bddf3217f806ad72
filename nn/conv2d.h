// Conv2d and ConvTranspose2d: convolutions of images [B, H, W, C], PyTorch's torch.nn.Conv2d and
// torch.nn.ConvTranspose2d.
//
// In memory weights keep their input channels last, as images do; in files they have PyTorch's
// layout (nn/file_layout.h).
//
// Example:
//   Generator generator(1);
//   nn::Conv2d conv(9, 32, 3, generator, {.padding = {1, 1}});
//   nn::Conv2d down(32, 64, 3, generator, {.stride = {2, 2}, .padding = {1, 1}});
//   nn::ConvTranspose2d up(64, 32, 2, generator, {.stride = {2, 2}});
//   Tensor y = up.Forward(down.Forward(conv.Forward(Ones({1, 28, 28, 9}))));
//   std::cout << y.shape().ToString() << "\n";  // [1, 28, 28, 32]
#ifndef NN_CONV2D_H_
#define NN_CONV2D_H_

#include <array>
#include <cstdint>

#include "autograd/dtype.h"
#include "autograd/ops/conv.h"
#include "nn/init.h"
#include "nn/layer.h"

namespace nn {

// Height and width of a window; from one number, a square.
struct KernelSize {
  KernelSize(int64_t side) : height(side), width(side) {}  // NOLINT(google-explicit-constructor)
  KernelSize(int64_t rows, int64_t columns) : height(rows), width(columns) {}
  int64_t height, width;
};

// As autograd::Conv2dOptions, and what a layer has besides.
struct Conv2dOptions {
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 2> padding = {0, 0};
  std::array<int64_t, 2> dilation = {1, 1};
  int64_t groups = 1;
  bool bias = true;
  autograd::DType dtype = autograd::DType::kF32;
};

class Conv2d final : public Layer {
 public:
  // Parameters "weight" [out, kh, kw, in / groups] and "bias" [out], both uniform on +-1/sqrt(kh kw
  // in / groups) as in PyTorch. Throws std::invalid_argument unless all sizes are positive and
  // groups divides in and out.
  Conv2d(int64_t in, int64_t out, const KernelSize& kernel, Generator& generator,
         const Conv2dOptions& options = {});

  // x [B, H, W, in], result [B, H', W', out] as autograd::Conv2d says.
  Tensor Forward(const Tensor& x) const override { return Forward(x, {}); }
  // The same with a shift of each channel and an image added, in one pass (see
  // autograd::ConvAddends).
  Tensor Forward(const Tensor& x, const autograd::ConvAddends& addends) const;

  const Tensor& weight() const { return weight_; }
  // Undefined without a bias.
  const Tensor& bias() const { return bias_; }

 private:
  Tensor weight_;
  Tensor bias_;
  autograd::Conv2dOptions options_;
};

// As autograd::ConvTranspose2dOptions, and what a layer has besides.
struct ConvTranspose2dOptions {
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 2> padding = {0, 0};
  std::array<int64_t, 2> dilation = {1, 1};
  int64_t groups = 1;
  std::array<int64_t, 2> output_padding = {0, 0};
  bool bias = true;
  autograd::DType dtype = autograd::DType::kF32;
};

class ConvTranspose2d final : public Layer {
 public:
  // Parameters "weight" [in, kh, kw, out / groups] and "bias" [out], both uniform on +-1/sqrt(kh kw
  // out / groups) as in PyTorch. Throws std::invalid_argument unless all sizes are positive and
  // groups divides in and out.
  ConvTranspose2d(int64_t in, int64_t out, const KernelSize& kernel, Generator& generator,
                  const ConvTranspose2dOptions& options = {});

  // x [B, H, W, in], result [B, H', W', out] as autograd::ConvTranspose2d says.
  Tensor Forward(const Tensor& x) const override;

  const Tensor& weight() const { return weight_; }
  // Undefined without a bias.
  const Tensor& bias() const { return bias_; }

 private:
  Tensor weight_;
  Tensor bias_;
  autograd::ConvTranspose2dOptions options_;
};

}  // namespace nn

#endif  // NN_CONV2D_H_
