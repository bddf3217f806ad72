// Convolutions of bf16 images for tests: sizes, images, and how near results have to be.
#ifndef TESTS_AUTOGRAD_KERNELS_CONV_BF16_IMAGES_H_
#define TESTS_AUTOGRAD_KERNELS_CONV_BF16_IMAGES_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

inline std::vector<BFloat16> Values(int64_t count, uint32_t seed) {
  std::vector<BFloat16> values(static_cast<size_t>(count));
  for (BFloat16& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = ToBFloat16(static_cast<float>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0));
  }
  return values;
}

inline int64_t OutSize(int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                       int64_t dilation) {
  const int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

inline ConvSize Complete(ConvSize s) {
  s.out_height =
      OutSize(s.height, s.kernel_height, s.stride_height, s.padding_height, s.dilation_height);
  s.out_width = OutSize(s.width, s.kernel_width, s.stride_width, s.padding_width, s.dilation_width);
  return s;
}

// A square image and kernel, padded as layers usually are.
inline ConvSize Layer(int64_t batch, int64_t side, int64_t in, int64_t out, int64_t kernel,
                      int64_t stride) {
  ConvSize s;
  s.batch = batch;
  s.height = s.width = side;
  s.channels = in;
  s.out_channels = out;
  s.kernel_height = s.kernel_width = kernel;
  s.stride_height = s.stride_width = stride;
  s.padding_height = s.padding_width = kernel / 2;
  return Complete(s);
}

inline ConvSize RandomSize(std::mt19937* random) {
  const auto pick = [random](int64_t low, int64_t high) {
    return low + static_cast<int64_t>((*random)() % static_cast<uint64_t>(high - low + 1));
  };
  ConvSize s;
  s.batch = pick(1, 3);
  s.height = pick(1, 12);
  s.width = pick(1, 12);
  s.groups = pick(0, 3) == 0 ? 2 : 1;
  s.channels = s.groups * pick(1, 40);
  s.out_channels = s.groups * pick(1, 40);
  s.kernel_height = pick(1, 4);
  s.kernel_width = pick(1, 5);
  s.stride_height = pick(1, 3);
  s.stride_width = pick(1, 4);
  s.dilation_height = pick(1, 2);
  s.dilation_width = pick(1, 3);
  s.padding_height = pick(0, 4);
  s.padding_width = pick(0, 5);
  return Complete(s);
}

inline std::string Name(const ConvSize& s) {
  std::string name = std::to_string(s.batch) + " images";
  const int64_t pairs[][2] = {{s.height, s.width},
                              {s.channels, s.out_channels},
                              {s.kernel_height, s.kernel_width},
                              {s.stride_height, s.stride_width},
                              {s.padding_height, s.padding_width},
                              {s.dilation_height, s.dilation_width}};
  const char* const kNames[] = {"size", "channels", "kernel", "stride", "padding", "dilation"};
  for (size_t i = 0; i < 6; ++i) {
    name += std::string(", ") + kNames[i] + " " + std::to_string(pairs[i][0]) + " " +
            std::to_string(pairs[i][1]);
  }
  return name + ", groups " + std::to_string(s.groups);
}

struct Images {
  explicit Images(const ConvSize& s)
      : x(Values(s.batch * s.pixels() * s.channels, 1)),
        dy(Values(s.batch * s.out_pixels() * s.out_channels, 2)) {}
  std::vector<BFloat16> x, dy;
};

inline double At(const std::vector<BFloat16>& values, int64_t i) {
  return static_cast<double>(ToFloat(values[static_cast<size_t>(i)]));
}

// Rounding of an f32 sum of `terms` products of at most 1.
inline void ExpectNear(const std::vector<float>& value, const std::vector<double>& expected,
                       int64_t terms) {
  const double bound = 16 * static_cast<double>(std::numeric_limits<float>::epsilon()) *
                       (std::sqrt(static_cast<double>(terms)) + 8);
  ASSERT_EQ(value.size(), expected.size());
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(value[i]), expected[i], bound) << i;
  }
}

}  // namespace autograd::kernels

#endif  // TESTS_AUTOGRAD_KERNELS_CONV_BF16_IMAGES_H_
