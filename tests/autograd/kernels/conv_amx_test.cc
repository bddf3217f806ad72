// The AMX table of convolutions, compiled with emulated tiles: whole convolutions against sums of
// products in f64; and with the processor's tiles, where it has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_direct.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/conv_bf16_images.h"
#include "tests/autograd/kernels/needs_isa.h"

namespace autograd::kernels {
namespace {

ConvSize Grouped(ConvSize s, int64_t groups) {
  s.groups = groups;
  return s;
}

std::vector<ConvSize> Sizes() {
  // The layers of a UNet for images of 28 x 28; widths of less than a tile, one, more; many rows
  // and images; channels that are padded.
  std::vector<ConvSize> sizes = {
      Layer(1, 28, 9, 32, 3, 1),
      Layer(1, 28, 32, 32, 3, 1),
      Layer(1, 28, 32, 1, 3, 1),
      Layer(1, 28, 96, 32, 3, 1),
      Layer(1, 28, 96, 32, 1, 1),
      Layer(1, 28, 32, 32, 3, 2),
      Layer(2, 14, 64, 64, 3, 1),
      Layer(1, 14, 64, 64, 3, 2),
      Layer(3, 7, 64, 64, 3, 1),
      Layer(2, 7, 128, 64, 3, 1),
      Layer(1, 60, 17, 33, 3, 1),
      Layer(1, 60, 17, 33, 3, 2),
      Layer(40, 1, 32, 20, 1, 1),
      Layer(33, 9, 5, 3, 3, 1),
      Layer(1, 3, 512, 16, 3, 1),
      Layer(1, 120, 3, 4, 5, 1),
      Layer(0, 4, 3, 2, 3, 1),
      Layer(1, 4, 0, 2, 3, 1),
      Layer(1, 4, 3, 0, 3, 1),
      Layer(2, 5, 64, 32, 1, 1),
      Layer(2, 4, 64, 32, 1, 2),
      Layer(1, 250, 2, 2, 3, 1),
      Layer(2, 40, 32, 8, 1, 2),
      Layer(2, 17, 3, 24, 4, 4),
      Grouped(Layer(2, 9, 48, 36, 3, 1), 3),
      Grouped(Layer(2, 9, 20, 20, 3, 1), 20),
  };
  std::mt19937 random(12);
  while (sizes.size() < 90) {
    const ConvSize s = RandomSize(&random);
    const bool fits = s.padding_height <= s.dilation_height * (s.kernel_height - 1) &&
                      s.padding_width <= s.dilation_width * (s.kernel_width - 1);
    if (fits) sizes.push_back(s);
  }
  return sizes;
}

std::vector<float> Floats(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
  }
  return values;
}

// What a convolution adds to its products.
struct Terms {
  Terms(int64_t batch, int64_t image_pixels, int64_t image_channels)
      : pixels(image_pixels),
        channels(image_channels),
        bias(Floats(channels, 4)),
        shift(Floats(batch * channels, 5)),
        residual(Values(batch * pixels * channels, 6)) {}
  ConvEpilogue<BFloat16> All() const { return {bias.data(), shift.data(), residual.data()}; }
  std::vector<double> Sum(bool all) const {
    std::vector<double> sum(residual.size());
    for (int64_t i = 0; all && i < static_cast<int64_t>(sum.size()); ++i) {
      const int64_t image = i / (channels * pixels), o = i % channels;
      sum[static_cast<size_t>(i)] = At(residual, i) + double{bias[static_cast<size_t>(o)]} +
                                    double{shift[static_cast<size_t>(image * channels + o)]};
    }
    return sum;
  }
  int64_t pixels, channels;
  std::vector<float> bias, shift;
  std::vector<BFloat16> residual;
};

// An f32 sum of `terms` products of at most 1, rounded to bf16.
void ExpectRounded(const std::vector<BFloat16>& value, const std::vector<double>& expected,
                   int64_t terms) {
  ASSERT_EQ(value.size(), expected.size());
  const double error = 2e-6 * (std::sqrt(static_cast<double>(terms)) + 8);
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(At(value, static_cast<int64_t>(i)), expected[i],
                std::abs(expected[i]) / 256 + error)
        << i;
  }
}

