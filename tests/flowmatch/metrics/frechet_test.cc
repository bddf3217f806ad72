#include "flowmatch/metrics/frechet.h"

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

std::vector<double> Normal(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(count);
  for (double& v : values) v = normal(random);
  return values;
}

// n points of dimension dim, coordinate k with mean `mean` and standard deviation scale (1 + k).
std::vector<float> Points(size_t n, size_t dim, uint64_t seed, double scale = 1, double mean = 0) {
  const std::vector<double> normal = Normal(n * dim, seed);
  std::vector<float> points(n * dim);
  for (size_t i = 0; i < points.size(); ++i) {
    points[i] = static_cast<float>(mean + scale * static_cast<double>(1 + i % dim) * normal[i]);
  }
  return points;
}

// Largest |matrix v_i - value_i v_i| and |v_i . v_j - (i == j)|.
double Residual(const std::vector<double>& matrix, const SymmetricEigen& eigen, size_t n) {
  double largest = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double product = -eigen.values[i] * eigen.vectors[i * n + j], dot = i == j ? -1 : 0;
      for (size_t k = 0; k < n; ++k) {
        product += matrix[j * n + k] * eigen.vectors[i * n + k];
        dot += eigen.vectors[i * n + k] * eigen.vectors[j * n + k];
      }
      largest = std::max({largest, std::abs(product), std::abs(dot)});
    }
  }
  return largest;
}

std::vector<double> Symmetric(size_t n, uint64_t seed) {
  std::vector<double> matrix = Normal(n * n, seed);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) matrix[i * n + j] = matrix[j * n + i];
  }
  return matrix;
}

TEST(DecomposeSymmetricTest, EigenvectorsAreOrthonormalAndEigenvaluesAscend) {
  for (const size_t n : {1u, 2u, 3u, 17u, 128u}) {
    const std::vector<double> matrix = Symmetric(n, n);
    const SymmetricEigen eigen = DecomposeSymmetric(matrix, static_cast<int64_t>(n));
    EXPECT_LT(Residual(matrix, eigen, n), 1e-12) << n;
    EXPECT_TRUE(std::is_sorted(eigen.values.begin(), eigen.values.end())) << n;
  }
}

TEST(DecomposeSymmetricTest, KnownCases) {
  const SymmetricEigen two = DecomposeSymmetric(std::vector<double>{2, 1, 1, 2}, 2);
  EXPECT_NEAR(two.values[0], 1, 1e-15);
  EXPECT_NEAR(two.values[1], 3, 1e-15);
  EXPECT_NEAR(std::abs(two.vectors[0]), std::sqrt(.5), 1e-15);
  // Equal eigenvalues, a diagonal matrix, and zeros need no rotation.
  const SymmetricEigen diagonal =
      DecomposeSymmetric(std::vector<double>{5, 0, 0, 0, -1, 0, 0, 0, 5}, 3);
  EXPECT_EQ(diagonal.values, (std::vector<double>{-1, 5, 5}));
  EXPECT_EQ(DecomposeSymmetric(std::vector<double>(9), 3).values, std::vector<double>(3));
  // Rank 1: the eigenvalue is |x|^2, the others 0; sizes far from 1 make no difference.
  for (const double scale : {1e-150, 1.0, 1e150}) {
    const std::vector<double> x = {3 * scale, 4 * scale, 12 * scale};
    std::vector<double> outer(9);
    for (size_t i = 0; i < 9; ++i) outer[i] = x[i / 3] * x[i % 3];
    const SymmetricEigen eigen = DecomposeSymmetric(outer, 3);
    EXPECT_NEAR(eigen.values[2] / (scale * scale), 169, 1e-12) << scale;
    EXPECT_NEAR(eigen.values[0] / (scale * scale), 0, 1e-12) << scale;
  }
}

TEST(DecomposeSymmetricTest, OnlyTheUpperTriangleIsRead) {
  const SymmetricEigen eigen = DecomposeSymmetric(std::vector<double>{2, 1, NAN, 2}, 2);
  EXPECT_NEAR(eigen.values[1], 3, 1e-15);
}

