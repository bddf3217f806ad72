#include "autograd/kernels/conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/conv_problem.h"

namespace autograd::kernels {
namespace {

template <class T>
class ConvTest : public testing::Test {};
using Types = testing::Types<float, double, BFloat16>;
TYPED_TEST_SUITE(ConvTest, Types);

TYPED_TEST(ConvTest, ForwardIsTheSumOfProducts) {
  using T = TypeParam;
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Problem<T> p(s);
    std::vector<double> products(p.y.size());
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      products[static_cast<size_t>(y)] +=
          ToDouble(p.x[static_cast<size_t>(x)]) * ToDouble(p.w[static_cast<size_t>(w)]);
    });
    for (const Choice& choice : kChoices) {
      auto expected = p.out_terms.Sum(choice);
      for (size_t i = 0; i < expected.size(); ++i) expected[i] += products[i];
      std::vector<T> y(p.y.size(), Rounded<T>(9));
      ConvForward(s, p.x.data(), p.w.data(), p.out_terms.Epilogue(choice), y.data());
      ExpectNear(y, expected, s.filter());
    }
  }
}

TYPED_TEST(ConvTest, InputGradientIsTheTranspose) {
  using T = TypeParam;
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Problem<T> p(s);
    std::vector<double> products(p.x.size());
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      products[static_cast<size_t>(x)] +=
          ToDouble(p.y[static_cast<size_t>(y)]) * ToDouble(p.w[static_cast<size_t>(w)]);
    });
    for (const Choice& choice : kChoices) {
      auto expected = p.in_terms.Sum(choice);
      for (size_t i = 0; i < expected.size(); ++i) expected[i] += products[i];
      std::vector<T> dx(p.x.size(), Rounded<T>(9));
      ConvInputGradient(s, p.y.data(), p.w.data(), p.in_terms.Epilogue(choice), dx.data());
      ExpectNear(dx, expected, s.taps() * s.group_out_channels());
    }
  }
}

TYPED_TEST(ConvTest, WeightGradientIsTheSumOfOuterProducts) {
  using T = TypeParam;
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Problem<T> p(s);
    std::vector<double> expected(p.w.size());
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      expected[static_cast<size_t>(w)] +=
          ToDouble(p.y[static_cast<size_t>(y)]) * ToDouble(p.x[static_cast<size_t>(x)]);
    });
    std::vector<ConvParameter<T>> dw(p.w.size(), 9);
    ConvWeightGradient(s, p.x.data(), p.y.data(), dw.data());
    ExpectNear(dw, expected, s.batch * s.out_pixels());
  }
}

TYPED_TEST(ConvTest, BiasGradientIsTheSumOverPixels) {
  using T = TypeParam;
  for (const int64_t channels : {1, 3, 64}) {
    for (const int64_t pixels : {0, 1, 300, 5000}) {
      const auto dy = Values<T>(pixels * channels, 1);
      std::vector<double> expected(static_cast<size_t>(channels));
      for (size_t i = 0; i < dy.size(); ++i) {
        expected[i % static_cast<size_t>(channels)] += ToDouble(dy[i]);
      }
      std::vector<ConvParameter<T>> sums(static_cast<size_t>(channels), 9);
      ConvBiasGradient(pixels, channels, dy.data(), sums.data());
      ExpectNear(sums, expected, 16 * pixels);
    }
  }
}

TYPED_TEST(ConvTest, ShiftGradientIsTheSumOverTheImage) {
  using T = TypeParam;
  for (const int64_t channels : {1, 3, 64}) {
    for (const int64_t pixels : {0, 1, 300, 3000}) {
      const int64_t batch = 3, image = pixels * channels;
      const auto dy = Values<T>(batch * image, 1);
      std::vector<double> expected(static_cast<size_t>(batch * channels));
      for (int64_t i = 0; i < batch * image; ++i) {
        expected[static_cast<size_t>(i / image * channels + i % channels)] +=
            ToDouble(dy[static_cast<size_t>(i)]);
      }
      std::vector<ConvParameter<T>> sums(expected.size(), 9);
      ConvShiftGradient(batch, pixels, channels, dy.data(), sums.data());
      ExpectNear(sums, expected, 16 * pixels);
    }
  }
}

class ConvThreads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

// What lies in memory after the first `shift` elements.
template <class T>
std::string Bytes(const std::vector<T>& v, int shift) {
  std::string bytes((v.size() - static_cast<size_t>(shift)) * sizeof(T), 0);
  if (!bytes.empty()) std::memcpy(bytes.data(), v.data() + shift, bytes.size());
  return bytes;
}

// The bytes of three results that start `shift` elements into their memory, as all operands do.
template <class T>
std::vector<std::string> Results(const ConvSize& s, const Problem<T>& p, int shift) {
  const auto shifted = [shift](auto copy) {
    copy.insert(copy.begin(), static_cast<size_t>(shift), {});
    return copy;
  };
  const auto x = shifted(p.x), y = shifted(p.y);
  const auto w = shifted(p.w);
  const auto bias = shifted(p.out_terms.bias), offset = shifted(p.out_terms.shift);
  const auto residual = shifted(p.out_terms.residual);
  auto y2 = y, x2 = x;
  auto w2 = w;
  ConvForward(s, x.data() + shift, w.data() + shift,
              {bias.data() + shift, offset.data() + shift, residual.data() + shift},
              y2.data() + shift);
  ConvInputGradient(s, y.data() + shift, w.data() + shift, {}, x2.data() + shift);
  ConvWeightGradient(s, x.data() + shift, y.data() + shift, w2.data() + shift);
  return {Bytes(y2, shift), Bytes(x2, shift), Bytes(w2, shift)};
}

