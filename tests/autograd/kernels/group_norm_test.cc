#include "autograd/kernels/group_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograd/kernels/group_norm_kernels.h"
#include "tests/autograd/kernels/group_norm_problem.h"

namespace autograd::kernels {
namespace {

double Silu(double h) { return h / (1 + std::exp(-h)); }
double SiluSlope(double h) {
  const double s = 1 / (1 + std::exp(-h));
  return s + h * s * (1 - s);
}

// The formulas of the header, element by element, sums in long double.
template <class T>
Results<double> Expected(const Problem<T>& p, bool silu) {
  Problem<double> wide(p.size);
  Results<double> out(wide);
  const auto [batch, rows, channels, groups] = p.size;
  const int64_t width = channels / groups;
  for (int64_t group = 0; group < batch * groups; ++group) {
    std::vector<size_t> at, channel;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < width; ++c) {
        channel.push_back(static_cast<size_t>(group % groups * width + c));
        at.push_back(static_cast<size_t>((group / groups * rows + row) * channels) +
                     channel.back());
      }
    }
    const long double n = static_cast<long double>(at.size());
    long double mean = 0, variance = 0, by_g = 0, by_u = 0;
    for (const size_t i : at) mean += p.x[i] / n;
    for (const size_t i : at) variance += (p.x[i] - mean) * (p.x[i] - mean) / n;
    const long double inverse = 1 / std::sqrt(variance + kEps);
    std::vector<double> g(at.size()), u(at.size());
    for (size_t k = 0; k < at.size(); ++k) {
      const size_t c = channel[k];
      const double w = static_cast<double>(p.weight[c]);
      u[k] = static_cast<double>((p.x[at[k]] - mean) * inverse);
      const double h = u[k] * w + static_cast<double>(p.bias[c]);
      out.y[at[k]] = silu ? Silu(h) : h;
      g[k] = static_cast<double>(p.dy[at[k]]) * (silu ? SiluSlope(h) : 1);
      out.dbias[c] += g[k];
      out.dweight[c] += g[k] * u[k];
      by_g += w * g[k] / n;
      by_u += w * g[k] * u[k] / n;
    }
    for (size_t k = 0; k < at.size(); ++k) {
      const double w = static_cast<double>(p.weight[channel[k]]);
      out.dx[at[k]] = static_cast<double>(inverse * (w * g[k] - by_g - u[k] * by_u));
    }
  }
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

template <class T>
class GroupNormTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GroupNormTest, Types);

TYPED_TEST(GroupNormTest, MatchesTheFormulas) {
  using T = TypeParam;
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const GroupNormSize& size : kSizes) {
    for (const bool silu : {false, true}) {
      SCOPED_TRACE(Name(size) + (silu ? ", silu" : ""));
      const Problem<T> p(size);
      const Results<double> wanted = Expected(p, silu);
      for (const int64_t split : Splits(size)) {
        SCOPED_TRACE(split);
        const Results<T> found = Normalise(p, SiluIf<T>(silu), split);
        ExpectNear(found.y, wanted.y, 64 * epsilon);
        ExpectNear(found.dx, wanted.dx, 64 * epsilon);
        ExpectNear(found.dweight, wanted.dweight, 64 * epsilon);
        ExpectNear(found.dbias, wanted.dbias, 64 * epsilon);
      }
    }
  }
}

// A hundred thousand times the deviation: x itself has four (f32) or eleven digits of its distance
// from the mean, and the result is as good as that of the same numbers moved to 0.
TYPED_TEST(GroupNormTest, ALargeMeanDoesNotDrownASmallVariance) {
  using T = TypeParam;
  for (const GroupNormSize& size : kSizes) {
    SCOPED_TRACE(Name(size));
    const Problem<T> p(size, 1000, 0.01);
    const Results<double> wanted = Expected(p, true);
    const Results<T> found = Normalise(p, SiluIf<T>(true));
    const double bound = sizeof(T) == 4 ? 1e-5 : 1e-10;
    ExpectNear(found.y, wanted.y, bound);
    ExpectNear(found.dx, wanted.dx, 10 * bound);
    ExpectNear(found.dweight, wanted.dweight, 10 * bound);
  }
}

