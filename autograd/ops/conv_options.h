// The options of Conv2d and ConvTranspose2d (conv.h).
#ifndef AUTOGRAD_OPS_CONV_OPTIONS_H_
#define AUTOGRAD_OPS_CONV_OPTIONS_H_

#include <array>
#include <cstdint>

namespace autograd {

// For height and width: strides and dilations of at least 1, padding of at least 0 on both sides.
struct Conv2dOptions {
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 2> padding = {0, 0};
  std::array<int64_t, 2> dilation = {1, 1};
  int64_t groups = 1;
};

struct ConvTranspose2dOptions {
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 2> padding = {0, 0};
  std::array<int64_t, 2> dilation = {1, 1};
  int64_t groups = 1;
  // Rows and columns added at the end, where several sizes of image have a convolution of x's size;
  // less than the stride or the dilation.
  std::array<int64_t, 2> output_padding = {0, 0};
};

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CONV_OPTIONS_H_
