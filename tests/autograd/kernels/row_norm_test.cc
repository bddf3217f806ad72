#include "autograd/kernels/row_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

template <class T>
std::vector<T> Values(int64_t count, uint32_t seed, double mean = 0, double width = 1) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(mean + width * (static_cast<double>(seed >> 8) / (1 << 23) - 1.0));
  }
  return values;
}

template <class T>
struct Problem {
  explicit Problem(const RowNormSize& s, double mean = 0, double width = 1)
      : size(s),
        x(Values<T>(s.rows * s.channels, 1, mean, width)),
        dy(Values<T>(s.rows * s.channels, 2)),
        weight(Values<T>(s.channels, 3)),
        bias(Values<T>(s.channels, 4)) {}

  RowNormSize size;
  std::vector<T> x, dy, weight, bias;
};

template <class T>
struct Results {
  std::vector<T> y, dx, dweight, dbias;
  std::vector<double> statistics;

  explicit Results(const RowNormSize& s)
      : y(static_cast<size_t>(s.rows * s.channels)),
        dx(y.size()),
        dweight(static_cast<size_t>(s.channels)),
        dbias(dweight.size()),
        statistics(static_cast<size_t>(2 * s.rows)) {}
};

constexpr double kEps = 1e-5;

// The formulas of the header, element by element, sums in long double.
template <class T>
Results<double> Expected(const Problem<T>& p) {
  Results<double> out(p.size);
  const size_t channels = static_cast<size_t>(p.size.channels);
  for (size_t at = 0; at < p.x.size(); at += channels) {
    const long double n = static_cast<long double>(channels);
    long double mean = 0, variance = 0, by_g = 0, by_u = 0;
    for (size_t c = 0; p.size.centred && c < channels; ++c) mean += p.x[at + c] / n;
    for (size_t c = 0; c < channels; ++c) {
      variance += (p.x[at + c] - mean) * (p.x[at + c] - mean) / n;
    }
    const long double inverse = 1 / std::sqrt(variance + kEps);
    const auto u = [&](size_t c) { return (p.x[at + c] - mean) * inverse; };
    const auto g = [&](size_t c) {
      return static_cast<long double>(p.dy[at + c]) * static_cast<long double>(p.weight[c]);
    };
    for (size_t c = 0; c < channels; ++c) {
      out.y[at + c] = static_cast<double>(u(c) * p.weight[c] + p.bias[c]);
      out.dbias[c] += static_cast<double>(p.dy[at + c]);
      out.dweight[c] += static_cast<double>(p.dy[at + c] * u(c));
      if (p.size.centred) by_g += g(c) / n;
      by_u += g(c) * u(c) / n;
    }
    for (size_t c = 0; c < channels; ++c) {
      out.dx[at + c] = static_cast<double>(inverse * (g(c) - by_g - u(c) * by_u));
    }
  }
  return out;
}

template <class T>
Results<T> Normalise(const Problem<T>& p) {
  Results<T> out(p.size);
  RowNormForward(p.size, p.x.data(), p.weight.data(), p.bias.data(), kEps, out.y.data(),
                 out.statistics.data());
  RowNormBackward(p.size, p.x.data(), p.weight.data(), out.statistics.data(), p.dy.data(),
                  out.dx.data(), out.dweight.data(), out.dbias.data());
  return out;
}

// Within `bound` of the largest element.
template <class T>
void ExpectNear(const std::vector<T>& found, const std::vector<double>& wanted, double bound) {
  double size = 1;
  for (const double value : wanted) size = std::max(size, std::abs(value));
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(found[i]), wanted[i], bound * size) << i;
  }
}

std::vector<RowNormSize> Sizes() {
  std::vector<RowNormSize> sizes;
  for (const bool centred : {true, false}) {
    // Every width of the last vector, several tasks, a row alone, nothing.
    for (int64_t channels = 1; channels <= 40; ++channels) sizes.push_back({35, channels, centred});
    sizes.push_back({5000, 24, centred});
    sizes.push_back({70, 1000, centred});
    sizes.push_back({1, 20000, centred});
    sizes.push_back({0, 5, centred});
    sizes.push_back({4, 0, centred});
  }
  return sizes;
}

