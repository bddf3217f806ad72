#include "flowmatch/loss/cfm_loss.h"

#include <memory>
#include <numbers>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "gtest/gtest.h"

namespace flowmatch {
namespace {

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

}  // namespace
}  // namespace flowmatch
