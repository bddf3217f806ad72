#include "autograd/ops/conv_size.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace autograd::internal {
namespace {

using kernels::ConvSize;

std::string Text(const std::array<int64_t, 2>& pair) {
  return "[" + std::to_string(pair[0]) + ", " + std::to_string(pair[1]) + "]";
}

template <class Options>
std::string Text(const Options& options) {
  return "stride " + Text(options.stride) + ", padding " + Text(options.padding) + ", dilation " +
         Text(options.dilation) + ", groups " + std::to_string(options.groups);
}

[[noreturn]] void Fail(const std::string& operation, const Tensor& x, const Tensor& weight,
                       const Tensor& bias, const std::string& options, const std::string& why) {
  throw std::invalid_argument(operation + ": x " + Describe(x) + ", weight " + Describe(weight) +
                              " and bias " + Describe(bias) + " with " + options + ": " + why);
}

// Sizes so large that sums and products of them would overflow are refused with the others.
constexpr int64_t kLargest = int64_t{1} << 31;

template <class Options>
bool AreValid(const Options& options) {
  bool valid = options.groups >= 1 && options.groups < kLargest;
  for (size_t i = 0; i < 2; ++i) {
    valid = valid && options.stride[i] >= 1 && options.stride[i] < kLargest;
    valid = valid && options.padding[i] >= 0 && options.padding[i] < kLargest;
    valid = valid && options.dilation[i] >= 1 && options.dilation[i] < kLargest;
  }
  return valid;
}

bool AreImages(const Tensor& x, const Tensor& weight) {
  if (!x.defined() || !weight.defined() || x.rank() != 4 || weight.rank() != 4) return false;
  for (int i = 0; i < 4; ++i) {
    if (x.shape()[i] >= kLargest || weight.shape()[i] >= kLargest) return false;
  }
  if (x.dtype() == DType::kBF16) return weight.dtype() == DType::kF32;
  return (x.dtype() == DType::kF32 || x.dtype() == DType::kF64) && weight.dtype() == x.dtype();
}

bool BiasFits(const Tensor& weight, const Tensor& bias, int64_t channels) {
  return !bias.defined() ||
         (bias.rank() == 1 && bias.size(0) == channels && bias.dtype() == weight.dtype());
}

// What `weight` and the options say.
template <class Options>
ConvSize KernelSize(const Tensor& weight, const Options& options) {
  ConvSize s;
  s.out_channels = weight.size(0);
  s.kernel_height = weight.size(1);
  s.kernel_width = weight.size(2);
  s.channels = weight.size(3) * options.groups;
  s.stride_height = options.stride[0];
  s.stride_width = options.stride[1];
  s.padding_height = options.padding[0];
  s.padding_width = options.padding[1];
  s.dilation_height = options.dilation[0];
  s.dilation_width = options.dilation[1];
  s.groups = options.groups;
  return s;
}

// Rows (columns) a kernel covers.
int64_t Extent(int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; }

}  // namespace

bool AreConvOperands(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups) {
  return AreImages(x, weight) && x.size(3) == weight.size(3) * groups &&
         weight.size(0) % groups == 0 && BiasFits(weight, bias, weight.size(0));
}

ConvSize Conv2dSize(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Conv2dOptions& options) {
  const auto fail = [&](const std::string& why) {
    Fail("Conv2d", x, weight, bias, Text(options), why);
  };
  if (!AreValid(options)) fail("wants strides, dilations and groups of 1 or more, padding of 0");
  if (!AreConvOperands(x, weight, bias, options.groups)) {
    fail(
        "do not fit; wants [B, H, W, C], [O, kh, kw, C / groups] and [O], O a multiple of groups, "
        "all "
        "f32, all f64, or x bf16 and the others f32");
  }
  ConvSize s = KernelSize(weight, options);
  s.batch = x.size(0);
  s.height = x.size(1);
  s.width = x.size(2);
  const int64_t rows = s.height + 2 * s.padding_height - Extent(s.kernel_height, s.dilation_height);
  const int64_t columns = s.width + 2 * s.padding_width - Extent(s.kernel_width, s.dilation_width);
  if (rows < 0 || columns < 0 || s.taps() < 1) {
    fail("the kernel is empty or larger than the padded image");
  }
  s.out_height = rows / s.stride_height + 1;
  s.out_width = columns / s.stride_width + 1;
  return s;
}

void CheckConvAddends(const ConvSize& s, const Tensor& x, const Tensor& weight, const Tensor& shift,
                      const Tensor& residual) {
  const Shape offsets = {s.batch, s.out_channels};
  const Shape result = {s.batch, s.out_height, s.out_width, s.out_channels};
  if ((!shift.defined() || (shift.shape() == offsets && shift.dtype() == weight.dtype())) &&
      (!residual.defined() || (residual.shape() == result && residual.dtype() == x.dtype()))) {
    return;
  }
  throw std::invalid_argument("Conv2d: shift " + Describe(shift) + " and residual " +
                              Describe(residual) + " do not fit; wants " + offsets.ToString() +
                              " " + DTypeName(weight.dtype()) + " and " + result.ToString() + " " +
                              DTypeName(x.dtype()));
}

ConvSize ConvTranspose2dSize(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             const ConvTranspose2dOptions& options) {
  const auto fail = [&](const std::string& why) {
    Fail("ConvTranspose2d", x, weight, bias,
         Text(options) + ", output_padding " + Text(options.output_padding), why);
  };
  if (!AreValid(options)) fail("wants strides, dilations and groups of 1 or more, padding of 0");
  for (size_t i = 0; i < 2; ++i) {
    const int64_t end = options.output_padding[i];
    if (end < 0 || end >= std::max(options.stride[i], options.dilation[i])) {
      fail("wants an output_padding of at least 0, less than the stride or the dilation");
    }
  }
  if (!AreImages(x, weight) || x.size(3) != weight.size(0) ||
      weight.size(0) % options.groups != 0 ||
      !BiasFits(weight, bias, weight.size(3) * options.groups)) {
    fail(
        "do not fit; wants [B, H, W, C], [C, kh, kw, O / groups] and [O], C a multiple of groups, "
        "all "
        "f32, all f64, or x bf16 and the others f32");
  }
  ConvSize s = KernelSize(weight, options);
  s.batch = x.size(0);
  s.out_height = x.size(1);
  s.out_width = x.size(2);
  s.height = (s.out_height - 1) * s.stride_height - 2 * s.padding_height +
             Extent(s.kernel_height, s.dilation_height) + options.output_padding[0];
  s.width = (s.out_width - 1) * s.stride_width - 2 * s.padding_width +
            Extent(s.kernel_width, s.dilation_width) + options.output_padding[1];
  if (s.height < 1 || s.width < 1 || s.taps() < 1) {
    fail("the kernel or the result would be empty");
  }
  return s;
}

}  // namespace autograd::internal