// Distances are taken from first rows, which at the border of an image may lie far away.
TYPED_TEST(GroupNormTest, AnOutlyingFirstRowDoesNotSpoilTheStatistics) {
  using T = TypeParam;
  Problem<T> p({1, 4000, 32, 32}, 1000, 1);
  for (size_t c = 0; c < 32; ++c) p.x[c] = 0;
  const Results<T> found = Normalise(p, {});
  ExpectNear(found.y, Expected(p, false).y, sizeof(T) == 4 ? 5e-6 : 4e-12);
}

TYPED_TEST(GroupNormTest, OtherActivationsGoOverTheSameArguments) {
  using T = TypeParam;
  for (const GroupNormSize& size : kSizes) {
    for (const UnaryOp op : {UnaryOp::kTanh, UnaryOp::kGeluErf, UnaryOp::kLeakyRelu}) {
      SCOPED_TRACE(Name(size) + " " + std::to_string(static_cast<int>(op)));
      const Problem<T> p(size);
      const auto activation = NormActivation<T>::Of(op, T(.1));
      const Results<T> found = Normalise(p, activation);
      Results<T> plain = Normalise(p, {});
      Problem<T> through = p;
      std::vector<T> y = plain.y;
      const int64_t n = static_cast<int64_t>(y.size());
      activation.forward(y.data(), y.data(), n, T(.1));
      EXPECT_EQ(found.y, y);
      activation.backward(p.dy.data(), (activation.reads_output ? y : plain.y).data(),
                          through.dy.data(), n, T(.1));
      plain = Normalise(through, {});
      EXPECT_EQ(found.dx, plain.dx);
      EXPECT_EQ(found.dweight, plain.dweight);
      EXPECT_EQ(found.dbias, plain.dbias);
    }
  }
}

TYPED_TEST(GroupNormTest, WhatIsNotWantedIsNotComputed) {
  using T = TypeParam;
  for (const GroupNormSize& size : kSizes) {
    SCOPED_TRACE(Name(size));
    const Problem<T> p(size);
    const auto silu = SiluIf<T>(true);
    const Results<T> all = Normalise(p, silu);
    std::vector<T> y(p.x.size());
    const NormPart<T> part[] = {{p.x.data(), size.channels}};
    GroupNormForward<T>(size, part, p.weight.data(), p.bias.data(), kEps, silu, y.data(), nullptr);
    EXPECT_EQ(y, all.y);
    for (int wanted = 0; wanted < 8; ++wanted) {
      Results<T> some(p);
      const NormPart<T> parts[] = {
          {p.x.data(), size.channels, (wanted & 1) != 0 ? some.dx.data() : nullptr}};
      GroupNormBackward<T>(size, parts, p.weight.data(), p.bias.data(), kEps, silu,
                           all.statistics.data(), p.dy.data(),
                           (wanted & 2) != 0 ? some.dweight.data() : nullptr,
                           (wanted & 4) != 0 ? some.dbias.data() : nullptr);
      const Results<T> none(p);
      EXPECT_EQ(some.dx, (wanted & 1) != 0 ? all.dx : none.dx);
      EXPECT_EQ(some.dweight, (wanted & 2) != 0 ? all.dweight : none.dweight);
      EXPECT_EQ(some.dbias, (wanted & 4) != 0 ? all.dbias : none.dbias);
    }
  }
}

