// What holds for every method: times, counts, states in between, determinism, misuse.
#include "flowmatch/solver/ode_solver.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/parallel/parallel.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/solver/methods.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;

// A field with some curvature, and dependence on time.
Tensor Swirl(const Tensor& x, const Tensor& t) {
  return Sin(x * 3.0) + Tensor::Scalar(std::cos(5 * t.at<double>({0})));
}

Tensor Start() {
  autograd::Generator generator(1);
  return autograd::Randn({3, 2}, generator, DType::kF64);
}

TEST(OdeSolverTest, TheModelIsNeverAskedOutsideTheInterval) {
  const std::vector<std::vector<double>> intervals = {
      {0, 1}, {1, 0}, {.1, .7}, {.7, .1}, {0, 1 - 1e-5}, {1e-3, .3, 1 - 1e-3}, {1. / 81, 1}};
  for (const std::vector<double>& times : intervals) {
    const double low = std::min(times.front(), times.back());
    const double high = std::max(times.front(), times.back());
    double lowest = 2, highest = -2;
    const VelocityField field = [&](const Tensor& x, const Tensor& t) {
      EXPECT_EQ(t.shape(), (autograd::Shape{3}));
      EXPECT_EQ(t.at<double>({0}), t.at<double>({2}));
      lowest = std::min(lowest, t.at<double>({0}));
      highest = std::max(highest, t.at<double>({0}));
      return Swirl(x, t);
    };
    for (const auto& [method, order, evaluations] : kAllMethods) {
      for (const int steps : {0, 1, 3, 7, 49}) {
        SolveOde(field, Start(), times, {.method = method, .steps = steps});
      }
    }
    for (const double tolerance : {1e-2, 1e-5, 1e-10}) {
      SolveOde(field, Start(), times,
               {.method = OdeMethod::kDopri5, .rtol = tolerance, .atol = tolerance});
    }
    EXPECT_GE(lowest, low);
    EXPECT_LE(highest, high);
    // The first time is always used, and the last one by methods that look at the end of a step.
    EXPECT_EQ(times.front() < times.back() ? lowest : highest, times.front());
    EXPECT_EQ(times.front() < times.back() ? highest : lowest, times.back());
  }
}

TEST(OdeSolverTest, CountsWhatItDoes) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    int64_t calls = 0;
    const VelocityField field = [&](const Tensor& x, const Tensor& t) {
      ++calls;
      return Swirl(x, t);
    };
    const OdeSolution solution = SolveOde(field, Start(), {0, 1}, {.method = method, .steps = 12});
    const bool dopri5 = method == OdeMethod::kDopri5;
    // The first stage of dopri5 is the last of the step before.
    EXPECT_EQ(calls, 12 * evaluations + (dopri5 ? 1 : 0)) << OdeMethodName(method);
    EXPECT_EQ(solution.evaluations, calls) << OdeMethodName(method);
    EXPECT_EQ(solution.accepted, 12);
    EXPECT_EQ(solution.rejected, 0);
    if (!dopri5) {
      EXPECT_EQ(SolveOde(field, Start(), {0, 1}, {.method = method}).accepted, 100);
    }
  }
  int64_t calls = 0;
  const VelocityField field = [&](const Tensor& x, const Tensor& t) {
    ++calls;
    return Swirl(x, t);
  };
  const OdeSolution solution =
      SolveOde(field, Start(), {0, 1}, {.method = OdeMethod::kDopri5, .rtol = 1e-7, .atol = 1e-7});
  EXPECT_EQ(solution.evaluations, calls);
  // Two of them to choose the first step.
  EXPECT_EQ(calls, 2 + 6 * (solution.accepted + solution.rejected));
  EXPECT_GT(solution.accepted, 3);
}

