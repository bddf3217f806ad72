// A mixture of Gaussians in closed form: the marginal velocity transports its density, and the
// score is the gradient of its logarithm.
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "flowmatch/path/affine_path.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

struct Component {
  double weight, mean, scale;
};
constexpr Component kComponents[] = {{.3, -1.1, .4}, {.5, .6, .3}, {.2, 1.8, .7}};

// p_t(x), E[x_1 | x_t = x] and d ln p_t / dx.
struct Marginal {
  double density = 0, target = 0, score = 0;
};
Marginal MarginalAt(const Scheduler& scheduler, double x, double t) {
  const PathCoefficients c = scheduler.At(t);
  Marginal sum;
  for (const auto& [weight, mean, scale] : kComponents) {
    const double variance = c.sigma * c.sigma + c.alpha * c.alpha * scale * scale;
    const double centred = x - c.alpha * mean;
    const double p = weight * std::exp(-.5 * centred * centred / variance) /
                     std::sqrt(2 * std::numbers::pi * variance);
    sum.density += p;
    sum.target += p * (mean + c.alpha * scale * scale / variance * centred);
    sum.score -= p * centred / variance;
  }
  return {sum.density, sum.target / sum.density, sum.score / sum.density};
}

double VelocityAt(const AffinePath& path, double x, double t) {
  const Marginal marginal = MarginalAt(path.scheduler(), x, t);
  return path
      .TargetToVelocity(Tensor::Scalar(marginal.target), Tensor::Scalar(x), Tensor::Scalar(t))
      .item();
}

// The five-point central difference.
template <class Function>
double Derivative(Function f, double at) {
  constexpr double kStep = 1e-4;
  return (f(at - 2 * kStep) - 8 * f(at - kStep) + 8 * f(at + kStep) - f(at + 2 * kStep)) /
         (12 * kStep);
}

TEST(GaussianMixtureTest, DensityAndVelocityFulfilTheContinuityEquation) {
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const AffinePath path(scheduler);
    for (const double t : {.05, .3, .62, .9}) {
      for (const double x : {-2.1, -.5, .3, 1.4}) {
        const auto density = [&](double time) { return MarginalAt(*scheduler, x, time).density; };
        const auto flux = [&](double at) {
          return MarginalAt(*scheduler, at, t).density * VelocityAt(path, at, t);
        };
        EXPECT_NEAR(Derivative(density, t) + Derivative(flux, x), 0, 1e-7)
            << scheduler->name() << " at t = " << t << ", x = " << x;
      }
    }
  }
}

TEST(GaussianMixtureTest, TheScoreIsTheGradientOfTheLogDensity) {
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const AffinePath path(scheduler);
    for (const double t : {.05, .3, .62, .9}) {
      for (const double x : {-2.1, -.5, .3, 1.4}) {
        const auto log_density = [&](double at) {
          return std::log(MarginalAt(*scheduler, at, t).density);
        };
        const double wanted = MarginalAt(*scheduler, x, t).score;
        EXPECT_NEAR(Derivative(log_density, x), wanted, 1e-7);
        const Tensor v = Tensor::Scalar(VelocityAt(path, x, t));
        const double score = path.VelocityToScore(v, Tensor::Scalar(x), Tensor::Scalar(t)).item();
        EXPECT_NEAR(score, wanted, 1e-10 * (1 + std::abs(wanted)))
            << scheduler->name() << " at t = " << t << ", x = " << x;
      }
    }
  }
}

}  // namespace
}  // namespace flowmatch
