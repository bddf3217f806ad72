#include "autograd/kernels/conv_winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_direct.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/conv_problem.h"
#include "tests/autograd/kernels/needs_isa.h"

namespace autograd::kernels {
namespace {

// Of few enough bits that bf16 holds them, and independent, as errors of tiles are in proportion to
// what their transforms add up, of which related neighbours make more.
std::vector<float> Independent(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    const double x = static_cast<double>(random() >> 8) / (1 << 23) - 1.0;
    value = ToFloat(ToBFloat16(static_cast<float>(x)));
  }
  return values;
}

std::vector<BFloat16> Narrowed(const std::vector<float>& values) {
  std::vector<BFloat16> narrow;
  narrow.reserve(values.size());
  for (const float value : values) narrow.push_back(ToBFloat16(value));
  return narrow;
}

ConvSize Layer(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out,
               int64_t padding_height, int64_t padding_width) {
  return Complete(
      Padded(Size(batch, height, width, channels, out, 3, 3), padding_height, padding_width));
}

// Whole and partial tiles and vectors; one tile of work and many tasks.
std::vector<ConvSize> TiledSizes() {
  return {
      Layer(1, 1, 1, 1, 1, 1, 1),     Layer(1, 4, 4, 16, 16, 1, 1),
      Layer(2, 5, 7, 17, 35, 1, 1),   Layer(3, 7, 7, 64, 48, 1, 1),
      Layer(2, 10, 9, 33, 20, 0, 2),  Layer(1, 9, 10, 5, 64, 2, 0),
      Layer(1, 3, 3, 40, 8, 0, 0),    Layer(2, 14, 14, 32, 33, 1, 1),
      Layer(40, 28, 28, 8, 16, 1, 1), Layer(1, 6, 30, 130, 70, 2, 2),
      Layer(150, 8, 8, 16, 16, 1, 1),
  };
}

class WinogradTest : public autograd::testing::NeedsAvx2 {
 protected:
  void TearDown() override { SetNumThreads(threads_); }
  static Winograd Kernels(int depth = 1) {
    return {*ActiveWinogradKernels(), *ActiveConvKernels(), depth};
  }
  const int threads_ = NumThreads();
};

struct Operands {
  explicit Operands(const ConvSize& s)
      : x(Independent(s.batch * s.pixels() * s.channels, 1)),
        y(Independent(s.batch * s.out_pixels() * s.out_channels, 2)),
        w(Independent(s.weights(), 3)),
        bias(Independent(std::max(s.channels, s.out_channels), 4)),
        shift(Independent(s.batch * std::max(s.channels, s.out_channels), 5)) {}
  std::vector<float> x, y, w, bias, shift;
};

// bias + shift + residual of a result of `channels` channels and `pixels` pixels an image.
std::vector<double> Terms(const Operands& p, int64_t pixels, int64_t channels,
                          const std::vector<float>& residual) {
  std::vector<double> sum(residual.size());
  for (size_t i = 0; i < sum.size(); ++i) {
    const size_t c = static_cast<size_t>(channels), image = i / (c * static_cast<size_t>(pixels));
    sum[i] = static_cast<double>(p.bias[i % c]) + static_cast<double>(p.shift[image * c + i % c]) +
             static_cast<double>(residual[i]);
  }
  return sum;
}

TEST_F(WinogradTest, ForwardIsTheSumOfProducts) {
  for (const ConvSize& s : TiledSizes()) {
    SCOPED_TRACE(Name(s));
    const Operands p(s);
    std::vector<double> plain(p.y.size()), all = Terms(p, s.out_pixels(), s.out_channels, p.y);
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      const double product = static_cast<double>(p.x[static_cast<size_t>(x)]) *
                             static_cast<double>(p.w[static_cast<size_t>(w)]);
      plain[static_cast<size_t>(y)] += product;
      all[static_cast<size_t>(y)] += product;
    });
    std::vector<float> y(p.y.size(), 9);
    WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(), {}, y.data());
    ExpectNear(y, plain, s.filter());
    WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(),
                           {p.bias.data(), p.shift.data(), p.y.data()}, y.data());
    ExpectNear(y, all, s.filter());
  }
}

TEST_F(WinogradTest, InputGradientIsTheTranspose) {
  for (const ConvSize& s : TiledSizes()) {
    SCOPED_TRACE(Name(s));
    const Operands p(s);
    std::vector<double> expected = Terms(p, s.pixels(), s.channels, p.x);
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      expected[static_cast<size_t>(x)] += static_cast<double>(p.y[static_cast<size_t>(y)]) *
                                          static_cast<double>(p.w[static_cast<size_t>(w)]);
    });
    std::vector<float> dx(p.x.size(), 9);
    WinogradInputGradient<float>(Kernels(), s, p.y.data(), p.w.data(),
                                 {p.bias.data(), p.shift.data(), p.x.data()}, dx.data());
    ExpectNear(dx, expected, s.taps() * s.out_channels);
  }
}

