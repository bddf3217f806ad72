// Solutions against closed forms: orders, both directions, states in between.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "autograd/ops/creation.h"
#include "flowmatch/solver/ode_solver.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/solver/methods.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

// Mean 0 and mean square 1, like the source.
const std::vector<double> kPoints = {-1.4, -.2, .2, 1.4};

Tensor Points() { return Tensor::FromVector(kPoints, {4, 1}); }

GaussianFlow CosineFlow() { return {std::make_shared<CosineScheduler>(), .7, .4}; }

// Root mean square error of the state at `to` that began as kPoints at `from`. (The error is linear
// in the point, so at a single one it may vanish by accident and show any order.)
double ErrorOf(const GaussianFlow& flow, const Tensor& x, double from, double to) {
  double sum = 0;
  for (size_t i = 0; i < kPoints.size(); ++i) {
    const double wanted = flow.Carry(kPoints[i], from, to);
    sum += std::pow(x.at<double>({static_cast<int64_t>(i), 0}) - wanted, 2);
  }
  return std::sqrt(sum / static_cast<double>(kPoints.size()));
}

TEST(OdeAccuracyTest, ObservedOrders) {
  const GaussianFlow flow = CosineFlow();
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const bool dopri5 = method == OdeMethod::kDopri5;
    const auto error = [&, m = method](int steps) {
      const OdeSolution solution =
          SolveOde(flow.Field(), Points(), {0, .8}, {.method = m, .steps = steps});
      return ErrorOf(flow, solution.x, 0, .8);
    };
    EXPECT_NEAR(std::log2(error(40) / error(80)), order, dopri5 ? .3 : .15)
        << OdeMethodName(method);
  }
}

// States asked for between steps are as accurate as the steps, up to the fourth order.
TEST(OdeAccuracyTest, ObservedOrdersBetweenSteps) {
  const GaussianFlow flow = CosineFlow();
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const auto error = [&, m = method](int steps) {
      double worst = 0;
      // The same place in a step for either number of steps: a third of the way and two thirds.
      const double h = .8 / steps;
      const std::vector<double> times = {0, (steps / 2 + 1. / 3) * h, (steps / 2 + 2. / 3) * h, .8};
      const OdeSolution solution =
          SolveOde(flow.Field(), Points(), times, {.method = m, .steps = steps});
      for (size_t i = 1; i < 3; ++i) {
        worst = std::max(worst, ErrorOf(flow, solution.states[i], 0, times[i]));
      }
      return worst;
    };
    EXPECT_GT(std::log2(error(20) / error(40)), std::min(order, 4) - .25) << OdeMethodName(method);
  }
}

TEST(OdeAccuracyTest, AdaptiveStepsReachTheDataOfEveryPathAndComeBack) {
  const OdeOptions options = {.method = OdeMethod::kDopri5, .rtol = 1e-8, .atol = 1e-8};
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const GaussianFlow flow = {scheduler, .7, .4};
    for (const std::vector<double>& times :
         {std::vector<double>{0, .13, .5, .77, 1}, std::vector<double>{1, .9, .31, 0}}) {
      const OdeSolution solution = SolveOde(flow.Field(), Points(), times, options);
      ASSERT_EQ(solution.states.size(), times.size());
      for (size_t i = 0; i < times.size(); ++i) {
        // Near the noise a path backward magnifies errors by the ratio of the scales.
        EXPECT_LT(ErrorOf(flow, solution.states[i], times[0], times[i]), 1e-6)
            << scheduler->name() << " from " << times[0] << " at " << times[i];
      }
    }
  }
  // On paths that begin as N(0, 1), the data are mean + scale * noise.
  EXPECT_NEAR(CosineFlow().Carry(1.3, 0, 1), .7 + .4 * 1.3, 1e-15);
}

TEST(OdeAccuracyTest, EveryMethodGoesBackward) {
  const GaussianFlow flow = CosineFlow();
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const OdeSolution solution =
        SolveOde(flow.Field(), Points(), {.8, .55, .1}, {.method = method, .steps = 2000});
    EXPECT_LT(ErrorOf(flow, solution.states[1], .8, .55), 3e-3) << OdeMethodName(method);
    EXPECT_LT(ErrorOf(flow, solution.x, .8, .1), 3e-3) << OdeMethodName(method);
  }
}

// The error of there and back again is proportional to the tolerance.
TEST(OdeAccuracyTest, ReversibleUpToTheTolerance) {
  const GaussianFlow flow = CosineFlow();
  const auto error = [&](double tolerance) {
    const OdeOptions options = {.method = OdeMethod::kDopri5, .rtol = tolerance, .atol = tolerance};
    const OdeSolution there = SolveOde(flow.Field(), Points(), {0, 1}, options);
    return ErrorOf(flow, SolveOde(flow.Field(), there.x, {1, 0}, options).x, 0, 0);
  };
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    EXPECT_LT(error(tolerance), 5 * tolerance);
    EXPECT_GT(error(tolerance), tolerance / 5);
  }
}

TEST(OdeAccuracyTest, AnOracleReturnsTheDataInAnyNumberOfSteps) {
  autograd::Generator generator(1);
  const Tensor x0 = autograd::Randn({5, 3}, generator, autograd::DType::kF64);
  const Tensor x1 = autograd::Randn({5, 3}, generator, autograd::DType::kF64);
  const VelocityField oracle = [&](const Tensor&, const Tensor&) { return x1 - x0; };
  for (const auto& [method, order, evaluations] : kAllMethods) {
    for (const int steps : {0, 1, 2, 3, 10, 37}) {
      const OdeSolution solution =
          SolveOde(oracle, x0, {0, .4, 1}, {.method = method, .steps = steps});
      for (int64_t i = 0; i < 5; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          const double noise = x0.at<double>({i, j}), data = x1.at<double>({i, j});
          EXPECT_NEAR(solution.x.at<double>({i, j}), data, 1e-13) << OdeMethodName(method);
          EXPECT_NEAR(solution.states[1].at<double>({i, j}), .6 * noise + .4 * data, 1e-13)
              << OdeMethodName(method);
        }
      }
    }
  }
}

}  // namespace
}  // namespace flowmatch
