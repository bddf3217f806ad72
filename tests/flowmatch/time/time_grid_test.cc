#include "flowmatch/time/time_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "flowmatch/time/time_shift.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

void ExpectIncreasing(const std::vector<double>& grid) {
  for (size_t i = 0; i + 1 < grid.size(); ++i) EXPECT_LT(grid[i], grid[i + 1]);
}

TEST(UniformTimeGridTest, Times) {
  EXPECT_EQ(UniformTimeGrid(4), (std::vector<double>{0, .25, .5, .75, 1}));
  EXPECT_EQ(UniformTimeGrid(1), (std::vector<double>{0, 1}));
  for (const int steps : {3, 7, 50, 1000}) {
    const std::vector<double> grid = UniformTimeGrid(steps);
    ASSERT_EQ(grid.size(), static_cast<size_t>(steps) + 1);
    for (int i = 0; i <= steps; ++i) {
      EXPECT_EQ(grid[static_cast<size_t>(i)], static_cast<double>(i) / steps);
    }
  }
  const std::vector<double> inner = UniformTimeGrid(9, {1e-3, 1 - 1e-5});
  EXPECT_EQ(inner.front(), 1e-3);
  EXPECT_EQ(inner.back(), 1 - 1e-5);
  ExpectIncreasing(inner);
}

TEST(ShiftedTimeGridTest, IsTheUniformGridShiftedOnce) {
  for (const int steps : {1, 2, 28, 50}) {
    for (const double shift : {.3, 1., 3., 12.}) {
      const std::vector<double> grid = ShiftedTimeGrid(steps, shift);
      ASSERT_EQ(grid.size(), static_cast<size_t>(steps) + 1);
      for (int i = 0; i <= steps; ++i) {
        const double t = static_cast<double>(i) / steps;
        EXPECT_NEAR(grid[static_cast<size_t>(i)], t / (t + shift * (1 - t)), 1e-15);
      }
      EXPECT_EQ(grid.front(), 0);
      EXPECT_EQ(grid.back(), 1);
      ExpectIncreasing(grid);
    }
    EXPECT_EQ(ShiftedTimeGrid(steps, 1), UniformTimeGrid(steps));
  }
}

TEST(EdmTimeGridTest, Times) {
  for (const int steps : {2, 3, 10, 50}) {
    const std::vector<double> grid = EdmTimeGrid(steps);
    ASSERT_EQ(grid.size(), static_cast<size_t>(steps) + 1);
    EXPECT_EQ(grid.front(), 1. / 81);
    EXPECT_EQ(grid[static_cast<size_t>(steps) - 1], 1 / 1.002);
    EXPECT_EQ(grid.back(), 1);
    ExpectIncreasing(grid);
    for (int i = 0; i < steps; ++i) {
      const double root = std::pow(80., 1. / 7) +
                          i / (steps - 1.) * (std::pow(.002, 1. / 7) - std::pow(80., 1. / 7));
      EXPECT_NEAR(grid[static_cast<size_t>(i)], 1 / (1 + std::pow(root, 7)), 1e-13);
    }
  }
}

TEST(EdmTimeGridTest, OneStepGoesFromTheLargestSigmaToTheData) {
  EXPECT_EQ(EdmTimeGrid(1), (std::vector<double>{1. / 81, 1}));
  EXPECT_EQ(EdmTimeGrid(1, {.sigma_max = 3}), (std::vector<double>{.25, 1}));
}

TEST(EdmTimeGridTest, OfRho1IsUniformInSigma) {
  const std::vector<double> grid = EdmTimeGrid(3, {.sigma_max = 3, .sigma_min = 1, .rho = 1});
  EXPECT_EQ(grid, (std::vector<double>{.25, 1. / 3, .5, 1}));
}

TEST(TimeGridTest, MisuseIsNamed) {
  EXPECT_EQ(ErrorText([] { UniformTimeGrid(0); }), "UniformTimeGrid: 0 steps, expected 1 or more");
  EXPECT_EQ(ErrorText([] {
              UniformTimeGrid(3, {1, 0});
            }),
            "UniformTimeGrid: range from 1 to 0, expected first < last");
  EXPECT_EQ(ErrorText([] {
              UniformTimeGrid(1000000, {1, 1 + 1e-13});
            }).substr(0, 34),
            "UniformTimeGrid: the times 0 and 1");
  EXPECT_EQ(ErrorText([] { ShiftedTimeGrid(-1, 2); }),
            "ShiftedTimeGrid: -1 steps, expected 1 or more");
  EXPECT_EQ(ErrorText([] { ShiftedTimeGrid(5, 0); }),
            "ShiftedTimeGrid: shift is 0, expected a finite number above 0");
  EXPECT_EQ(
      ErrorText([] { ShiftedTimeGrid(5, 1e-300); }),
      "ShiftedTimeGrid: the times 1 and 2 coincide at 1; take fewer steps or milder parameters");
  EXPECT_EQ(ErrorText([] { EdmTimeGrid(0); }), "EdmTimeGrid: 0 steps, expected 1 or more");
  EXPECT_EQ(ErrorText([] { EdmTimeGrid(5, {.sigma_max = .001}); }),
            "EdmTimeGrid: sigma_max is 0.001, sigma_min 0.002 and rho 7, expected 0 < sigma_min < "
            "sigma_max and rho > 0");
  EXPECT_EQ(ErrorText([] { EdmTimeGrid(5, {.rho = 0}); }),
            "EdmTimeGrid: sigma_max is 80, sigma_min 0.002 and rho 0, expected 0 < sigma_min < "
            "sigma_max and rho > 0");
}

}  // namespace
}  // namespace flowmatch