TEST_F(WinogradTest, WeightGradientIsTheSumOfOuterProducts) {
  for (const ConvSize& s : TiledSizes()) {
    SCOPED_TRACE(Name(s));
    const Operands p(s);
    std::vector<double> expected(p.w.size());
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      expected[static_cast<size_t>(w)] += static_cast<double>(p.y[static_cast<size_t>(y)]) *
                                          static_cast<double>(p.x[static_cast<size_t>(x)]);
    });
    std::vector<float> dw(p.w.size(), 9);
    WinogradWeightGradient<float>(Kernels(), s, p.x.data(), p.y.data(), dw.data());
    ExpectNear(dw, expected, s.batch * s.out_pixels());
  }
}

double RootMeanSquare(const std::vector<float>& value, const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const double error = static_cast<double>(value[i]) - expected[i];
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(value.size()));
}

// The points of the transform are what this depends on: 0, 1, -1, 2, -2 would fail.
TEST_F(WinogradTest, ErrorsOfManyChannelsAreAboutTwiceThoseOfTheDefinition) {
  const ConvSize s = Layer(2, 28, 28, 64, 32, 1, 1);
  Operands p(s);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (float& x : p.x) x = normal(random);
  for (float& w : p.w) w = normal(random);
  std::vector<double> expected(p.y.size());
  ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
    expected[static_cast<size_t>(y)] += static_cast<double>(p.x[static_cast<size_t>(x)]) *
                                        static_cast<double>(p.w[static_cast<size_t>(w)]);
  });
  std::vector<float> direct(p.y.size()), tiles(p.y.size());
  DirectForward<float, float>(ActiveConvKernels()->f32, s, p.x.data(), p.w.data(), {},
                              direct.data());
  WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(), {}, tiles.data());
  EXPECT_LT(RootMeanSquare(tiles, expected), 2.5 * RootMeanSquare(direct, expected));
}

// The arithmetic is that of f32 whatever images are stored in.
TEST_F(WinogradTest, ResultsOfBf16AreThoseOfF32RoundedOnce) {
  for (const ConvSize& s : TiledSizes()) {
    SCOPED_TRACE(Name(s));
    const Operands p(s);
    const std::vector<BFloat16> x = Narrowed(p.x), y = Narrowed(p.y);
    const auto expect_same = [](const std::vector<float>& wide, const std::vector<BFloat16>& bf16) {
      for (size_t i = 0; i < wide.size(); ++i) {
        ASSERT_EQ(ToFloat(ToBFloat16(wide[i])), ToFloat(bf16[i])) << i;
      }
    };
    std::vector<float> wide_y(y.size()), wide_x(x.size()), dw(p.w.size()), wide_dw(p.w.size());
    std::vector<BFloat16> narrow_y(y.size()), narrow_x(x.size());
    WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(),
                           {p.bias.data(), p.shift.data(), p.y.data()}, wide_y.data());
    WinogradForward<BFloat16>(Kernels(), s, x.data(), p.w.data(),
                              {p.bias.data(), p.shift.data(), y.data()}, narrow_y.data());
    expect_same(wide_y, narrow_y);
    WinogradInputGradient<float>(Kernels(), s, p.y.data(), p.w.data(), {}, wide_x.data());
    WinogradInputGradient<BFloat16>(Kernels(), s, y.data(), p.w.data(), {}, narrow_x.data());
    expect_same(wide_x, narrow_x);
    WinogradWeightGradient<float>(Kernels(), s, p.x.data(), p.y.data(), wide_dw.data());
    WinogradWeightGradient<BFloat16>(Kernels(), s, x.data(), y.data(), dw.data());
    EXPECT_EQ(dw, wide_dw);
  }
}

TEST_F(WinogradTest, ThreadsDoNotChangeABit) {
  for (const ConvSize& s : TiledSizes()) {
    SCOPED_TRACE(Name(s));
    const Operands p(s);
    std::vector<std::vector<float>> results[2];
    for (const int threads : {1, 3}) {
      SetNumThreads(threads);
      std::vector<float> y(p.y.size()), dx(p.x.size()), dw(p.w.size());
      WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(), {}, y.data());
      WinogradInputGradient<float>(Kernels(), s, p.y.data(), p.w.data(), {}, dx.data());
      WinogradWeightGradient<float>(Kernels(), s, p.x.data(), p.y.data(), dw.data());
      results[threads == 3] = {y, dx, dw};
    }
    EXPECT_EQ(results[0], results[1]);
  }
}

