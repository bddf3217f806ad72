// The sizes of a convolution; conv.h says what they mean.
#ifndef AUTOGRAD_KERNELS_CONV_SIZE_H_
#define AUTOGRAD_KERNELS_CONV_SIZE_H_

#include <cstdint>
#include <type_traits>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

struct ConvSize {
  int64_t batch = 0;
  int64_t height = 0, width = 0, channels = 1;
  int64_t out_height = 0, out_width = 0, out_channels = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t padding_height = 0, padding_width = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;

  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t pixels() const { return height * width; }
  int64_t out_pixels() const { return out_height * out_width; }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
  // Elements of an o's part of w, and of w.
  int64_t filter() const { return taps() * group_channels(); }
  int64_t weights() const { return out_channels * filter(); }
};

// The type of weights, biases and shifts of images of T: bf16 is for images only.
template <class T>
using ConvParameter = std::conditional_t<std::is_same_v<T, BFloat16>, float, T>;

// What is added to a sum of products on its way to the result [batch, height, width, channels]; any
// may be null.
template <class T>
struct ConvEpilogue {
  const ConvParameter<T>* bias = nullptr;   // [channels]
  const ConvParameter<T>* shift = nullptr;  // [batch, channels], to every pixel of an image
  const T* residual = nullptr;              // of the result's shape; may not overlap it
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_SIZE_H_
