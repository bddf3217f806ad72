#include "flowmatch/metrics/wasserstein.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace flowmatch {
namespace {

std::vector<float> Normal(size_t count, uint64_t seed, float scale = 1, float mean = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(mean, scale);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

TEST(WassersteinTest, ASetHasNoDistanceToItselfInAnyOrder) {
  const std::vector<float> a = Normal(60, 1);
  std::vector<float> reversed;
  for (size_t i = 0; i < 20; ++i)
    reversed.insert(reversed.begin(), a.begin() + 3 * static_cast<long>(i),
                    a.begin() + 3 * static_cast<long>(i) + 3);
  EXPECT_EQ(Wasserstein2(a, a, 20, 3), 0);
  EXPECT_EQ(Wasserstein2(a, reversed, 20, 3), 0);
}

TEST(WassersteinTest, AShiftCostsItsLength) {
  const std::vector<float> a = Normal(200, 2);
  std::vector<float> b = a;
  for (size_t i = 0; i < b.size(); i += 2) {
    b[i] += 3;
    b[i + 1] -= 4;
  }
  EXPECT_NEAR(Wasserstein2(a, b, 100, 2), 5, 1e-6);
  EXPECT_EQ(Wasserstein2(a, b, 100, 2), Wasserstein2(b, a, 100, 2));
}

TEST(WassersteinTest, OnALineSortedValuesBelongTogether) {
  std::vector<float> a = Normal(500, 3), b = Normal(500, 4, 2, 1);
  const double distance = Wasserstein2(a, b, 500, 1);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  EXPECT_NEAR(distance, std::sqrt(sum / 500), 1e-12);
}

TEST(WassersteinTest, GaussiansApproachTheirClosedForm) {
  // W2 between N(m1, s1²) and N(m2, s2²) is √((m1 − m2)² + (s1 − s2)²).
  EXPECT_NEAR(Wasserstein2(Normal(1000, 5), Normal(1000, 6, 3, 2), 1000, 1), std::sqrt(4.0 + 4.0),
              0.15);
}

TEST(WassersteinTest, MisuseIsNamed) {
  const auto message = [](const std::vector<float>& a, const std::vector<float>& b, int64_t n,
                          int64_t dim) -> std::string {
    try {
      Wasserstein2(a, b, n, dim);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({1, 2}, {1, 2, 3}, 1, 2),
            "Wasserstein2: 2 and 3 values for n = 1 points of dimension 2");
  EXPECT_EQ(message({}, {}, 0, 2), "Wasserstein2: 0 and 0 values for n = 0 points of dimension 2");
  EXPECT_EQ(message({1}, {1}, 1, 0),
            "Wasserstein2: 1 and 1 values for n = 1 points of dimension 0");
  EXPECT_EQ(message({1, 2}, {1, 2}, -1, -2),
            "Wasserstein2: 2 and 2 values for n = -1 points of dimension -2");
  EXPECT_EQ(message({1, 2, 3, NAN}, {1, 2, 3, 4}, 2, 2),
            "Wasserstein2: coordinate 1 of point 1 is nan");
}

}  // namespace
}  // namespace flowmatch
