// Gradients of a convolution's parameters from images in bf16: against sums of products in f64 of
// the same images.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

std::vector<BFloat16> Values(int64_t count, uint32_t seed) {
  std::vector<BFloat16> values(static_cast<size_t>(count));
  for (BFloat16& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = ToBFloat16(static_cast<float>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0));
  }
  return values;
}

int64_t OutSize(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

ConvSize Complete(ConvSize s) {
  s.out_height =
      OutSize(s.height, s.kernel_height, s.stride_height, s.padding_height, s.dilation_height);
  s.out_width = OutSize(s.width, s.kernel_width, s.stride_width, s.padding_width, s.dilation_width);
  return s;
}

// A square image and kernel, padded as layers usually are.
ConvSize Layer(int64_t batch, int64_t side, int64_t in, int64_t out, int64_t kernel,
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

ConvSize RandomSize(std::mt19937* random) {
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

std::vector<ConvSize> Sizes() {
  std::vector<ConvSize> sizes = {
      Layer(2, 28, 9, 32, 3, 1),   Layer(2, 28, 32, 32, 3, 1), Layer(2, 28, 32, 1, 3, 1),
      Layer(2, 28, 32, 32, 3, 2),  Layer(1, 28, 96, 32, 1, 1), Layer(3, 14, 64, 64, 3, 1),
      Layer(2, 14, 64, 64, 3, 2),  Layer(19, 7, 64, 64, 3, 1), Layer(9, 7, 128, 64, 3, 1),
      Layer(1, 100, 64, 48, 3, 1), Layer(40, 1, 16, 20, 1, 1), Layer(0, 4, 3, 2, 3, 1),
      Layer(1, 4, 0, 2, 3, 1),     Layer(1, 4, 3, 0, 3, 1),    Layer(70, 9, 5, 3, 3, 1),
  };
  std::mt19937 random(5);
  for (int i = 0; i < 150; ++i) sizes.push_back(RandomSize(&random));
  return sizes;
}

std::string Name(const ConvSize& s) {
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

double At(const std::vector<BFloat16>& values, int64_t i) {
  return static_cast<double>(ToFloat(values[static_cast<size_t>(i)]));
}

// Rounding of an f32 sum of `terms` products of at most 1.
void ExpectNear(const std::vector<float>& value, const std::vector<double>& expected,
                int64_t terms) {
  const double bound = 16 * static_cast<double>(std::numeric_limits<float>::epsilon()) *
                       (std::sqrt(static_cast<double>(terms)) + 8);
  ASSERT_EQ(value.size(), expected.size());
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(value[i]), expected[i], bound) << i;
  }
}

TEST(ConvGradientsBf16, WeightGradientIsTheSumOfOuterProducts) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    std::vector<double> expected(static_cast<size_t>(s.weights()));
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      expected[static_cast<size_t>(w)] += At(images.dy, y) * At(images.x, x);
    });
    std::vector<float> dw(expected.size(), 9.0f);
    ConvWeightGradient(s, images.x.data(), images.dy.data(), dw.data());
    ExpectNear(dw, expected, s.batch * s.out_pixels());
    if (HasFatalFailure()) return;
  }
}

TEST(ConvGradientsBf16, BiasAndShiftGradientsAreSumsOverPixels) {
  for (const int64_t channels : {1, 3, 16, 33, 64, 117}) {
    for (const int64_t pixels : {0, 1, 300, 3000}) {
      const int64_t batch = 3, image = pixels * channels;
      const auto dy = Values(batch * image, 1);
      std::vector<double> shift(static_cast<size_t>(batch * channels));
      std::vector<double> bias(static_cast<size_t>(channels));
      for (int64_t i = 0; i < batch * image; ++i) {
        shift[static_cast<size_t>(i / image * channels + i % channels)] += At(dy, i);
        bias[static_cast<size_t>(i % channels)] += At(dy, i);
      }
      std::vector<float> sums(shift.size(), 9.0f);
      ConvShiftGradient(batch, pixels, channels, dy.data(), sums.data());
      ExpectNear(sums, shift, 16 * pixels);
      std::vector<float> all(bias.size(), 9.0f);
      ConvBiasGradient(batch * pixels, channels, dy.data(), all.data());
      ExpectNear(all, bias, 16 * batch * pixels);
    }
  }
}

class ConvGradientsBf16Threads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

std::vector<float> WeightGradient(const ConvSize& s, const Images& images, size_t shift) {
  const auto shifted = [shift](const std::vector<BFloat16>& v) {
    std::vector<BFloat16> copy(shift);
    copy.insert(copy.end(), v.begin(), v.end());
    return copy;
  };
  const auto x = shifted(images.x), dy = shifted(images.dy);
  std::vector<float> dw(static_cast<size_t>(s.weights()) + shift);
  ConvWeightGradient(s, x.data() + shift, dy.data() + shift, dw.data() + shift);
  dw.erase(dw.begin(), dw.begin() + static_cast<std::ptrdiff_t>(shift));
  return dw;
}

TEST_F(ConvGradientsBf16Threads, NeitherTheirNumberNorAlignmentChangesABit) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    SetNumThreads(1);
    const auto one = WeightGradient(s, images, 0);
    for (const int threads : {2, 5}) {
      SetNumThreads(threads);
      const auto more = WeightGradient(s, images, static_cast<size_t>(threads));
      ASSERT_EQ(one.size(), more.size());
      if (!one.empty()) {
        EXPECT_EQ(std::memcmp(one.data(), more.data(), one.size() * sizeof(float)), 0) << threads;
      }
    }
  }
}

TEST_F(ConvGradientsBf16Threads, NeitherTheirNumberNorAlignmentChangesABitOfSumsOverPixels) {
  constexpr int64_t kBatch = 40, kChannels = 48;
  for (const int64_t pixels : {1, 49, 3000}) {
    const auto sums = [pixels](int threads) {
      const auto shift = static_cast<size_t>(threads);
      auto dy = Values(kBatch * pixels * kChannels, 1);
      dy.insert(dy.begin(), shift, BFloat16{0x4000});
      std::vector<float> result((kBatch + 1) * kChannels);
      SetNumThreads(threads);
      ConvShiftGradient(kBatch, pixels, kChannels, dy.data() + shift, result.data());
      ConvBiasGradient(kBatch * pixels, kChannels, dy.data() + shift,
                       result.data() + kBatch * kChannels);
      return result;
    };
    EXPECT_EQ(sums(1), sums(2)) << pixels;
    EXPECT_EQ(sums(1), sums(5)) << pixels;
  }
}

}  // namespace
}  // namespace autograd::kernels
