// Convolutions for tests: sizes of all kinds, their images, weights and epilogues, and how near
// results have to be.
#ifndef TESTS_AUTOGRAD_KERNELS_CONV_PROBLEM_H_
#define TESTS_AUTOGRAD_KERNELS_CONV_PROBLEM_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

inline double ToDouble(double x) { return x; }
inline double ToDouble(float x) { return static_cast<double>(x); }
inline double ToDouble(BFloat16 x) { return static_cast<double>(ToFloat(x)); }

template <class T>
T Rounded(double x) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return ToBFloat16(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

// In [-1, 1), of few enough bits that bf16 holds them where `kExact`.
template <class T, bool kExact = false>
std::vector<T> Values(int64_t count, uint32_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    const double x = static_cast<double>(seed >> 8) / (1 << 23) - 1.0;
    value = Rounded<T>(kExact ? ToDouble(Rounded<BFloat16>(x)) : x);
  }
  return values;
}

inline ConvSize Size(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out,
                     int64_t kernel_height, int64_t kernel_width) {
  ConvSize s;
  s.batch = batch;
  s.height = height;
  s.width = width;
  s.channels = channels;
  s.out_channels = out;
  s.kernel_height = kernel_height;
  s.kernel_width = kernel_width;
  return s;
}

inline ConvSize Complete(ConvSize s) {
  const int64_t rows = s.dilation_height * (s.kernel_height - 1) + 1;
  const int64_t columns = s.dilation_width * (s.kernel_width - 1) + 1;
  s.out_height = (s.height + 2 * s.padding_height - rows) / s.stride_height + 1;
  s.out_width = (s.width + 2 * s.padding_width - columns) / s.stride_width + 1;
  return s;
}

inline ConvSize Strided(ConvSize s, int64_t height, int64_t width) {
  s.stride_height = height;
  s.stride_width = width;
  return s;
}

inline ConvSize Padded(ConvSize s, int64_t height, int64_t width) {
  s.padding_height = height;
  s.padding_width = width;
  return s;
}

inline ConvSize Dilated(ConvSize s, int64_t height, int64_t width) {
  s.dilation_height = height;
  s.dilation_width = width;
  return s;
}

inline ConvSize Grouped(ConvSize s, int64_t groups) {
  s.groups = groups;
  return s;
}

// The image with rows that no window reaches, as a transposed convolution with output_padding has.
inline ConvSize Longer(ConvSize s, int64_t rows) {
  s = Complete(s);
  s.height += rows;
  return s;
}

inline std::vector<ConvSize> Sizes() {
  const auto padded = [](const ConvSize& s) { return Complete(Padded(s, 1, 1)); };
  return {
      padded(Size(2, 28, 28, 9, 32, 3, 3)),
      padded(Size(1, 28, 28, 32, 32, 3, 3)),
      padded(Size(2, 28, 28, 32, 1, 3, 3)),
      padded(Size(33, 14, 14, 32, 48, 3, 3)),
      padded(Size(3, 7, 7, 128, 64, 3, 3)),
      padded(Size(2, 14, 14, 17, 35, 3, 3)),
      padded(Strided(Size(2, 28, 28, 32, 32, 3, 3), 2, 2)),
      padded(Strided(Size(2, 7, 9, 33, 32, 3, 3), 2, 2)),
      padded(Size(1, 1, 1, 3, 2, 3, 3)),
      padded(Size(2, 5, 3, 4, 16, 3, 3)),
      padded(Size(1, 3, 100, 5, 7, 3, 3)),
      Complete(Size(2, 14, 14, 96, 32, 1, 1)),
      Complete(Strided(Size(2, 9, 8, 20, 33, 1, 1), 2, 3)),
      Complete(Strided(Size(2, 16, 16, 3, 24, 4, 4), 4, 4)),
      Complete(Strided(Size(1, 17, 19, 3, 24, 2, 2), 5, 4)),
      Complete(Dilated(Size(2, 15, 15, 8, 8, 3, 3), 2, 3)),
      Complete(Strided(Dilated(Padded(Size(1, 15, 14, 8, 20, 3, 4), 2, 5), 4, 2), 2, 4)),
      Complete(Padded(Size(1, 4, 5, 6, 7, 2, 3), 4, 6)),
      Complete(Strided(Padded(Size(1, 4, 5, 6, 7, 2, 1), 1, 0), 1 << 30, 1 << 30)),
      Complete(Strided(Padded(Size(1, 4, 5, 6, 7, 2, 2), 1 << 30, 1 << 30), 1 << 30, 1 << 30)),
      Complete(Grouped(Padded(Size(2, 9, 9, 48, 36, 3, 3), 1, 1), 3)),
      Complete(Grouped(Padded(Size(1, 6, 7, 20, 20, 3, 3), 1, 1), 20)),
      Complete(Grouped(Strided(Size(1, 6, 7, 20, 40, 3, 3), 2, 2), 4)),
      Longer(Strided(Padded(Size(2, 9, 9, 16, 16, 3, 3), 1, 1), 3, 3), 2),
      Complete(Size(0, 4, 4, 3, 2, 3, 3)),
      Complete(Size(1, 4, 4, 0, 2, 3, 3)),
      Complete(Size(1, 4, 4, 3, 0, 3, 3)),
      Complete(Size(1, 4, 4, 0, 2, 1, 1)),
  };
}

