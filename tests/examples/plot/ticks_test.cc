#include "examples/plot/ticks.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace examples::plot {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

using Strings = std::vector<std::string>;

TEST(TicksTest, ChoosesRoundNumbers) {
  EXPECT_EQ(LinearTicks(0, 1, 5).labels, (Strings{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(LinearTicks(0, 10000, 5).labels,
            (Strings{"0", "2000", "4000", "6000", "8000", "10000"}));
  EXPECT_EQ(LinearTicks(-1.3, 2.2, 7).labels,
            (Strings{"−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5", "2.0"}));
  EXPECT_EQ(LinearTicks(-3, 3, 6).labels, (Strings{"−3", "−2", "−1", "0", "1", "2", "3"}));
  EXPECT_EQ(LinearTicks(0, 1, 4).labels, (Strings{"0.00", "0.25", "0.50", "0.75", "1.00"}));
  EXPECT_EQ(LinearTicks(0.941, 0.983, 5).labels, (Strings{"0.95", "0.96", "0.97", "0.98"}));
  EXPECT_EQ(LinearTicks(-20, -10, 2).labels, (Strings{"−20", "−15", "−10"}));
}

TEST(TicksTest, LargeAndSmallNumbersShareAFactor) {
  const Ticks large = LinearTicks(0, 5e8, 5);
  EXPECT_EQ(large.labels, (Strings{"0", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(large.offset, "×10⁸");
  EXPECT_DOUBLE_EQ(large.positions[3], 3e8);
  const Ticks small = LinearTicks(-3e-7, 5e-7, 4);
  EXPECT_EQ(small.labels, (Strings{"−2", "0", "2", "4"}));
  EXPECT_EQ(small.offset, "×10⁻⁷");
}

TEST(TicksTest, NumbersThatDifferLateShareAnOffset) {
  const Ticks ticks = LinearTicks(1000000, 1000000.5, 5);
  EXPECT_EQ(ticks.labels, (Strings{"0.0", "0.1", "0.2", "0.3", "0.4", "0.5"}));
  EXPECT_EQ(ticks.offset, "+1000000");
  EXPECT_EQ(LinearTicks(-1000000.5, -1000000, 5).offset, "−1000000");
}

TEST(TicksTest, PositionsAreTheNearestDoublesToTheirLabels) {
  const Ticks ticks = LinearTicks(0, 1, 10);
  ASSERT_EQ(ticks.labels.size(), 11u);
  for (size_t i = 0; i < ticks.labels.size(); ++i) {
    EXPECT_EQ(ticks.positions[i], std::strtod(ticks.labels[i].c_str(), nullptr));
  }
}

// Whatever the limits: some ticks, not too many, ascending, evenly spaced, within the limits,
// labels all different.
void CheckLinear(double lo, double hi, int target) {
  const Ticks ticks = LinearTicks(lo, hi, target);
  const Limits limits = Drawable({lo, hi}, false);
  const auto note = [&] {
    return ::testing::Message() << lo << " … " << hi << " target " << target;
  };
  ASSERT_EQ(ticks.positions.size(), ticks.labels.size()) << note();
  EXPECT_GE(ticks.positions.size(), target >= 3 ? 2u : 0u) << note();
  EXPECT_LE(ticks.positions.size(), static_cast<size_t>(target) + 2) << note();
  for (size_t i = 0; i < ticks.positions.size(); ++i) {
    EXPECT_GE(ticks.positions[i], limits.lo) << note();
    EXPECT_LE(ticks.positions[i], limits.hi) << note();
    EXPECT_LE(ticks.labels[i].size(), 14u) << note() << " " << ticks.labels[i];
    if (i > 0) {
      EXPECT_GT(ticks.positions[i], ticks.positions[i - 1]) << note();
    }
    if (i > 1) {
      const double step = ticks.positions[1] - ticks.positions[0];
      EXPECT_NEAR(ticks.positions[i] - ticks.positions[i - 1], step, 1e-3 * step) << note();
    }
  }
  EXPECT_EQ(std::set<std::string>(ticks.labels.begin(), ticks.labels.end()).size(),
            ticks.labels.size())
      << note();
}

TEST(TicksTest, AnyRangeGivesSensibleTicks) {
  const std::vector<double> ends = {0,   1e-300, 1e-12, 3e-5, 0.1,     0.7,  1,
                                    2.5, 9.99,   123.4, 1e5,  6.02e23, 1e300};
  for (const double a : ends) {
    for (const double b : ends) {
      for (const int target : {1, 3, 6, 9}) {
        CheckLinear(a, b, target);
        CheckLinear(-a, b, target);
        CheckLinear(-a, -b, target);
      }
    }
  }
  for (const double center : {1.0, -7.3, 1e6, 1e-6, 1e20}) {
    for (const double relative : {1e-2, 1e-4, 1e-6, 1e-8, 1e-9})
      CheckLinear(center, center * (1 + relative), 5);
  }
}

TEST(TicksTest, LimitsThatCannotBeDrawnAreRepaired) {
  for (const double bad : {kNan, kInf, -kInf, 1e305}) {
    const Limits limits = Drawable({bad, 3}, false);
    EXPECT_EQ(limits.lo, 0);
    EXPECT_EQ(limits.hi, 1);
    CheckLinear(bad, 3, 5);
    CheckLinear(3, bad, 5);
  }
  EXPECT_EQ(Drawable({4, 2}, false).lo, 2);
  EXPECT_EQ(Drawable({4, 2}, false).hi, 4);
  EXPECT_DOUBLE_EQ(Drawable({5, 5}, false).lo, 4.75);
  EXPECT_DOUBLE_EQ(Drawable({5, 5}, false).hi, 5.25);
  EXPECT_DOUBLE_EQ(Drawable({0, 0}, false).hi, 0.05);
  EXPECT_LT(Drawable({-5, -5}, false).lo, -5);
}

TEST(TicksTest, LogLimitsArePositive) {
  EXPECT_DOUBLE_EQ(Drawable({0, 10}, true).lo, 0.01);
  EXPECT_DOUBLE_EQ(Drawable({-3, -2}, true).hi, 1);
  EXPECT_LT(Drawable({2, 2}, true).lo, 2);
  EXPECT_GT(Drawable({2, 2}, true).hi, 2);
  EXPECT_GT(Drawable({kNan, 2}, true).lo, 0);
}

TEST(TicksTest, LogTicksArePowersOfTen) {
  const Ticks plain = LogTicks(1e-3, 1e3, 8);
  EXPECT_EQ(plain.labels, (Strings{"0.001", "0.01", "0.1", "1", "10", "100", "1000"}));
  EXPECT_EQ(plain.minor.size(), 48u);
  EXPECT_EQ(LogTicks(1e-6, 1e-3, 8).labels, (Strings{"10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³"}));
  EXPECT_EQ(LogTicks(1e-20, 1e20, 7).labels,
            (Strings{"10⁻¹⁸", "10⁻¹²", "10⁻⁶", "10⁰", "10⁶", "10¹²", "10¹⁸"}));
}

TEST(TicksTest, ShortLogRangesLabelMultiples) {
  EXPECT_EQ(LogTicks(0.5, 3, 8).labels, (Strings{"0.5", "1", "2"}));
  EXPECT_EQ(LogTicks(2, 90, 8).labels, (Strings{"2", "5", "10", "20", "50"}));
  EXPECT_EQ(LogTicks(1, 1.2, 5).labels, (Strings{"1.00", "1.05", "1.10", "1.15", "1.20"}));
  EXPECT_EQ(LogTicks(2e-7, 3e-6, 5).labels, (Strings{"2×10⁻⁷", "5×10⁻⁷", "10⁻⁶", "2×10⁻⁶"}));
}

TEST(TicksTest, AnyLogRangeGivesTicksWithinIt) {
  const std::vector<double> ends = {1e-300, 1e-12,   3e-5,  0.1, 0.7, 1,    2.5, 9.99,
                                    123.4,  6.02e23, 1e300, -1,  0,   kNan, kInf};
  for (const double a : ends) {
    for (const double b : ends) {
      const Ticks ticks = LogTicks(a, b, 6);
      const Limits limits = Drawable({a, b}, true);
      EXPECT_GE(ticks.positions.size(), 2u) << a << " … " << b;
      EXPECT_LE(ticks.positions.size(), 10u) << a << " … " << b;
      ASSERT_EQ(ticks.positions.size(), ticks.labels.size());
      for (const double v : ticks.positions) {
        EXPECT_GE(v, limits.lo * (1 - 1e-9)) << a << " … " << b;
        EXPECT_LE(v, limits.hi * (1 + 1e-9)) << a << " … " << b;
      }
    }
  }
}

}  // namespace
}  // namespace examples::plot