TYPED_TEST(GroupNormTest, MissingParametersAreOnesAndZeros) {
  using T = TypeParam;
  Problem<T> p({2, 30, 12, 4});
  std::fill(p.weight.begin(), p.weight.end(), T(1));
  std::fill(p.bias.begin(), p.bias.end(), T(0));
  const auto silu = SiluIf<T>(true);
  const Results<T> wanted = Normalise(p, silu);
  Results<T> found(p);
  const NormPart<T> parts[] = {{p.x.data(), p.size.channels, found.dx.data()}};
  GroupNormForward<T>(p.size, parts, nullptr, nullptr, kEps, silu, found.y.data(),
                      found.statistics.data());
  GroupNormBackward<T>(p.size, parts, nullptr, nullptr, kEps, silu, found.statistics.data(),
                       p.dy.data(), nullptr, nullptr);
  EXPECT_EQ(found.y, wanted.y);
  EXPECT_EQ(found.dx, wanted.dx);
}

TYPED_TEST(GroupNormTest, NotANumberStaysInItsGroup) {
  using T = TypeParam;
  Problem<T> p({2, 40, 8, 4});
  p.x[8 * 8 + 2] = std::numeric_limits<T>::quiet_NaN();
  const Results<T> found = Normalise(p, {});
  for (size_t i = 0; i < found.y.size(); ++i) {
    const bool same_group = i < 40 * 8 && i % 8 / 2 == 1;
    ASSERT_EQ(std::isnan(found.y[i]), same_group) << i;
  }
}

// The kernels of this instruction set beside the plain reference, at every width of the tail.
TYPED_TEST(GroupNormTest, KernelsMatchTheReference) {
  using T = TypeParam;
  const GroupNormKernels<T>& fast = GetGroupNormTables().Of<T>();
  const GroupNormKernels<T>& slow = ScalarGroupNormTables().Of<T>();
  const double bound = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (int64_t channels = 1; channels <= 70; ++channels) {
    SCOPED_TRACE(channels);
    constexpr int64_t kRows = 37;
    const NormBlock block = {kRows, channels, channels + 3};
    const size_t n = static_cast<size_t>(channels), all = static_cast<size_t>(block.stride) * kRows;
    const auto x = Values<T>(kRows * channels, 1), dy = Values<T>(kRows * block.stride, 2),
               pending = Values<T>(kRows * channels, 6);
    const auto centre = Values<T>(channels, 3), scale = Values<T>(channels, 4),
               shift = Values<T>(channels, 5);
    const ChannelMap<T> map = {centre.data(), scale.data(), shift.data()};
    const auto run = [&](const GroupNormKernels<T>& k) {
      std::vector<std::vector<double>> sums(8, std::vector<double>(n));
      std::vector<std::vector<T>> arrays(7, std::vector<T>(all + 1, T(7)));
      k.moments(x.data(), block, centre.data(), sums[0].data(), sums[1].data());
      k.dy_sums(x.data(), dy.data(), block, centre.data(), sums[2].data(), sums[3].data());
      k.silu_gradient_sums(x.data(), dy.data(), block, map, arrays[0].data(), sums[4].data(),
                           sums[5].data());
      k.normalise(x.data(), block, map, arrays[1].data());
      k.normalise_silu(x.data(), block, map, arrays[2].data());
      k.dy_to_dx(x.data(), dy.data(), block, map, scale.data(), nullptr, arrays[3].data());
      k.dy_to_dx(x.data(), dy.data(), block, map, scale.data(), pending.data(), arrays[4].data());
      k.g_sums(x.data(), dy.data(), block, centre.data(), sums[6].data(), sums[7].data());
      k.arguments(x.data(), block, map, arrays[5].data());
      k.g_to_dx(x.data(), dy.data(), block, map, scale.data(), pending.data(), arrays[6].data());
      for (const auto& array : arrays) sums.emplace_back(array.begin(), array.end());
      return sums;
    };
    const auto found = run(fast), wanted = run(slow);
    for (size_t i = 0; i < found.size(); ++i) ExpectNear(found[i], wanted[i], bound);
  }
}

}  // namespace
}  // namespace autograd::kernels
