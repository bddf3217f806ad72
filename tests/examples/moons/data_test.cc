#include "examples/moons/data.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace examples::moons {
namespace {

using Points = std::vector<std::pair<float, float>>;

Points Draw(int64_t n, double noise, autograd::Generator& generator, bool shuffle) {
  MoonsData moons(n, noise);
  EXPECT_EQ(moons.size(), n);
  std::vector<float> values(2 * static_cast<size_t>(n));
  moons.Draw(generator, values.data(), shuffle);
  Points points;
  for (size_t i = 0; i < values.size(); i += 2) points.emplace_back(values[i], values[i + 1]);
  return points;
}

// Distance of a point from the nearer of the two half circles.
double DistanceFromMoons(double x, double y) {
  const auto from_upper_half = [](double u, double v) {
    return v >= 0 ? std::abs(std::hypot(u, v) - 1)
                  : std::min(std::hypot(u - 1, v), std::hypot(u + 1, v));
  };
  return std::min(from_upper_half(x, y), from_upper_half(x - 1, 0.5 - y));
}

TEST(MoonsDataTest, WithoutNoiseTheseAreScikitLearnsPoints) {
  autograd::Generator generator(1);
  const Points points = Draw(7, 0, generator, false);
  // make_moons(7, shuffle=False): 3 points of the outer moon, 4 of the inner one.
  const double h = std::sqrt(3.0) / 2;
  const std::vector<std::pair<double, double>> expected = {
      {1, 0}, {0, 1}, {-1, 0}, {0, 0.5}, {0.5, 0.5 - h}, {1.5, 0.5 - h}, {2, 0.5}};
  ASSERT_EQ(points.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(points[i].first, expected[i].first, 1e-6) << i;
    EXPECT_NEAR(points[i].second, expected[i].second, 1e-6) << i;
  }
}

TEST(MoonsDataTest, TheShuffleKeepsThePointsAndChangesTheirOrder) {
  autograd::Generator generator(2);
  Points plain = Draw(256, 0, generator, false), shuffled = Draw(256, 0, generator, true);
  const Points next = Draw(256, 0, generator, true);
  EXPECT_NE(plain, shuffled);
  EXPECT_NE(shuffled, next);
  std::sort(plain.begin(), plain.end());
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(plain, shuffled);
}

TEST(MoonsDataTest, NoiseHasItsSizeAndIsIndependentOfThePlace) {
  constexpr int64_t n = 20000;
  constexpr double kNoise = 0.05;
  autograd::Generator generator(3);
  const Points clean = Draw(n, 0, generator, false), noisy = Draw(n, kNoise, generator, false);
  double mean_x = 0, mean_y = 0, square = 0, product = 0;
  for (size_t i = 0; i < clean.size(); ++i) {
    const double dx = static_cast<double>(noisy[i].first) - static_cast<double>(clean[i].first);
    const double dy = static_cast<double>(noisy[i].second) - static_cast<double>(clean[i].second);
    mean_x += dx / n;
    mean_y += dy / n;
    square += (dx * dx + dy * dy) / (2 * n);
    product += dx * dy / n;
  }
  const double error = kNoise / std::sqrt(n);
  EXPECT_NEAR(mean_x, 0, 5 * error);
  EXPECT_NEAR(mean_y, 0, 5 * error);
  EXPECT_NEAR(square, kNoise * kNoise, 5 * kNoise * error);
  EXPECT_NEAR(product, 0, 5 * kNoise * error);
}

TEST(MoonsDataTest, ShuffledNoisyPointsLieAroundTheMoons) {
  autograd::Generator generator(4);
  for (const auto& [x, y] : Draw(2000, 0.05, generator, true)) {
    EXPECT_LT(DistanceFromMoons(static_cast<double>(x), static_cast<double>(y)),
              5.5 * 0.05 * std::numbers::sqrt2);
  }
}

TEST(MoonsDataTest, TheSameSeedGivesTheSamePointsAndTheNextSetOthers) {
  for (const bool shuffle : {false, true}) {
    autograd::Generator a(5), b(5), c(6);
    const Points first = Draw(100, 0.1, a, shuffle);
    EXPECT_EQ(first, Draw(100, 0.1, b, shuffle));
    EXPECT_NE(first, Draw(100, 0.1, a, shuffle));
    EXPECT_NE(first, Draw(100, 0.1, c, shuffle));
  }
}

TEST(MoonsDataTest, SmallSets) {
  autograd::Generator generator(7);
  EXPECT_TRUE(Draw(0, 0.1, generator, true).empty());
  EXPECT_EQ(Draw(1, 0, generator, true), (Points{{0.0f, 0.5f}}));
  EXPECT_EQ(Draw(2, 0, generator, false), (Points{{1.0f, 0.0f}, {0.0f, 0.5f}}));
}

TEST(MoonsDataTest, RejectsWhatIsNoSize) {
  EXPECT_THROW(MoonsData(-1, 0.1), std::invalid_argument);
  EXPECT_THROW(MoonsData(10, -0.1), std::invalid_argument);
  EXPECT_THROW(MoonsData(10, std::nan("")), std::invalid_argument);
  EXPECT_THROW(MoonsData(10, std::numeric_limits<double>::infinity()), std::invalid_argument);
}

}  // namespace
}  // namespace examples::moons
