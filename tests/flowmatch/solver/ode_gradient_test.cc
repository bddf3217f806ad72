// Differentiating through the steps of a solver.
#include <cmath>
#include <vector>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "flowmatch/solver/ode_solver.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/solver/methods.h"

namespace flowmatch {
namespace {

using autograd::DType;

TEST(OdeGradientTest, EveryMethodInTheStateAndTheParameters) {
  autograd::Generator generator(1);
  const Tensor x = autograd::Randn({2, 3}, generator, DType::kF64);
  const Tensor w = autograd::Randn({3}, generator, DType::kF64);
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const auto function = [m = method](const std::vector<Tensor>& in) {
      const VelocityField field = [&](const Tensor& state, const Tensor& t) {
        return Sin(state * in[1]) + Tensor::Scalar(t.at<double>({0}));
      };
      const OdeSolution solution = SolveOde(field, in[0], {0, .4, 1}, {.method = m, .steps = 3});
      return std::vector<Tensor>{solution.states[1], solution.x};
    };
    const autograd::GradCheckReport report = autograd::GradCheck(function, {x, w});
    EXPECT_TRUE(report.ok) << OdeMethodName(method) << ": " << report.message;
  }
}

TEST(OdeGradientTest, OfSecondOrder) {
  const auto function = [](const std::vector<Tensor>& in) {
    const VelocityField field = [&](const Tensor& x, const Tensor&) { return Sin(x * in[1]); };
    return std::vector<Tensor>{
        SolveOde(field, in[0], {0, 1}, {.method = OdeMethod::kRk4, .steps = 2}).x};
  };
  const autograd::GradCheckReport report = autograd::GradGradCheck(
      function,
      {Tensor::FromVector<double>({.4, -1.1}, {2}), Tensor::FromVector<double>({.8}, {1})});
  EXPECT_TRUE(report.ok) << report.message;
}

TEST(OdeGradientTest, ThroughAdaptiveSteps) {
  // x(1) = x e^a: derivatives e^a and x e^a.
  Tensor x = Tensor::FromVector<double>({1.5}, {1}).set_requires_grad(true);
  Tensor a = Tensor::Scalar(.8).set_requires_grad(true);
  const VelocityField field = [&](const Tensor& state, const Tensor&) { return state * a; };
  const OdeSolution solution =
      SolveOde(field, x, {0, 1}, {.method = OdeMethod::kDopri5, .rtol = 1e-9, .atol = 1e-9});
  Backward(Sum(solution.x, {}));
  EXPECT_NEAR(x.grad().item(), std::exp(.8), 1e-7);
  EXPECT_NEAR(a.grad().item(), 1.5 * std::exp(.8), 1e-7);
}

}  // namespace
}  // namespace flowmatch
