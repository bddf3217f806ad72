// Step size control of dopri5.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "autograd/errors.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/unary.h"
#include "flowmatch/solver/ode_solver.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::NumericalError;

const VelocityField kDecay = [](const Tensor& x, const Tensor&) { return x * -1.0; };

OdeOptions Tolerance(double tolerance) {
  return {.method = OdeMethod::kDopri5, .rtol = tolerance, .atol = tolerance};
}

TEST(OdeAdaptiveTest, TheErrorFollowsTheToleranceAndSoDoesTheWork) {
  const Tensor x = autograd::Ones({1}, DType::kF64);
  int64_t steps = 0;
  for (const double tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    const OdeSolution solution = SolveOde(kDecay, x, {0, 3}, Tolerance(tolerance));
    EXPECT_NEAR(solution.x.item(), std::exp(-3), 5 * tolerance);
    EXPECT_GT(solution.accepted, steps);
    steps = solution.accepted;
  }
  // The fifth order: a tolerance smaller by 10^-3 costs some four times the steps.
  EXPECT_LT(steps, 1000);
}

TEST(OdeAdaptiveTest, StepsShrinkWhereTheFieldIsFast) {
  // A kick around t = .5 in a field that is still everywhere else.
  const double width = .01;
  const VelocityField kick = [&](const Tensor& x, const Tensor& t) {
    const double z = (t.at<double>({0}) - .5) / width;
    return autograd::FullLike(x, std::exp(-.5 * z * z) / (width * std::sqrt(2 * std::acos(-1.))));
  };
  const OdeSolution solution =
      SolveOde(kick, autograd::Zeros({1}, DType::kF64), {.3, .7}, Tolerance(1e-6));
  EXPECT_NEAR(solution.x.item(), 1, 1e-4);
  EXPECT_GT(solution.rejected, 0);
  EXPECT_GT(solution.accepted, 10);
}

TEST(OdeAdaptiveTest, AtRestTheStepGrowsAtMostTenfold) {
  const VelocityField rest = [](const Tensor& x, const Tensor&) { return ZerosLike(x); };
  const OdeSolution solution =
      SolveOde(rest, autograd::Zeros({2}, DType::kF64), {0, 1}, Tolerance(1e-6));
  EXPECT_EQ(solution.x.ToVector<double>(), (std::vector<double>{0, 0}));
  // From 1e-6 to the end of the interval.
  EXPECT_EQ(solution.accepted, 7);
  EXPECT_EQ(solution.rejected, 0);
}

TEST(OdeAdaptiveTest, ARelativeToleranceAloneWillDo) {
  const Tensor x = Tensor::FromVector<double>({1, 0}, {2});
  const OdeSolution solution =
      SolveOde(kDecay, x, {0, 1}, {.method = OdeMethod::kDopri5, .rtol = 1e-8, .atol = 0});
  EXPECT_NEAR(solution.x.at<double>({0}), std::exp(-1), 1e-7);
  EXPECT_EQ(solution.x.at<double>({1}), 0);
}

TEST(OdeAdaptiveTest, AStepSizeThatUnderflowsIsExplained) {
  // dx/dt = x^2 from 2 is infinite at t = 1/2.
  const VelocityField square = [](const Tensor& x, const Tensor&) { return x * x; };
  const std::string text = ErrorText<NumericalError>([&] {
    SolveOde(square, autograd::Full({1}, 2, DType::kF64), {0, 1}, Tolerance(1e-6));
  });
  EXPECT_TRUE(absl::StartsWith(text, "SolveOde: step size underflow at t = 0.5")) << text;
  for (const char* part : {": step ", ", scaled error ", "raise rtol or atol, use f64, or check"}) {
    EXPECT_TRUE(absl::StrContains(text, part)) << text;
  }
}

TEST(OdeAdaptiveTest, AVelocityThatIsNotFiniteIsExplained) {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    for (const double from : {0., .6}) {
      const VelocityField field = [&](const Tensor& x, const Tensor& t) {
        const double time = t.at<double>({0});
        EXPECT_TRUE(time >= 0 && time <= 1);
        return autograd::FullLike(x, time >= from ? value : 1);
      };
      const std::string text = ErrorText<NumericalError>([&] {
        SolveOde(field, autograd::Ones({1}, DType::kF64), {0, 1}, Tolerance(1e-6));
      });
      EXPECT_TRUE(absl::StartsWith(text, "SolveOde: step size underflow at t = 0")) << text;
    }
  }
}

TEST(OdeAdaptiveTest, TheNumberOfStepsIsLimited) {
  const std::string text = ErrorText<NumericalError>([] {
    OdeOptions options = Tolerance(1e-10);
    options.max_steps = 5;
    SolveOde(kDecay, autograd::Ones({1}, DType::kF64), {0, 100}, options);
  });
  EXPECT_TRUE(absl::StartsWith(text, "SolveOde: 5 steps taken at t = ")) << text;
  EXPECT_TRUE(absl::EndsWith(text, "raise rtol, atol or max_steps")) << text;
}

TEST(OdeAdaptiveTest, FloatsReachTheDefaultTolerances) {
  const OdeSolution solution =
      SolveOde(kDecay, autograd::Ones({3}), {0, 1}, {.method = OdeMethod::kDopri5});
  EXPECT_NEAR(solution.x.at<float>({1}), std::exp(-1), 2e-3);
}

}  // namespace
}  // namespace flowmatch
