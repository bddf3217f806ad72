#include "flowmatch/path/schedule_transform.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;

const std::vector<double> kPoints = {-1.7, -.2, .4, 2.5};

std::string Named(const Scheduler& original, const Scheduler& wanted, double r) {
  return std::string(original.name()) + " to " + wanted.name() + " at " + std::to_string(r);
}

// The transformed field of the Gaussian flow against the wanted path's own.
void ExpectNative(const SchedulerPointer& original, const SchedulerPointer& wanted, double r) {
  const Tensor x = Tensor::FromVector(kPoints, {4, 1});
  const Tensor time = autograd::Full({4}, r, DType::kF64);
  const Tensor found = TransformSchedule(GaussianFlow{original}.Field(), original, wanted)(x, time);
  const Tensor native = GaussianFlow{wanted}.Field()(x, time);
  for (int64_t i = 0; i < 4; ++i) {
    const double value = native.at<double>({i, 0});
    EXPECT_NEAR(found.at<double>({i, 0}), value, 1e-9 * (1 + std::abs(value)))
        << Named(*original, *wanted, r);
  }
}

TEST(ScheduleTransformTest, CondOTToCosineIsTheCosineFieldOnAllTimes) {
  const auto cond_ot = std::make_shared<CondOTScheduler>();
  const auto cosine = std::make_shared<CosineScheduler>();
  for (int i = 0; i <= 64; ++i) ExpectNative(cond_ot, cosine, i / 64.);
}

TEST(ScheduleTransformTest, AnyPairGivesTheNativeField) {
  for (const SchedulerPointer& original : AllSchedulers()) {
    for (const SchedulerPointer& wanted : AllSchedulers()) {
      // From where every path has more signal than VP begins with.
      for (int i = 1; i < 10; ++i) ExpectNative(original, wanted, i / 10.);
    }
  }
}

TEST(ScheduleTransformTest, TheClosedFormAgreesWithTheGeneralOne) {
  // A polynomial of exponent 1 is CondOT by another name.
  const CondOTScheduler cond_ot;
  const PolynomialScheduler linear(1);
  for (const SchedulerPointer& wanted : AllSchedulers()) {
    for (double r = 0; r < 1; r += .0625) {
      const ScheduleChange a = ChangeOfSchedule(cond_ot, *wanted, r);
      const ScheduleChange b = ChangeOfSchedule(linear, *wanted, r);
      SCOPED_TRACE(Named(cond_ot, *wanted, r));
      EXPECT_NEAR(a.t, b.t, 1e-12);
      EXPECT_NEAR(a.s, b.s, 1e-12);
      EXPECT_NEAR(a.d_t, b.d_t, 1e-10 * (1 + std::abs(a.d_t)));
      EXPECT_NEAR(a.d_s, b.d_s, 1e-10 * (1 + std::abs(a.d_s)));
    }
  }
}

TEST(ScheduleTransformTest, DerivativesMatchCentralDifferences) {
  constexpr double kStep = 1e-5;
  for (const SchedulerPointer& original : AllSchedulers()) {
    for (const SchedulerPointer& wanted : AllSchedulers()) {
      for (const double r : {.2, .5, .8}) {
        const auto at = [&](double time) { return ChangeOfSchedule(*original, *wanted, time); };
        SCOPED_TRACE(Named(*original, *wanted, r));
        EXPECT_NEAR(at(r).d_t, (at(r + kStep).t - at(r - kStep).t) / (2 * kStep), 1e-6);
        EXPECT_NEAR(at(r).d_s, (at(r + kStep).s - at(r - kStep).s) / (2 * kStep), 1e-6);
      }
    }
  }
}