inline std::string Name(const ConvSize& s) {
  const auto pair = [](int64_t a, int64_t b) {
    return std::to_string(a) + "x" + std::to_string(b);
  };
  return std::to_string(s.batch) + " of " + pair(s.height, s.width) + ", " +
         std::to_string(s.channels) + " to " + std::to_string(s.out_channels) + ", kernel " +
         pair(s.kernel_height, s.kernel_width) + ", stride " +
         pair(s.stride_height, s.stride_width) + ", padding " +
         pair(s.padding_height, s.padding_width) + ", dilation " +
         pair(s.dilation_height, s.dilation_width) + ", groups " + std::to_string(s.groups);
}

// Which terms there are.
struct Choice {
  bool bias, shift, residual;
};
inline constexpr Choice kChoices[] = {{false, false, false}, {true, false, false},
                                      {false, true, false},  {true, false, true},
                                      {true, true, false},   {true, true, true}};

// What an epilogue adds.
template <class T>
struct Terms {
  Terms(int64_t images, int64_t image_pixels, int64_t image_channels)
      : pixels(image_pixels),
        channels(image_channels),
        bias(Values<ConvParameter<T>>(channels, 4)),
        shift(Values<ConvParameter<T>>(images * channels, 5)),
        residual(Values<T>(images * pixels * channels, 6)) {}

  ConvEpilogue<T> Epilogue(const Choice& choice) const {
    return {choice.bias ? bias.data() : nullptr, choice.shift ? shift.data() : nullptr,
            choice.residual ? residual.data() : nullptr};
  }
  // The result for products that are all 0.
  std::vector<double> Sum(const Choice& choice) const {
    std::vector<double> sum(residual.size());
    for (size_t i = 0; i < sum.size(); ++i) {
      const size_t o = i % static_cast<size_t>(channels);
      const size_t image = i / static_cast<size_t>(channels * pixels);
      if (choice.bias) sum[i] += ToDouble(bias[o]);
      if (choice.shift) {
        sum[i] += ToDouble(shift[image * static_cast<size_t>(channels) + o]);
      }
      if (choice.residual) sum[i] += ToDouble(residual[i]);
    }
    return sum;
  }

  int64_t pixels, channels;
  std::vector<ConvParameter<T>> bias, shift;
  std::vector<T> residual;
};

template <class T>
struct Problem {
  explicit Problem(const ConvSize& s)
      : x(Values<T>(s.batch * s.pixels() * s.channels, 1)),
        y(Values<T>(s.batch * s.out_pixels() * s.out_channels, 2)),
        w(Values<ConvParameter<T>, std::is_same_v<T, BFloat16>>(s.weights(), 3)),
        out_terms(s.batch, s.out_pixels(), s.out_channels),
        in_terms(s.batch, s.pixels(), s.channels) {}
  std::vector<T> x, y;
  std::vector<ConvParameter<T>> w;
  Terms<T> out_terms, in_terms;
};

// Rounding of a sum of `terms` products of at most about 1, and of a result in bf16.
template <class T>
void ExpectNear(const std::vector<T>& value, const std::vector<double>& expected, int64_t terms) {
  const double epsilon = static_cast<double>(std::numeric_limits<ConvParameter<T>>::epsilon());
  const double bound = 16 * epsilon * (std::sqrt(static_cast<double>(terms)) + 8);
  const double relative = std::is_same_v<T, BFloat16> ? 0x1p-8 : 0;
  ASSERT_EQ(value.size(), expected.size());
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(ToDouble(value[i]), expected[i], bound + relative * std::abs(expected[i])) << i;
  }
}

}  // namespace autograd::kernels

#endif  // TESTS_AUTOGRAD_KERNELS_CONV_PROBLEM_H_