std::string Name(const RowNormSize& s) {
  return std::to_string(s.rows) + " rows of " + std::to_string(s.channels) +
         (s.centred ? ", centred" : "");
}

template <class T>
class RowNormTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(RowNormTest, Types);

TYPED_TEST(RowNormTest, MatchesTheFormulas) {
  using T = TypeParam;
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const RowNormSize& size : Sizes()) {
    SCOPED_TRACE(Name(size));
    const Problem<T> p(size);
    const Results<double> wanted = Expected(p);
    const Results<T> found = Normalise(p);
    ExpectNear(found.y, wanted.y, 256 * epsilon);
    ExpectNear(found.dx, wanted.dx, 256 * epsilon);
    ExpectNear(found.dweight, wanted.dweight, 256 * epsilon);
    ExpectNear(found.dbias, wanted.dbias, 256 * epsilon);
  }
}

// A hundred thousand times the deviation.
TYPED_TEST(RowNormTest, ALargeMeanDoesNotDrownASmallVariance) {
  using T = TypeParam;
  for (const RowNormSize& size : Sizes()) {
    // One number has no deviation.
    if (!size.centred || size.channels == 1) continue;
    SCOPED_TRACE(Name(size));
    const Problem<T> p(size, 1000, 0.01);
    const Results<double> wanted = Expected(p);
    const Results<T> found = Normalise(p);
    const double bound = sizeof(T) == 4 ? 1e-5 : 3e-10;
    ExpectNear(found.y, wanted.y, bound);
    ExpectNear(found.dx, wanted.dx, 10 * bound);
    ExpectNear(found.dweight, wanted.dweight, 10 * bound);
  }
}

TYPED_TEST(RowNormTest, WhatIsNotWantedIsNotComputed) {
  using T = TypeParam;
  for (const RowNormSize& size : Sizes()) {
    SCOPED_TRACE(Name(size));
    const Problem<T> p(size);
    const Results<T> all = Normalise(p), none(size);
    for (int wanted = 0; wanted < 8; ++wanted) {
      Results<T> some(size);
      RowNormBackward(size, p.x.data(), p.weight.data(), all.statistics.data(), p.dy.data(),
                      (wanted & 1) != 0 ? some.dx.data() : nullptr,
                      (wanted & 2) != 0 ? some.dweight.data() : nullptr,
                      (wanted & 4) != 0 ? some.dbias.data() : nullptr);
      EXPECT_EQ(some.dx, (wanted & 1) != 0 ? all.dx : none.dx);
      EXPECT_EQ(some.dweight, (wanted & 2) != 0 ? all.dweight : none.dweight);
      EXPECT_EQ(some.dbias, (wanted & 4) != 0 ? all.dbias : none.dbias);
    }
  }
}

TYPED_TEST(RowNormTest, MissingParametersAreOnesAndZeros) {
  using T = TypeParam;
  Problem<T> p({30, 19, true});
  std::fill(p.weight.begin(), p.weight.end(), T(1));
  std::fill(p.bias.begin(), p.bias.end(), T(0));
  const Results<T> wanted = Normalise(p);
  Results<T> found(p.size);
  RowNormForward(p.size, p.x.data(), nullptr, nullptr, kEps, found.y.data(),
                 found.statistics.data());
  RowNormBackward(p.size, p.x.data(), nullptr, found.statistics.data(), p.dy.data(),
                  found.dx.data(), nullptr, nullptr);
  EXPECT_EQ(found.y, wanted.y);
  EXPECT_EQ(found.dx, wanted.dx);
}

TEST(RowNormThreads, TheirNumberDoesNotChangeABit) {
  const int before = NumThreads();
  for (const RowNormSize& size : Sizes()) {
    SCOPED_TRACE(Name(size));
    const Problem<float> p(size);
    SetNumThreads(1);
    const Results<float> one = Normalise(p);
    for (const int threads : {2, 3, 16}) {
      SetNumThreads(threads);
      const Results<float> many = Normalise(p);
      EXPECT_EQ(one.y, many.y) << threads;
      EXPECT_EQ(one.dx, many.dx) << threads;
      EXPECT_EQ(one.dweight, many.dweight) << threads;
      EXPECT_EQ(one.dbias, many.dbias) << threads;
    }
  }
  SetNumThreads(before);
}

}  // namespace
}  // namespace autograd::kernels
