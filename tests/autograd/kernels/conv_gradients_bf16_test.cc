// Gradients of a convolution's parameters from images in bf16: against sums of products in f64 of
// the same images.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/conv_bf16_images.h"

namespace autograd::kernels {
namespace {

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
