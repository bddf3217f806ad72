#include "flowmatch/loss/cfm_loss.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

TEST(CfmLossTest, ValueAndGradientByHand) {
  // v = w x, on one path of two coordinates: x_t = (1, 3), dx_t = (4, -2).
  const PathSample sample = AffinePath(std::make_shared<CondOTScheduler>())
                                .Sample(Tensor::FromVector<double>({-1, 4}, {1, 2}),
                                        Tensor::FromVector<double>({3, 2}, {1, 2}),
                                        Tensor::FromVector<double>({.5}, {1}));
  Tensor w = Tensor::Scalar(2.0).set_requires_grad(true);
  const Tensor loss = CfmLoss([&](const Tensor& x, const Tensor&) { return x * w; }, sample);
  EXPECT_EQ(loss.rank(), 0);
  // ((2 - 4)^2 + (6 + 2)^2) / 2
  EXPECT_DOUBLE_EQ(loss.item(), 34);
  Backward(loss);
  // (-2 * 1 + 8 * 3) * 2 / 2
  EXPECT_DOUBLE_EQ(w.grad().item(), 22);
}

TEST(CfmLossTest, TheFieldSeesThePointAndItsTime) {
  Generator generator(1);
  const Tensor x0 = autograd::Randn({4, 2, 2}, generator),
               x1 = autograd::Randn({4, 2, 2}, generator);
  const Tensor t = autograd::Rand({4}, generator);
  const PathSample sample = AffinePath(std::make_shared<CosineScheduler>()).Sample(x0, x1, t);
  const VelocityField oracle = [&](const Tensor& x, const Tensor& time) {
    EXPECT_TRUE(x.IsSame(sample.x_t) && time.IsSame(t));
    return sample.dx_t;
  };
  EXPECT_EQ(CfmLoss(oracle, sample).item(), 0);
}

// Source N(0, s0^2), data N(m, s1^2), CondOT: with the true velocity the loss, averaged over
// times, is (pi / 2) s0 s1. The squared residual is quadratic in (x_0, x_1), so its mean is exactly
// that over the four points where each is one standard deviation to either side.
TEST(CfmLossTest, ItsFloorBetweenGaussians) {
  constexpr double kSource = 1.3, kData = .4, kMean = .7;
  constexpr int kTimes = 2000;
  std::vector<double> x0, x1, t;
  for (int i = 0; i < kTimes; ++i) {
    for (const double a : {-kSource, kSource}) {
      for (const double b : {-kData, kData}) {
        x0.push_back(a);
        x1.push_back(kMean + b);
        t.push_back((i + .5) / kTimes);
      }
    }
  }
  const auto column = [](const std::vector<double>& values) {
    return Tensor::FromVector(values, {static_cast<int64_t>(values.size()), 1});
  };
  const PathSample sample =
      AffinePath(std::make_shared<CondOTScheduler>())
          .Sample(column(x0), column(x1), Tensor::FromVector(t, {4 * kTimes}));
  const auto loss = [&](double error) {
    const VelocityField velocity = [&](const Tensor& x, const Tensor& times) {
      const Tensor at = Reshape(times, x.shape()), rest = 1 - at;
      const Tensor variance = rest * rest * (kSource * kSource) + at * at * (kData * kData);
      const Tensor slope = (at * (kData * kData) - rest * (kSource * kSource)) / variance;
      return slope * (x - at * kMean) + kMean + error;
    };
    return CfmLoss(velocity, sample).item();
  };
  const double floor = std::numbers::pi / 2 * kSource * kData;
  EXPECT_NEAR(loss(0), floor, 1e-6);
  // Any other field is worse, by its squared distance.
  EXPECT_NEAR(loss(.1), floor + .01, 1e-6);
  EXPECT_NEAR(loss(-.1), floor + .01, 1e-6);
}

TEST(UniformTimesTest, StayInTheirRange) {
  for (const TimeRange range :
       {TimeRange{0, 1}, TimeRange{0, 1 - 1e-5}, TimeRange{1e-5, 1}, TimeRange{1e-3, 1 - 1e-3}}) {
    for (const DType dtype : {DType::kF32, DType::kF64}) {
      Generator generator(2);
      const Tensor t = UniformTimes(200000, range, generator, dtype);
      ASSERT_EQ(t.shape(), (autograd::Shape{200000}));
      ASSERT_EQ(t.dtype(), dtype);
      double low = 2, high = -1, sum = 0;
      for (int64_t i = 0; i < 200000; ++i) {
        const double time =
            dtype == DType::kF32 ? static_cast<double>(t.at<float>({i})) : t.at<double>({i});
        low = std::min(low, time);
        high = std::max(high, time);
        sum += time;
      }
      EXPECT_GE(low, range.first);
      EXPECT_LT(low, range.first + 1e-4);
      EXPECT_LT(high, range.last);
      EXPECT_GT(high, range.last - 1e-4);
      // Five standard errors of the mean.
      EXPECT_NEAR(sum / 200000, (range.first + range.last) / 2, 5 * .2887 / std::sqrt(200000));
    }
  }
}

TEST(UniformTimesTest, TheSameSeedGivesTheSameTimes) {
  Generator a(3), b(3), c(4);
  const TimeRange range = {0, 1 - 1e-5};
  const std::vector<float> first = UniformTimes(100, range, a).ToVector<float>();
  EXPECT_EQ(first, UniformTimes(100, range, b).ToVector<float>());
  EXPECT_NE(first, UniformTimes(100, range, c).ToVector<float>());
  EXPECT_NE(first, UniformTimes(100, range, a).ToVector<float>());
}

TEST(UniformTimesTest, MisuseIsNamed) {
  Generator generator(5);
  EXPECT_EQ(ErrorText([&] {
              UniformTimes(3, {1, 0}, generator);
            }),
            "UniformTimes: range from 1 to 0, expected first < last");
  EXPECT_EQ(ErrorText([&] {
              UniformTimes(3, {0, std::nan("")}, generator);
            }),
            "UniformTimes: range from 0 to nan, expected first < last");
}

// E[sigma'^2] diverges on these paths; cut at 1 - 1e-5 it is a logarithm, and training targets stay
// moderate.
TEST(UniformTimesTest, TargetsOfSingularPathsStayFinite) {
  for (const char* name : {"vp", "linear_vp"}) {
    const auto scheduler = SchedulerByName(name).value();
    const AffinePath path(scheduler);
    Generator generator(6);
    double mean = 0;
    for (int i = 0; i < 20; ++i) {
      const Tensor x0 = autograd::Randn({10000, 2}, generator);
      const Tensor t = UniformTimes(10000, scheduler->training_times(), generator);
      const PathSample sample = path.Sample(x0, ZerosLike(x0), t);
      const double square = Mean(sample.dx_t * sample.dx_t, {}).item();
      ASSERT_TRUE(std::isfinite(square)) << name;
      mean += square / 20;
    }
    // The integral of sigma'^2 over [0, 1 - 1e-5], by the substitution that makes its integrand
    // smooth: t = 1 - e^-y.
    const double last = -std::log(1e-5);
    double wanted = 0;
    constexpr int kSteps = 100000;
    for (int i = 0; i < kSteps; ++i) {
      const double rest = std::exp(-(i + .5) * last / kSteps);
      wanted += std::pow(scheduler->At(1 - rest).d_sigma, 2) * rest * last / kSteps;
    }
    EXPECT_NEAR(mean / wanted, 1, .3) << name;
    EXPECT_LT(wanted, 10);
  }
}

}  // namespace
}  // namespace flowmatch