template <class T>
void ExpectSameBits(const ConvSize& s) {
  const Problem<T> problem(s);
  SetNumThreads(1);
  const auto expected = Results(s, problem, 0);
  for (const int threads : {2, 3, 16}) {
    SetNumThreads(threads);
    EXPECT_TRUE(Results(s, problem, threads) == expected)
        << threads << " threads, elements of " << sizeof(T) << " bytes";
  }
}

TEST_F(ConvThreads, NeitherTheirNumberNorAlignmentChangesABit) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    ExpectSameBits<float>(s);
    ExpectSameBits<double>(s);
    ExpectSameBits<BFloat16>(s);
  }
}

// Whether images of T go by tiles (conv_winograd.h) where these are less work: not bf16 where the
// processor multiplies tiles of it itself, or pairs, which are no more work at the size below.
template <class T>
bool GoesByTiles() {
  if (ActiveIsa() == Isa::kScalar || std::is_same_v<T, double>) return false;
  return std::is_same_v<T, float> || ActiveIsa() < Isa::kAvx512Bf16;
}

// Whether pixel `row` lies among the 3 that pixel `i` sees, or the 6 that its tile does.
bool Sees(int64_t i, int64_t row) { return std::abs(i - row) <= 1; }
bool TileSees(int64_t i, int64_t row) { return row >= i / 4 * 4 - 1 && row < i / 4 * 4 + 5; }

// Rows are padded with zeros where pairs of channels are multiplied; no neighbour may take part.
template <class T>
void ExpectANanReachesOnlyWhatSeesIt(int64_t channels, int64_t out, bool tiles) {
  const ConvSize s = Complete(Padded(Size(1, 6, 7, channels, out, 3, 3), 1, 1));
  SCOPED_TRACE(Name(s));
  Problem<T> p(s);
  const int64_t row = 2, column = 3;
  const size_t at = static_cast<size_t>((row * s.width + column) * channels);
  p.x[at] = Rounded<T>(std::numeric_limits<double>::quiet_NaN());
  std::vector<T> y(p.y.size());
  ConvForward(s, p.x.data(), p.w.data(), {}, y.data());
  bool spreads = false;
  for (size_t k = 0; k < y.size(); ++k) {
    const int64_t pixel = static_cast<int64_t>(k) / out, i = pixel / s.width, j = pixel % s.width;
    const bool is_nan = std::isnan(ToDouble(y[k]));
    if (Sees(i, row) && Sees(j, column)) {
      ASSERT_TRUE(is_nan) << k;
    } else if (!tiles || !TileSees(i, row) || !TileSees(j, column)) {
      ASSERT_FALSE(is_nan) << k;
    } else {
      spreads = spreads || is_nan;
    }
  }
  EXPECT_EQ(spreads, tiles);
}

TYPED_TEST(ConvTest, ANanReachesOnlyTheWindowsOrTilesThatSeeIt) {
  for (const int64_t out : {1, 20}) {
    ExpectANanReachesOnlyWhatSeesIt<TypeParam>(1, out, false);
    ExpectANanReachesOnlyWhatSeesIt<TypeParam>(9, out, false);
    ExpectANanReachesOnlyWhatSeesIt<TypeParam>(33, out, out > 1 && GoesByTiles<TypeParam>());
  }
}

template <class T>
bool SameBytes(const std::vector<T>& x, const std::vector<T>& y) {
  return Bytes(x, 0) == Bytes(y, 0);
}

template <class T>
std::vector<std::vector<T>> PixelSums(int64_t batch, int64_t pixels, int shift) {
  constexpr int64_t kChannels = 48;
  auto dy = Values<T>(batch * pixels * kChannels, 1);
  dy.insert(dy.begin(), static_cast<size_t>(shift), T(7));
  std::vector<T> images(static_cast<size_t>(batch * kChannels + shift)), all(kChannels);
  ConvShiftGradient(batch, pixels, kChannels, dy.data() + shift, images.data() + shift);
  ConvBiasGradient(batch * pixels, kChannels, dy.data() + shift, all.data());
  images.erase(images.begin(), images.begin() + shift);
  return {images, all};
}

TEST_F(ConvThreads, NeitherTheirNumberNorAlignmentChangesABitOfTheSumsOfPixels) {
  for (const int64_t pixels : {1, 49, 3000}) {
    SetNumThreads(1);
    const auto single = PixelSums<float>(40, pixels, 0);
    const auto twice = PixelSums<double>(40, pixels, 0);
    for (const int threads : {2, 3, 16}) {
      SetNumThreads(threads);
      for (size_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(SameBytes(single[i], PixelSums<float>(40, pixels, threads)[i])) << threads;
        EXPECT_TRUE(SameBytes(twice[i], PixelSums<double>(40, pixels, threads)[i])) << threads;
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