class ConvAmx : public testing::NeedsAvx512Bf16 {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

TEST_F(ConvAmx, ForwardIsTheSumOfProducts) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    const auto w = Floats(s.weights(), 3);
    const Terms terms(s.batch, s.out_pixels(), s.out_channels);
    for (const bool all : {false, true}) {
      auto expected = terms.Sum(all);
      ForEachConvProduct(s, [&](int64_t x, int64_t i, int64_t y) {
        expected[static_cast<size_t>(y)] +=
            At(images.x, x) * double{ToFloat(ToBFloat16(w[static_cast<size_t>(i)]))};
      });
      std::vector<BFloat16> y(expected.size(), ToBFloat16(9));
      DirectForward(kConvAmxEmulated, s, images.x.data(), w.data(),
                    all ? terms.All() : ConvEpilogue<BFloat16>(), y.data());
      ExpectRounded(y, expected, s.filter());
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(ConvAmx, InputGradientIsTheTranspose) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    const auto w = Floats(s.weights(), 3);
    const Terms terms(s.batch, s.pixels(), s.channels);
    for (const bool all : {false, true}) {
      auto expected = terms.Sum(all);
      ForEachConvProduct(s, [&](int64_t x, int64_t i, int64_t y) {
        expected[static_cast<size_t>(x)] +=
            At(images.dy, y) * double{ToFloat(ToBFloat16(w[static_cast<size_t>(i)]))};
      });
      std::vector<BFloat16> dx(expected.size(), ToBFloat16(9));
      DirectInputGradient(kConvAmxEmulated, s, images.dy.data(), w.data(),
                          all ? terms.All() : ConvEpilogue<BFloat16>(), dx.data());
      ExpectRounded(dx, expected, s.taps() * s.group_out_channels());
      if (HasFatalFailure()) return;
    }
  }
}

std::vector<uint16_t> BitsOf(const std::vector<BFloat16>& values) {
  std::vector<uint16_t> bits;
  for (const BFloat16 value : values) bits.push_back(value.bits);
  return bits;
}

// The forward result of images that start `shift` elements into their memory.
std::vector<uint16_t> Bits(const ConvSize& s, const Images& images, size_t shift,
                           const ConvBf16Kernels& kernels = kConvAmxEmulated) {
  std::vector<BFloat16> x(shift);
  x.insert(x.end(), images.x.begin(), images.x.end());
  const auto w = Floats(s.weights(), 3);
  std::vector<BFloat16> y(images.dy.size());
  DirectForward(kernels, s, x.data() + shift, w.data(), {}, y.data());
  return BitsOf(y);
}

TEST_F(ConvAmx, NeitherTheNumberOfThreadsNorAlignmentChangesABit) {
  for (const ConvSize& s :
       {Layer(3, 14, 32, 40, 3, 1), Layer(2, 28, 32, 32, 1, 1), Layer(1, 60, 17, 33, 3, 2)}) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    SetNumThreads(1);
    const auto one = Bits(s, images, 0);
    for (const int threads : {2, 5}) {
      SetNumThreads(threads);
      EXPECT_EQ(Bits(s, images, static_cast<size_t>(threads)), one) << threads;
    }
  }
}

TEST_F(ConvAmx, AnImageDoesNotDependOnTheOthers) {
  for (const ConvSize& s : {Layer(5, 14, 32, 40, 3, 1), Layer(3, 7, 64, 32, 1, 1)}) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    const auto all = Bits(s, images, 0);
    ConvSize one = s;
    one.batch = 1;
    Images last = images;
    last.x.erase(last.x.begin(), last.x.end() - one.pixels() * s.channels);
    last.dy.resize(static_cast<size_t>(one.out_pixels() * s.out_channels));
    const auto bits = Bits(one, last, 0);
    EXPECT_TRUE(
        std::equal(bits.begin(), bits.end(), all.end() - static_cast<std::ptrdiff_t>(bits.size())));
  }
}

std::vector<uint16_t> InputGradientBits(const ConvSize& s, const Images& images,
                                        const ConvBf16Kernels& kernels) {
  const auto w = Floats(s.weights(), 3);
  std::vector<BFloat16> dx(images.x.size());
  DirectInputGradient(kernels, s, images.dy.data(), w.data(), {}, dx.data());
  return BitsOf(dx);
}

using ConvTiles = testing::NeedsAmx;

TEST_F(ConvTiles, ComputeWhatTheirEmulationDoes) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    EXPECT_EQ(Bits(s, images, 0, kConvAmx), Bits(s, images, 0));
    EXPECT_EQ(InputGradientBits(s, images, kConvAmx),
              InputGradientBits(s, images, kConvAmxEmulated));
  }
}

}  // namespace
}  // namespace autograd::kernels