TEST(OdeSolverTest, StatesInBetweenDoNotChangeTheSteps) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    for (const int steps : {0, 8}) {
      const OdeOptions options = {.method = method, .steps = steps};
      const OdeSolution plain = SolveOde(Swirl, Start(), {0, 1}, options);
      const OdeSolution states =
          SolveOde(Swirl, Start(), {0, .01, .25, .26, .27, .5, .999, 1}, options);
      EXPECT_EQ(states.x.ToVector<double>(), plain.x.ToVector<double>()) << OdeMethodName(method);
      EXPECT_EQ(states.accepted, plain.accepted);
      ASSERT_EQ(states.states.size(), 8u);
      EXPECT_EQ(states.states[0].ToVector<double>(), Start().ToVector<double>());
      EXPECT_EQ(states.states[7].ToVector<double>(), states.x.ToVector<double>());
      if (steps == 8) {
        // At the end of a step the state is the step's, not an interpolation.
        const OdeSolution quarter =
            SolveOde(Swirl, Start(), {0, .25}, {.method = method, .steps = 2});
        EXPECT_EQ(states.states[2].ToVector<double>(), quarter.x.ToVector<double>())
            << OdeMethodName(method);
      }
    }
  }
}

TEST(OdeSolverTest, TheSameBytesRecordedOrNot) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const OdeOptions options = {.method = method};
    const std::vector<double> times = {1, .3, 0};
    const OdeSolution recorded = SolveOde(Swirl, Start().set_requires_grad(true), times, options);
    EXPECT_TRUE(recorded.x.requires_grad());
    const autograd::NoGrad guard;
    const OdeSolution plain = SolveOde(Swirl, Start(), times, options);
    EXPECT_FALSE(plain.x.requires_grad());
    EXPECT_EQ(plain.x.ToVector<double>(), recorded.x.ToVector<double>()) << OdeMethodName(method);
    EXPECT_EQ(plain.states[1].ToVector<double>(), recorded.states[1].ToVector<double>());
  }
}

TEST(OdeSolverTest, TheSameBytesOnAnyNumberOfThreads) {
  autograd::Generator generator(3);
  const Tensor x = autograd::Randn({5000, 7}, generator);
  const VelocityField field = [](const Tensor& state, const Tensor&) { return Sin(state * 4.0); };
  const int before = autograd::NumThreads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 3}) {
    autograd::SetNumThreads(threads);
    const autograd::NoGrad guard;
    results.push_back(
        SolveOde(field, x, {0, 1}, {.method = OdeMethod::kDopri5}).x.ToVector<float>());
  }
  autograd::SetNumThreads(before);
  EXPECT_EQ(results[0], results[1]);
}

TEST(OdeSolverTest, SeveralTensorsEvolveTogether) {
  // A rotation split into its two coordinates, of different shapes.
  const StateField field = [](const std::vector<Tensor>& s, const Tensor&) {
    return std::vector<Tensor>{Reshape(s[1] * -1.0, {2, 1, 1}), Reshape(s[0], {2})};
  };
  const OdeStateSolution solution = SolveOdeState(
      field,
      {Tensor::FromVector<double>({1, 2}, {2, 1, 1}), Tensor::FromVector<double>({0, 0}, {2})},
      {0, 1}, {.method = OdeMethod::kDopri5, .rtol = 1e-9, .atol = 1e-9});
  EXPECT_NEAR(solution.states.back()[0].at<double>({1, 0, 0}), 2 * std::cos(1), 1e-8);
  EXPECT_NEAR(solution.states.back()[1].at<double>({1}), 2 * std::sin(1), 1e-8);
}

TEST(OdeSolverTest, FloatsAndEmptyBatches) {
  const VelocityField decay = [](const Tensor& x, const Tensor& t) {
    EXPECT_EQ(t.dtype(), DType::kF32);
    return x * -1.0;
  };
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const OdeSolution solution =
        SolveOde(decay, autograd::Ones({2, 3}), {0, 1}, {.method = method});
    EXPECT_EQ(solution.x.dtype(), DType::kF32);
    EXPECT_NEAR(solution.x.at<float>({1, 2}), std::exp(-1), 3e-3) << OdeMethodName(method);
    EXPECT_EQ(SolveOde(decay, autograd::Ones({0, 3}), {0, 1}, {.method = method}).x.shape(),
              (autograd::Shape{0, 3}));
  }
}

