// Conversions of AffinePath between velocity, data, noise and score.
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "flowmatch/path/affine_path.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;

enum Quantity { kVelocity, kTarget, kEpsilon, kScore };

struct Conversion {
  const char* name;
  Quantity from, to;
  Tensor (AffinePath::*convert)(const Tensor&, const Tensor&, const Tensor&) const;
};

constexpr Conversion kConversions[] = {
    {"VelocityToTarget", kVelocity, kTarget, &AffinePath::VelocityToTarget},
    {"VelocityToEpsilon", kVelocity, kEpsilon, &AffinePath::VelocityToEpsilon},
    {"VelocityToScore", kVelocity, kScore, &AffinePath::VelocityToScore},
    {"TargetToVelocity", kTarget, kVelocity, &AffinePath::TargetToVelocity},
    {"TargetToEpsilon", kTarget, kEpsilon, &AffinePath::TargetToEpsilon},
    {"TargetToScore", kTarget, kScore, &AffinePath::TargetToScore},
    {"EpsilonToVelocity", kEpsilon, kVelocity, &AffinePath::EpsilonToVelocity},
    {"EpsilonToTarget", kEpsilon, kTarget, &AffinePath::EpsilonToTarget},
    {"EpsilonToScore", kEpsilon, kScore, &AffinePath::EpsilonToScore},
    {"ScoreToVelocity", kScore, kVelocity, &AffinePath::ScoreToVelocity},
    {"ScoreToTarget", kScore, kTarget, &AffinePath::ScoreToTarget},
    {"ScoreToEpsilon", kScore, kEpsilon, &AffinePath::ScoreToEpsilon},
};

Tensor Values(const std::vector<double>& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())});
}

// The refusal of a conversion of these numbers at t, or "" where it gives finite ones.
std::string Refusal(const AffinePath& path, const Conversion& conversion, double t) {
  const std::string text = ErrorText([&] {
    const Tensor result =
        (path.*conversion.convert)(Values({.3, -2}), Values({.8, 1}), Tensor::Scalar(t));
    for (const double value : result.ToVector<double>()) {
      EXPECT_TRUE(std::isfinite(value)) << conversion.name << " at " << t;
    }
  });
  return text == "no error" ? "" : text;
}

TEST(ConversionsTest, AgreeForEverySchedule) {
  const std::vector<double> noise = {.3, -1.2, 2.1}, data = {1.1, -.4, .2};
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const AffinePath path(scheduler);
    for (double t = .02; t <= .98; t += .01) {
      const PathCoefficients c = scheduler->At(t);
      const Tensor time = autograd::Full({3}, t, DType::kF64);
      const PathSample sample = path.Sample(Values(noise), Values(data), time);
      const Tensor quantities[] = {sample.dx_t, sample.x1, sample.x0, sample.x0 * (-1 / c.sigma)};
      for (const Conversion& conversion : kConversions) {
        const Tensor result =
            (path.*conversion.convert)(quantities[conversion.from], sample.x_t, time);
        for (int64_t i = 0; i < 3; ++i) {
          const double wanted = quantities[conversion.to].at<double>({i});
          EXPECT_NEAR(result.at<double>({i}), wanted, 1e-12 * (1 + std::abs(wanted)))
              << conversion.name << " of " << scheduler->name() << " at " << t;
        }
      }
    }
  }
}

TEST(ConversionsTest, EndsGiveLimitsOrAreRefused) {
  std::vector<SchedulerPointer> all = AllSchedulers();
  all.push_back(std::make_shared<PolynomialScheduler>(.5));
  all.push_back(std::make_shared<PolynomialScheduler>(1));
  for (const SchedulerPointer& scheduler : all) {
    const AffinePath path(scheduler);
    for (const double end : {0., 1.}) {
      const Tensor near = Tensor::Scalar(std::abs(end - 1e-12));
      for (const Conversion& conversion : kConversions) {
        const std::string where = std::string(conversion.name) + " of " + scheduler->name() +
                                  " at " + std::to_string(end);
        const std::string refusal = Refusal(path, conversion, end);
        if (refusal.empty()) {
          const Tensor a = Values({.3, -2}), x = Values({.8, 1});
          const Tensor at = (path.*conversion.convert)(a, x, Tensor::Scalar(end));
          const Tensor beside = (path.*conversion.convert)(a, x, near);
          for (int64_t i = 0; i < 2; ++i) {
            EXPECT_NEAR(at.at<double>({i}), beside.at<double>({i}), 2e-5) << where;
          }
        } else {
          EXPECT_EQ(refusal, std::string(conversion.name) +
                                 ": singular at t = " + (end == 0 ? "0" : "1") + " on the path " +
                                 scheduler->name() + "; keep the time off this end");
        }
      }
    }
  }
}

// Names of the conversions a path refuses at t.
std::set<std::string> Refused(SchedulerPointer scheduler, double t) {
  const AffinePath path(std::move(scheduler));
  std::set<std::string> names;
  for (const Conversion& conversion : kConversions) {
    if (!Refusal(path, conversion, t).empty()) names.insert(conversion.name);
  }
  return names;
}

TEST(ConversionsTest, OnlyWhatIsSingularIsRefused) {
  const auto cond_ot = std::make_shared<CondOTScheduler>();
  EXPECT_EQ(Refused(cond_ot, .5), std::set<std::string>());
  EXPECT_EQ(Refused(cond_ot, 0), (std::set<std::string>{"EpsilonToVelocity", "EpsilonToTarget",
                                                        "ScoreToVelocity", "ScoreToTarget"}));
  const std::set<std::string> by_sigma = {"VelocityToScore", "TargetToVelocity", "TargetToEpsilon",
                                          "TargetToScore", "EpsilonToScore"};
  EXPECT_EQ(Refused(cond_ot, 1), by_sigma);
  EXPECT_EQ(Refused(std::make_shared<CosineScheduler>(), 1), by_sigma);
  // The velocity itself is infinite there.
  std::set<std::string> infinite = by_sigma;
  infinite.insert({"VelocityToEpsilon", "EpsilonToVelocity", "ScoreToVelocity"});
  EXPECT_EQ(Refused(std::make_shared<VPScheduler>(), 1), infinite);
  EXPECT_EQ(Refused(std::make_shared<LinearVPScheduler>(), 1), infinite);
  // VP never runs out of signal.
  EXPECT_EQ(Refused(std::make_shared<VPScheduler>(), 0), std::set<std::string>());
}

TEST(ConversionsTest, AreDifferentiable) {
  autograd::Generator generator(6);
  const AffinePath path(std::make_shared<CosineScheduler>());
  const Tensor t = Values({.2, .5, .7});
  for (const Conversion& conversion : kConversions) {
    const auto function = [&](const std::vector<Tensor>& in) {
      return std::vector<Tensor>{(path.*conversion.convert)(in[0], in[1], t)};
    };
    const autograd::GradCheckReport report =
        autograd::GradCheck(function, {autograd::Randn({3, 2}, generator, DType::kF64),
                                       autograd::Randn({3, 2}, generator, DType::kF64)});
    EXPECT_TRUE(report.ok) << conversion.name << ": " << report.message;
  }
}

TEST(ConversionsTest, FloatsThatCannotHoldACoefficientAreRefused) {
  const AffinePath path(std::make_shared<CondOTScheduler>());
  const Tensor x = autograd::Ones({1}), t = autograd::Full({1}, 1e-39);
  EXPECT_THROW(path.EpsilonToTarget(x, x, t), std::invalid_argument);
}

}  // namespace
}  // namespace flowmatch
