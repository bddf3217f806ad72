// Whether the numbers have the distributions they should, for fixed seeds, so that the outcome
// never changes. Bounds are about four standard deviations of the statistic.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "autograd/random/philox.h"

namespace autograd {
namespace {

constexpr int64_t kCount = 100000;

// The largest distance between the empirical distribution function and cdf, times sqrt(n)
// (Kolmogorov-Smirnov): more than 1.95 has probability 1e-3.
template <class T, class Cdf>
double KolmogorovSmirnov(std::vector<T> values, const Cdf& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = cdf(static_cast<double>(values[i])), below = static_cast<double>(i);
    distance = std::max({distance, expected - below / n, (below + 1) / n - expected});
  }
  return distance * std::sqrt(n);
}

double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double UniformCdf(double x) { return x; }

template <class T>
std::array<double, 4> Moments(const std::vector<T>& values) {
  std::array<double, 4> moments = {};
  for (T value : values) {
    for (size_t k = 0; k < 4; ++k)
      moments[k] += std::pow(static_cast<double>(value), static_cast<double>(k + 1));
  }
  for (double& moment : moments) moment /= static_cast<double>(values.size());
  return moments;
}

template <class T>
class Floating : public ::testing::Test {};
using FloatingTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Floating, FloatingTypes);

TYPED_TEST(Floating, NormalNumbersAreNormal) {
  for (uint64_t seed : {1, 2, 3}) {
    Generator generator(seed);
    std::vector<TypeParam> values(kCount);
    generator.Normal(values.data(), kCount);
    const std::array<double, 4> moments = Moments(values);
    const double root = std::sqrt(static_cast<double>(kCount));
    EXPECT_NEAR(moments[0], 0, 4 / root);
    EXPECT_NEAR(moments[1], 1, 4 * std::sqrt(2.0) / root);
    EXPECT_NEAR(moments[2], 0, 4 * std::sqrt(15.0) / root);
    EXPECT_NEAR(moments[3], 3, 4 * std::sqrt(96.0) / root);
    EXPECT_LT(KolmogorovSmirnov(values, NormalCdf), 1.95);
    // The pairs of one transform are 16 apart; so are, in turn, its neighbours.
    for (size_t lag : {1, 2, 16, 32, 64}) {
      double product = 0;
      for (size_t i = lag; i < values.size(); ++i)
        product += static_cast<double>(values[i]) * static_cast<double>(values[i - lag]);
      EXPECT_NEAR(product / root, 0, 4) << "lag " << lag;
    }
  }
}

TYPED_TEST(Floating, UniformNumbersAreUniform) {
  for (uint64_t seed : {1, 2, 3}) {
    Generator generator(seed);
    std::vector<TypeParam> values(kCount);
    generator.Uniform(values.data(), kCount);
    EXPECT_GE(*std::min_element(values.begin(), values.end()), TypeParam{0});
    EXPECT_LT(*std::max_element(values.begin(), values.end()), TypeParam{1});
    const double root = std::sqrt(static_cast<double>(kCount));
    EXPECT_NEAR(Moments(values)[0], 0.5, 4 * std::sqrt(1.0 / 12) / root);
    EXPECT_NEAR(Moments(values)[1], 1.0 / 3, 4 * std::sqrt(4.0 / 45) / root);
    EXPECT_LT(KolmogorovSmirnov(values, UniformCdf), 1.95);
  }
}

TEST(NormalTails, AreAsHeavyAsTheyShouldBe) {
  Generator generator(9);
  constexpr int64_t kMany = 4000000;
  std::vector<float> values(kMany);
  generator.Normal(values.data(), kMany);
  for (double bound : {2.0, 3.0, 4.0, 4.5}) {
    const double expected = 2 * NormalCdf(-bound) * static_cast<double>(kMany);
    const auto beyond =
        std::count_if(values.begin(), values.end(), [=](float x) { return std::abs(x) > bound; });
    EXPECT_NEAR(static_cast<double>(beyond), expected, 4 * std::sqrt(expected)) << bound;
  }
}

TEST(Streams, AreUncorrelated) {
  std::vector<float> a(kCount), b(kCount);
  for (uint64_t stream : {1, 2, 3}) {
    Generator(1, 0).Normal(a.data(), kCount);
    Generator(1, stream).Normal(b.data(), kCount);
    double product = 0;
    for (size_t i = 0; i < a.size(); ++i)
      product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    EXPECT_NEAR(product / std::sqrt(static_cast<double>(kCount)), 0, 4);
  }
}

TEST(Bernoulli, HasItsMean) {
  Generator generator(1);
  auto* const mask = new bool[kCount];
  for (double p : {0.001, 0.1, 0.5, 0.9}) {
    generator.Bernoulli(p, mask, kCount);
    const auto ones = static_cast<double>(std::count(mask, mask + kCount, true));
    EXPECT_NEAR(ones, p * kCount, 4 * std::sqrt(p * (1 - p) * kCount));
  }
  delete[] mask;
}

TEST(Permutation, AllOrdersAreEquallyLikely) {
  constexpr int kRounds = 24000;
  Generator generator(1);
  std::map<std::array<int64_t, 4>, int> counts;
  for (int round = 0; round < kRounds; ++round) {
    std::array<int64_t, 4> order;
    generator.Permutation(order.data(), 4);
    ++counts[order];
  }
  ASSERT_EQ(counts.size(), 24u);
  double chi_squared = 0;
  for (const auto& [order, count] : counts)
    chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_squared, 49.7) << "more than this has probability 1e-3 with 23 degrees of freedom";
}

}  // namespace
}  // namespace autograd