// An image's result does not depend on the others of its batch.
TEST_F(WinogradTest, ImagesDoNotDependOnTheirBatch) {
  const ConvSize all = Layer(9, 14, 14, 32, 32, 1, 1), one = Layer(1, 14, 14, 32, 32, 1, 1);
  const Operands p(all);
  std::vector<float> y(p.y.size()), first(p.y.size() / 9);
  WinogradForward<float>(Kernels(), all, p.x.data(), p.w.data(), {}, y.data());
  for (int n = 0; n < 9; ++n) {
    const size_t x_size = p.x.size() / 9;
    WinogradForward<float>(Kernels(), one, p.x.data() + static_cast<size_t>(n) * x_size, p.w.data(),
                           {}, first.data());
    for (size_t i = 0; i < first.size(); ++i) {
      ASSERT_EQ(first[i], y[static_cast<size_t>(n) * first.size() + i]) << n << " " << i;
    }
  }
}

// What lies beyond the border is as long as the longer of two images' channels, also where no
// earlier call has made room for it.
TEST_F(WinogradTest, WeightGradientOfFewToManyChannelsOnAFreshThread) {
  const ConvSize s = Layer(1, 5, 4, 16, 1100, 1, 1);
  const Operands p(s);
  std::vector<double> expected(p.w.size());
  ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
    expected[static_cast<size_t>(w)] += static_cast<double>(p.y[static_cast<size_t>(y)]) *
                                        static_cast<double>(p.x[static_cast<size_t>(x)]);
  });
  std::vector<float> dw(p.w.size(), 9);
  std::thread fresh(
      [&] { WinogradWeightGradient<float>(Kernels(), s, p.x.data(), p.y.data(), dw.data()); });
  fresh.join();
  ExpectNear(dw, expected, s.out_pixels());
}

TEST_F(WinogradTest, RunsInsideAParallelLoop) {
  const ConvSize s = Layer(3, 14, 14, 32, 32, 1, 1);
  const Operands p(s);
  std::vector<float> expected(p.y.size()), first(p.y.size()), second(p.y.size());
  WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(), {}, expected.data());
  SetNumThreads(2);
  ParallelFor(2, 1, [&](int64_t i, int64_t) {
    std::vector<float>& y = i == 0 ? first : second;
    WinogradForward<float>(Kernels(), s, p.x.data(), p.w.data(), {}, y.data());
  });
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, expected);
}

// Which of forward, input's and weights' gradient are.
std::string Preferred(const Winograd& winograd, const ConvSize& s) {
  return std::string(PrefersWinogradForward(winograd, s) ? "forward " : "") +
         (PrefersWinogradInputGradient(winograd, s) ? "input " : "") +
         (PrefersWinogradWeightGradient(winograd, s) ? "weight" : "");
}
constexpr char kAll[] = "forward input weight";

TEST_F(WinogradTest, IsPreferredForLayersOfManyChannels) {
  for (const ConvSize& s : {Layer(16, 28, 28, 32, 32, 1, 1), Layer(16, 14, 14, 64, 64, 1, 1),
                            Layer(16, 7, 7, 128, 64, 1, 1), Layer(1, 32, 32, 64, 64, 0, 0),
                            Layer(1, 32, 32, 320, 320, 1, 1)}) {
    EXPECT_EQ(Preferred(Kernels(), s), kAll) << Name(s);
  }
  EXPECT_EQ(Preferred(Kernels(2), Layer(16, 28, 28, 64, 64, 1, 1)), kAll);
  // Pairs of bf16 are as fast where tiles are filled badly.
  EXPECT_EQ(Preferred(Kernels(2), Layer(16, 5, 5, 64, 64, 1, 1)), "");
}

TEST_F(WinogradTest, IsNotPreferredForOthers) {
  std::vector<ConvSize> sizes = {Layer(16, 28, 28, 32, 1, 1, 1),  Layer(16, 28, 28, 1, 2, 1, 1),
                                 Layer(16, 1, 1, 64, 64, 1, 1),   Layer(0, 28, 28, 64, 64, 1, 1),
                                 Layer(1, 28, 28, 0, 64, 1, 1),   Layer(1, 28, 28, 64, 64, 3, 1),
                                 Layer(1, 28, 28, 64, 64, 1, 3),  Layer(9, 2, 2, 64, 64, 0, 0),
                                 Layer(1, 32, 32, 512, 512, 1, 1)};
  const ConvSize fits = Layer(16, 28, 28, 64, 64, 1, 1);
  for (int64_t ConvSize::*member :
       {&ConvSize::kernel_height, &ConvSize::kernel_width, &ConvSize::stride_height,
        &ConvSize::stride_width, &ConvSize::dilation_height, &ConvSize::dilation_width,
        &ConvSize::groups}) {
    sizes.push_back(fits);
    sizes.back().*member = 2;
  }
  for (const ConvSize& s : sizes) EXPECT_EQ(Preferred(Kernels(), s), "") << Name(s);
  // Of one image's few tiles the transform of the weights would be most of the work.
  EXPECT_EQ(Preferred(Kernels(), Layer(1, 8, 8, 64, 64, 1, 1)), "forward input ");
  // The bits of an image may not depend on how many there are.
  EXPECT_EQ(Preferred(Kernels(), Layer(9, 8, 8, 64, 64, 1, 1)), kAll);
}

}  // namespace
}  // namespace autograd::kernels
