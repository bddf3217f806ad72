#include "flowmatch/path/scheduler.h"

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SchedulerTest, DerivativesMatchCentralDifferences) {
  constexpr double kStep = 1e-5;
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    for (double t = .02; t <= .98; t += .01) {
      SCOPED_TRACE(std::string(scheduler->name()) + " at " + std::to_string(t));
      const PathCoefficients c = scheduler->At(t), after = scheduler->At(t + kStep),
                             before = scheduler->At(t - kStep);
      EXPECT_NEAR(c.d_alpha, (after.alpha - before.alpha) / (2 * kStep), 1e-6);
      EXPECT_NEAR(c.d_sigma, (after.sigma - before.sigma) / (2 * kStep), 1e-6);
    }
  }
}

TEST(SchedulerTest, TimeFromSnrInverts) {
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    for (double t = .02; t <= .98; t += .01) {
      const PathCoefficients c = scheduler->At(t);
      EXPECT_NEAR(scheduler->TimeFromSnr(c.alpha / c.sigma), t, 1e-12) << scheduler->name();
    }
    EXPECT_EQ(scheduler->TimeFromSnr(0), 0) << scheduler->name();
    EXPECT_EQ(scheduler->TimeFromSnr(kInfinity), 1) << scheduler->name();
    EXPECT_EQ(scheduler->TimeFromSnr(1e300), 1) << scheduler->name();
    EXPECT_NEAR(scheduler->TimeFromSnr(1e-300), 0, 1e-100) << scheduler->name();
  }
}

TEST(SchedulerTest, VariancePreservingPathsPreserveVariance) {
  for (const char* name : {"vp", "linear_vp", "cosine"}) {
    for (double t = 0; t <= 1; t += .125) {
      const PathCoefficients c = SchedulerByName(name).value()->At(t);
      EXPECT_NEAR(c.alpha * c.alpha + c.sigma * c.sigma, 1, 1e-14) << name;
    }
  }
}

TEST(SchedulerTest, VpFollowsItsBeta) {
  const VPScheduler vp;
  // T(t = 0) is the integral of beta over [0, 1], (20 + .1) / 2.
  EXPECT_NEAR(vp.At(0).alpha, std::exp(-10.05 / 2), 1e-15);
  EXPECT_NEAR(vp.At(0).alpha, .00657, 5e-6);
  // alpha' / alpha is beta / 2, and beta goes from 20 at the noise to .1 at the data.
  EXPECT_NEAR(vp.At(0).d_alpha / vp.At(0).alpha, 10, 1e-12);
  EXPECT_NEAR(vp.At(1).d_alpha / vp.At(1).alpha, .05, 1e-12);
  // Less signal than there is at t = 0 has no time of its own.
  EXPECT_EQ(vp.TimeFromSnr(.006), 0);
  EXPECT_GT(vp.TimeFromSnr(.0067), 0);
}

TEST(SchedulerTest, EndsAreExact) {
  const auto expect = [](const Scheduler& scheduler, double t, const PathCoefficients& wanted) {
    const PathCoefficients c = scheduler.At(t);
    EXPECT_EQ(c.alpha, wanted.alpha) << scheduler.name() << " at " << t;
    EXPECT_EQ(c.sigma, wanted.sigma) << scheduler.name() << " at " << t;
    EXPECT_EQ(c.d_alpha, wanted.d_alpha) << scheduler.name() << " at " << t;
    EXPECT_EQ(c.d_sigma, wanted.d_sigma) << scheduler.name() << " at " << t;
  };
  const double half_pi = std::acos(0.0);
  expect(CondOTScheduler(), 0, {0, 1, 1, -1});
  expect(CondOTScheduler(), 1, {1, 0, 1, -1});
  expect(PolynomialScheduler(3), 0, {0, 1, 0, 0});
  expect(PolynomialScheduler(3), 1, {1, 0, 3, -3});
  expect(PolynomialScheduler(1), 0, {0, 1, 1, -1});
  expect(PolynomialScheduler(.5), 0, {0, 1, kInfinity, -kInfinity});
  expect(VPScheduler(), 1, {1, 0, .05, -kInfinity});
  expect(LinearVPScheduler(), 0, {0, 1, 1, 0});
  expect(LinearVPScheduler(), 1, {1, 0, 1, -kInfinity});
  expect(CosineScheduler(), 0, {0, 1, half_pi, 0});
  expect(CosineScheduler(), 1, {1, 0, 0, -half_pi});
}

