// Steps at the times of a grid, of any lengths and in either direction.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/unary.h"
#include "flowmatch/solver/ode_solver.h"
#include "flowmatch/time/time_grid.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/solver/methods.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;

// A field with some curvature, and dependence on time.
Tensor Swirl(const Tensor& x, const Tensor& t) {
  return Sin(x * 3.0) + Tensor::Scalar(std::cos(5 * t.at<double>({0})));
}

Tensor Start() { return Tensor::FromVector<double>({.3, -1, .8, 2}, {2, 2}); }

TEST(OdeGridTest, AUniformGridIsEqualStepsToTheBit) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    for (const int steps : {1, 7, 50}) {
      const OdeSolution equal = SolveOde(Swirl, Start(), {0, .3, 1}, {method, steps});
      const OdeSolution grid =
          SolveOde(Swirl, Start(), {0, .3, 1}, {.method = method, .grid = UniformTimeGrid(steps)});
      EXPECT_EQ(grid.x.ToVector<double>(), equal.x.ToVector<double>()) << OdeMethodName(method);
      EXPECT_EQ(grid.states[1].ToVector<double>(), equal.states[1].ToVector<double>());
      EXPECT_EQ(grid.evaluations, equal.evaluations);
      EXPECT_EQ(grid.accepted, steps);
    }
  }
}

// x' = t by Euler is sum_i (t_{i+1} - t_i) t_i.
TEST(OdeGridTest, EulerByHand) {
  const VelocityField time = [](const Tensor&, const Tensor& t) { return t; };
  const Tensor x = Tensor::FromVector<double>({1}, {1});
  const auto solve = [&](const std::vector<double>& grid) {
    return SolveOde(time, x, {grid.front(), grid.back()},
                    {.method = OdeMethod::kEuler, .grid = grid})
        .x.item();
  };
  EXPECT_DOUBLE_EQ(solve({0, .5, .75, 1}), 1 + .25 * .5 + .25 * .75);
  EXPECT_DOUBLE_EQ(solve({1, .75, .5, 0}), 1 - .25 * 1 - .25 * .75 - .5 * .5);
}

// In their order, whichever way they run.
TEST(OdeGridTest, TheModelIsAskedAtTheTimesOfTheGrid) {
  for (std::vector<double> grid : {ShiftedTimeGrid(9, 3), EdmTimeGrid(9), EdmTimeGrid(1)}) {
    for (int direction = 0; direction < 2; ++direction, std::reverse(grid.begin(), grid.end())) {
      for (const auto& [method, order, evaluations] : kAllMethods) {
        std::vector<double> asked;
        const VelocityField field = [&](const Tensor& x, const Tensor& t) {
          asked.push_back(t.at<double>({1}));
          return Swirl(x, t);
        };
        SolveOde(field, Start(), {grid.front(), grid.back()}, {.method = method, .grid = grid});
        const auto [low, high] = std::minmax(grid.front(), grid.back());
        for (const double time : asked) EXPECT_TRUE(low <= time && time <= high);
        if (method != OdeMethod::kEuler) continue;
        EXPECT_EQ(asked, std::vector<double>(grid.begin(), grid.end() - 1));
      }
    }
  }
}

TEST(OdeGridTest, StatesInBetweenDoNotChangeTheSteps) {
  const std::vector<double> grid = {0, .1, .5, .6, 1};
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const OdeOptions options = {.method = method, .grid = grid};
    const OdeSolution plain = SolveOde(Swirl, Start(), {0, 1}, options);
    const OdeSolution states = SolveOde(Swirl, Start(), {0, .05, .5, .55, .9, 1}, options);
    EXPECT_EQ(states.x.ToVector<double>(), plain.x.ToVector<double>());
    // At a time of the grid the state is the step's.
    const OdeSolution half =
        SolveOde(Swirl, Start(), {0, .5}, {.method = method, .grid = {0, .1, .5}});
    EXPECT_EQ(states.states[2].ToVector<double>(), half.x.ToVector<double>());
  }
}

// Steps that shrink: the observed order is the method's.
TEST(OdeGridTest, KeepsTheOrderOfTheMethod) {
  const GaussianFlow flow{std::make_shared<CosineScheduler>()};
  const Tensor x = Tensor::FromVector<double>({-1.2, .4, 2}, {3, 1});
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const auto error = [&](int steps) {
      std::vector<double> grid;
      for (int i = 0; i <= steps; ++i) {
        const double s = static_cast<double>(i) / steps;
        grid.push_back(i == steps ? .8 : .4 * s * (3 - s));
      }
      const Tensor found = SolveOde(flow.Field(), x, {0, .8}, {.method = method, .grid = grid}).x;
      double sum = 0;
      for (int64_t i = 0; i < 3; ++i) {
        sum += std::abs(found.at<double>({i, 0}) - flow.Carry(x.at<double>({i, 0}), 0, .8));
      }
      return sum;
    };
    const int steps = method == OdeMethod::kDopri5 ? 20 : 40;
    EXPECT_NEAR(std::log2(error(steps) / error(2 * steps)), order,
                method == OdeMethod::kDopri5 ? .3 : .15)
        << OdeMethodName(method);
  }
}

TEST(OdeGridTest, Gradients) {
  const auto function = [](const std::vector<Tensor>& in) {
    const VelocityField field = [&](const Tensor& x, const Tensor&) { return Sin(x * in[1]); };
    return std::vector<Tensor>{
        SolveOde(field, in[0], {1, 0}, {.method = OdeMethod::kHeun2, .grid = {1, .9, .4, 0}}).x};
  };
  const autograd::GradCheckReport report =
      autograd::GradCheck(function, {Start(), Tensor::FromVector<double>({.8}, {1})});
  EXPECT_TRUE(report.ok) << report.message;
}

TEST(OdeGridTest, MisuseIsNamed) {
  const auto error = [](const std::vector<double>& times, const OdeOptions& options) {
    return ErrorText([&] { SolveOde(Swirl, Start(), times, options); });
  };
  // A grid that runs the wrong way is not turned around.
  EXPECT_EQ(
      error({0, 1}, {.grid = {1, .5, 0}}),
      "SolveOde: the grid goes from 1 to 0 and the times from 0 to 1, expected the same ends");
  EXPECT_EQ(error({0, 1}, {.grid = EdmTimeGrid(1)}).substr(0, 47),
            "SolveOde: the grid goes from 0.0123457 to 1 and");
  const std::string expected = "], expected two or more, strictly increasing or decreasing";
  EXPECT_EQ(error({0, 1}, {.grid = {0, .7, .5, 1}}),
            "SolveOde: the grid is [0, 0.7, 0.5, 1" + expected);
  EXPECT_EQ(error({0, 1}, {.grid = {0, .5, .5, 1}}),
            "SolveOde: the grid is [0, 0.5, 0.5, 1" + expected);
  EXPECT_EQ(error({0, 1}, {.grid = {0}}), "SolveOde: the grid is [0" + expected);
  EXPECT_EQ(error({0, 1}, {.grid = {0, std::nan(""), 1}}),
            "SolveOde: the grid is [0, nan, 1" + expected);
  EXPECT_EQ(error({0, 1}, {.steps = 3, .grid = {0, .5, 1}}),
            "SolveOde: 3 steps and a grid of 2, expected one of the two");
}

}  // namespace
}  // namespace flowmatch
