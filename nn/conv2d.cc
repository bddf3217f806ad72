#include "nn/conv2d.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace nn {
namespace {

void Check(const std::string& layer, int64_t in, int64_t out, const KernelSize& kernel,
           int64_t groups) {
  if (in >= 1 && out >= 1 && kernel.height >= 1 && kernel.width >= 1 && groups >= 1 &&
      in % groups == 0 && out % groups == 0) {
    return;
  }
  throw std::invalid_argument(
      layer + ": wants positive sizes, and groups that divide in and out; got in " +
      std::to_string(in) + ", out " + std::to_string(out) + ", a kernel of " +
      std::to_string(kernel.height) + " by " + std::to_string(kernel.width) + " and groups " +
      std::to_string(groups));
}

// [count, kh, kw, channels] with elements up to 1/sqrt(kh kw channels), and that bound.
struct Weight {
  Tensor tensor;
  double bound;
};
Weight MakeWeight(int64_t count, const KernelSize& kernel, int64_t channels, Generator& generator,
                  autograd::DType dtype) {
  const double bound = 1 / std::sqrt(static_cast<double>(kernel.height * kernel.width * channels));
  return {UniformTensor({count, kernel.height, kernel.width, channels}, -bound, bound, generator,
                        dtype),
          bound};
}

}  // namespace

Conv2d::Conv2d(int64_t in, int64_t out, const KernelSize& kernel, Generator& generator,
               const Conv2dOptions& options)
    : options_{options.stride, options.padding, options.dilation, options.groups} {
  Check("Conv2d", in, out, kernel, options.groups);
  const auto [weight, bound] =
      MakeWeight(out, kernel, in / options.groups, generator, options.dtype);
  weight_ = RegisterParameter("weight", weight, FileLayout::kConvWeight);
  if (!options.bias) return;
  bias_ = RegisterParameter("bias", UniformTensor({out}, -bound, bound, generator, options.dtype));
}

Tensor Conv2d::Forward(const Tensor& x, const autograd::ConvAddends& addends) const {
  return autograd::Conv2d(x, weight_, bias_, options_, addends);
}

ConvTranspose2d::ConvTranspose2d(int64_t in, int64_t out, const KernelSize& kernel,
                                 Generator& generator, const ConvTranspose2dOptions& options)
    : options_{options.stride, options.padding, options.dilation, options.groups,
               options.output_padding} {
  Check("ConvTranspose2d", in, out, kernel, options.groups);
  const auto [weight, bound] =
      MakeWeight(in, kernel, out / options.groups, generator, options.dtype);
  weight_ = RegisterParameter("weight", weight, FileLayout::kConvWeight);
  if (!options.bias) return;
  bias_ = RegisterParameter("bias", UniformTensor({out}, -bound, bound, generator, options.dtype));
}

Tensor ConvTranspose2d::Forward(const Tensor& x) const {
  return autograd::ConvTranspose2d(x, weight_, bias_, options_);
}

}  // namespace nn