TEST(DecomposeSymmetricTest, Misuse) {
  for (const int64_t n : {-1, 0, 1, 3}) {
    EXPECT_THROW(DecomposeSymmetric(std::vector<double>(4), n), std::invalid_argument) << n;
  }
  try {
    DecomposeSymmetric(std::vector<double>{1, INFINITY, 0, 1}, 2);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()), "DecomposeSymmetric: element 0, 1 is inf");
  }
}

TEST(FrechetDistanceTest, OnALineItIsTheClosedForm) {
  // (m1 - m2)^2 + (s1 - s2)^2 of the samples' own moments: means 1 and 5, variances 2 and 8.
  EXPECT_NEAR(FrechetDistance(std::vector<float>{0, 2}, std::vector<float>{3, 7}, 1), 16 + 2,
              1e-12);
}

TEST(FrechetDistanceTest, AShiftCountsAloneAndASetHasNoDistanceToItself) {
  const std::vector<float> a = Points(300, 8, 1);
  EXPECT_NEAR(FrechetDistance(a, a, 8), 0, 1e-9);
  std::vector<float> b = a;
  for (size_t i = 0; i < b.size(); i += 8) b[i + 2] += 4;
  EXPECT_NEAR(FrechetDistance(a, b, 8), 16, 1e-4);
}

TEST(FrechetDistanceTest, DoesNotDependOnTheOrderOfTheSetsOrTheirPoints) {
  const std::vector<float> a = Points(100, 5, 2), b = Points(250, 5, 3, 1.5, .3);
  std::vector<float> reversed;
  for (size_t i = 250; i-- > 0;) {
    reversed.insert(reversed.end(), b.begin() + static_cast<int64_t>(5 * i),
                    b.begin() + static_cast<int64_t>(5 * i + 5));
  }
  const double distance = FrechetDistance(a, b, 5);
  EXPECT_NEAR(FrechetDistance(b, a, 5), distance, 1e-9 * distance);
  EXPECT_NEAR(FrechetDistance(a, reversed, 5), distance, 1e-9 * distance);
}

TEST(FrechetDistanceTest, RotatedGaussiansApproachTheirClosedForm) {
  // Both covariances diagonal with s^2 (1 + k)^2: the roots' difference is (1.5 - 1)(1 + k). The
  // same rotation of both sets changes nothing.
  std::vector<float> a = Points(40000, 3, 4), b = Points(40000, 3, 5, 1.5, .5);
  const double distance = FrechetDistance(a, b, 3);
  EXPECT_NEAR(distance, 3 * .25 + .25 * (1 + 4 + 9), .15);
  for (std::vector<float>* points : {&a, &b}) {
    for (size_t i = 0; i < points->size(); i += 3) {
      float& x = (*points)[i];
      float& y = (*points)[i + 1];
      const float before = x;
      x = .6f * before - .8f * y;
      y = .8f * before + .6f * y;
    }
  }
  EXPECT_NEAR(FrechetDistance(a, b, 3), distance, 1e-4);
}

TEST(FrechetDistanceTest, FewerPointsThanDimensionsAreEnough) {
  const std::vector<float> a = Points(4, 20, 6);
  EXPECT_NEAR(FrechetDistance(a, a, 20), 0, 1e-4);
  EXPECT_GT(FrechetDistance(a, Points(4, 20, 7), 20), 1);
}

TEST(FrechetDistanceTest, Misuse) {
  const std::vector<float> good(6), one(3);
  EXPECT_THROW(FrechetDistance(good, one, 3), std::invalid_argument);
  EXPECT_THROW(FrechetDistance(good, good, 0), std::invalid_argument);
  EXPECT_THROW(FrechetDistance(good, good, 4), std::invalid_argument);
  std::vector<float> bad = good;
  bad[4] = NAN;
  try {
    FrechetDistance(good, bad, 3);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()), "FrechetDistance: coordinate 1 of point 1 is nan");
  }
}

}  // namespace
}  // namespace flowmatch