TEST(OdeSolverTest, MisuseIsNamed) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto times_error = [](const std::vector<double>& times) {
    return ErrorText([&] { SolveOde(Swirl, Start(), times); });
  };
  const std::string expected = "], expected two or more, strictly increasing or decreasing";
  EXPECT_EQ(times_error({}), "SolveOde: times are [" + expected);
  EXPECT_EQ(times_error({.5}), "SolveOde: times are [0.5" + expected);
  EXPECT_EQ(times_error({0, 0}), "SolveOde: times are [0, 0" + expected);
  EXPECT_EQ(times_error({0, .7, .5, 1}), "SolveOde: times are [0, 0.7, 0.5, 1" + expected);
  EXPECT_EQ(times_error({1, .2, .5, 0}), "SolveOde: times are [1, 0.2, 0.5, 0" + expected);
  EXPECT_EQ(times_error({0, kInfinity}), "SolveOde: times are [0, inf" + expected);
  EXPECT_EQ(times_error({std::nan(""), 1}), "SolveOde: times are [nan, 1" + expected);

  const auto options_error = [](const OdeOptions& options) {
    return ErrorText([&] { SolveOde(Swirl, Start(), {0, 1}, options); });
  };
  EXPECT_EQ(options_error({.method = OdeMethod::kRk4, .steps = -1}), "SolveOde: -1 steps of rk4");
  EXPECT_EQ(options_error({.method = OdeMethod::kDopri5, .rtol = -1}),
            "SolveOde: rtol is -1 and atol 1e-06, expected 0 or more, not both 0");
  EXPECT_EQ(options_error({.method = OdeMethod::kDopri5, .rtol = 0, .atol = 0}),
            "SolveOde: rtol is 0 and atol 0, expected 0 or more, not both 0");
  EXPECT_EQ(options_error({.method = OdeMethod::kDopri5, .max_steps = 0}),
            "SolveOde: max_steps is 0, expected 1 or more");

  const auto state_error = [](const Tensor& x) {
    return ErrorText([&] { SolveOde(Swirl, x, {0, 1}); });
  };
  const std::string wants = ", expected f32 or f64 of shape [B, ...]";
  EXPECT_EQ(state_error(Tensor()), "SolveOde: the state is undefined" + wants);
  EXPECT_EQ(state_error(Tensor::Scalar(1.0)), "SolveOde: the state is [] f64" + wants);
  EXPECT_EQ(state_error(autograd::Zeros({2}, DType::kI64)),
            "SolveOde: the state is [2] i64" + wants);
  const StateField both = [](const std::vector<Tensor>& s, const Tensor&) { return s; };
  EXPECT_EQ(ErrorText([&] { SolveOdeState(both, {}, {0, 1}); }), "SolveOde: no state to integrate");
  EXPECT_EQ(ErrorText([&] {
              SolveOdeState(both, {Start(), autograd::Zeros({2})}, {0, 1});
            }),
            "SolveOde: the state has [3, 2] f64 and [2] f32, expected the same B and dtype");

  const auto velocity_error = [](const Tensor& velocity) {
    return ErrorText([&] {
      SolveOde([&](const Tensor&, const Tensor&) { return velocity; }, Start(), {0, 1});
    });
  };
  EXPECT_EQ(velocity_error(autograd::Zeros({3, 1}, DType::kF64)),
            "SolveOde: the velocity of a state [3, 2] f64 is [3, 1] f64");
  EXPECT_EQ(velocity_error(autograd::Zeros({3, 2})),
            "SolveOde: the velocity of a state [3, 2] f64 is [3, 2] f32");
  EXPECT_EQ(velocity_error(Tensor()), "SolveOde: the velocity of a state [3, 2] f64 is undefined");
}

TEST(OdeSolverTest, MethodsByName) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    EXPECT_EQ(OdeMethodByName(OdeMethodName(method)).value(), method);
  }
  EXPECT_STREQ(OdeMethodName(OdeMethod::kRk438), "rk4_38");
  EXPECT_EQ(OdeMethodByName("rk45").status().message(),
            "solver 'rk45' is unknown; expected euler, midpoint, heun2, heun3, rk4, rk4_38 or "
            "dopri5");
}

}  // namespace
}  // namespace flowmatch