TEST(ScheduleTransformTest, FromCondOTFiniteWhereTheWantedPathIs) {
  const CondOTScheduler cond_ot;
  for (const SchedulerPointer& wanted : AllSchedulers()) {
    for (int i = 0; i <= 1000; ++i) {
      const double r = i / 1000.;
      const PathCoefficients w = wanted->At(r);
      if (!std::isfinite(w.d_sigma) || !std::isfinite(w.d_alpha)) continue;
      const ScheduleChange c = ChangeOfSchedule(cond_ot, *wanted, r);
      EXPECT_TRUE(std::isfinite(c.d_t) && std::isfinite(c.d_s) && c.s > 0 && c.t >= 0 && c.t <= 1)
          << Named(cond_ot, *wanted, r);
    }
  }
}

TEST(ScheduleTransformTest, BeforeTheOriginalBeginsThePointOnlyShrinks) {
  const VPScheduler vp;
  const CondOTScheduler cond_ot;
  // CondOT at r < .0065 is noisier than VP ever is.
  const ScheduleChange c = ChangeOfSchedule(vp, cond_ot, .003);
  EXPECT_EQ(c.t, 0);
  EXPECT_EQ(c.d_t, 0);
  EXPECT_NEAR(c.s, .997 / vp.At(0).sigma, 1e-15);
  EXPECT_NEAR(c.d_s, -1 / vp.At(0).sigma, 1e-15);
  EXPECT_GT(ChangeOfSchedule(vp, cond_ot, .01).t, 0);
}

TEST(ScheduleTransformTest, SamplingReachesTheSameData) {
  const auto cond_ot = std::make_shared<CondOTScheduler>();
  const GaussianFlow flow{cond_ot};
  const VelocityField v =
      TransformSchedule(flow.Field(), cond_ot, std::make_shared<CosineScheduler>());
  const OdeSolution solution = SolveOde(v, Tensor::FromVector(kPoints, {4, 1}), {0, 1},
                                        {.method = OdeMethod::kDopri5, .rtol = 1e-9, .atol = 1e-9});
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(solution.x.at<double>({i, 0}),
                flow.mean + flow.scale * kPoints[static_cast<size_t>(i)], 1e-7);
  }
}

TEST(ScheduleTransformTest, IsDifferentiable) {
  const Tensor t = Tensor::FromVector<double>({.2, .8}, {2});
  const auto function = [&](const std::vector<Tensor>& in) {
    const VelocityField u = [&](const Tensor& x, const Tensor&) { return x * x * in[1]; };
    return std::vector<Tensor>{TransformSchedule(u, std::make_shared<VPScheduler>(),
                                                 std::make_shared<CosineScheduler>())(in[0], t)};
  };
  autograd::Generator generator(7);
  const autograd::GradCheckReport report =
      autograd::GradCheck(function, {autograd::Randn({2, 3}, generator, DType::kF64),
                                     autograd::Randn({3}, generator, DType::kF64)});
  EXPECT_TRUE(report.ok) << report.message;
}

TEST(ScheduleTransformTest, MisuseIsNamed) {
  const auto cond_ot = std::make_shared<CondOTScheduler>();
  const auto vp = std::make_shared<VPScheduler>();
  const VelocityField u = GaussianFlow{cond_ot}.Field();
  const VelocityField v = TransformSchedule(u, cond_ot, vp);
  const Tensor x = autograd::Ones({2, 1}, DType::kF64);
  EXPECT_EQ(ErrorText([&] { v(x, autograd::Ones({2}, DType::kF64)); }),
            "TransformSchedule from cond_ot to vp: singular at t = 1; keep the time off this end");
  EXPECT_EQ(ErrorText([&] { v(x, autograd::Ones({3}, DType::kF64)); }),
            "TransformSchedule: wants x [B, ...] and times [B], both f32 or both f64; got [2, 1] "
            "f64 and [3] f64");
  EXPECT_EQ(ErrorText([&] { TransformSchedule(u, nullptr, vp); }),
            "TransformSchedule: the velocity field or one of the schedulers is null");
}

}  // namespace
}  // namespace flowmatch