TEST(SchedulerTest, TrainingTimesKeepOffInfiniteDerivatives) {
  std::vector<SchedulerPointer> all = AllSchedulers();
  all.push_back(std::make_shared<PolynomialScheduler>(.5));
  for (const SchedulerPointer& scheduler : all) {
    const TimeRange range = scheduler->training_times();
    for (const double t : {range.first, range.last}) {
      EXPECT_TRUE(std::isfinite(scheduler->At(t).d_alpha)) << scheduler->name();
      EXPECT_TRUE(std::isfinite(scheduler->At(t).d_sigma)) << scheduler->name();
    }
    EXPECT_LE(range.first, 1e-5);
    EXPECT_GE(range.last, 1 - 1e-5);
  }
  EXPECT_EQ(VPScheduler().training_times().last, 1 - 1e-5);
  EXPECT_EQ(LinearVPScheduler().training_times().last, 1 - 1e-5);
  EXPECT_EQ(CosineScheduler().training_times().last, 1);
}

TEST(SchedulerTest, ManyTimesAreTheSameAsEach) {
  const std::vector<double> times = {0, .25, .5, .999};
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    PathCoefficients many[4];
    scheduler->AtMany(times.data(), 4, many);
    for (size_t i = 0; i < 4; ++i) {
      const PathCoefficients c = scheduler->At(times[i]);
      EXPECT_EQ(many[i].alpha, c.alpha);
      EXPECT_EQ(many[i].sigma, c.sigma);
      EXPECT_EQ(many[i].d_alpha, c.d_alpha);
      EXPECT_EQ(many[i].d_sigma, c.d_sigma);
    }
  }
  const double outside = 2;
  PathCoefficients c;
  EXPECT_THROW(CondOTScheduler().AtMany(&outside, 1, &c), std::invalid_argument);
}

TEST(SchedulerTest, MisuseIsNamed) {
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const std::string name = scheduler->name();
    EXPECT_EQ(ErrorText([&] { scheduler->At(1.5); }),
              name + " scheduler: time 1.5 is outside [0, 1]");
    EXPECT_EQ(ErrorText([&] { scheduler->At(-.5); }),
              name + " scheduler: time -0.5 is outside [0, 1]");
    EXPECT_EQ(ErrorText([&] { scheduler->At(std::nan("")); }),
              name + " scheduler: time nan is outside [0, 1]");
    EXPECT_EQ(ErrorText([&] { scheduler->TimeFromSnr(-1); }),
              name + " scheduler: alpha / sigma is -1, expected 0 or more");
    EXPECT_EQ(ErrorText([&] { scheduler->TimeFromSnr(std::nan("")); }),
              name + " scheduler: alpha / sigma is nan, expected 0 or more");
  }
  EXPECT_EQ(ErrorText([] { PolynomialScheduler(0); }),
            "polynomial scheduler: the exponent is 0, expected > 0");
  EXPECT_EQ(ErrorText([] { VPScheduler(2, 1); }),
            "vp scheduler: beta_min 2 and beta_max 1, expected 0 < beta_min < beta_max");
}

TEST(SchedulerTest, ByName) {
  for (const char* name : {"cond_ot", "polynomial", "vp", "linear_vp", "cosine"}) {
    EXPECT_STREQ(SchedulerByName(name).value()->name(), name);
  }
  EXPECT_EQ(SchedulerByName("polynomial").value()->At(.5).alpha, .25);
  EXPECT_EQ(SchedulerByName("ve").status().message(),
            "path 've' is unknown; expected cond_ot, polynomial, vp, linear_vp or cosine");
}

}  // namespace
}  // namespace flowmatch
