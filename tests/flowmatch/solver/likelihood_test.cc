#include "flowmatch/solver/likelihood.h"

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "flowmatch/models/flow_mlp.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

constexpr double kLogTwoPi = 1.8378770664093453;

OdeOptions Accurate() { return {.method = OdeMethod::kDopri5, .rtol = 1e-8, .atol = 1e-8}; }

TEST(LikelihoodTest, OfGaussianDataOnEveryPath) {
  const std::vector<double> points = {-1.1, .2, .7, 1.5};
  const Tensor x = Tensor::FromVector(points, {2, 2});
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const GaussianFlow flow = {scheduler, .7, .4};
    LikelihoodOptions options = {.ode = Accurate()};
    // VP begins with some signal left, so its source is not quite N(0, 1).
    options.source_log_density = [&](const Tensor& x0) {
      const Tensor centred = x0 - scheduler->At(0).alpha * flow.mean;
      const double variance = flow.Variance(0);
      return Sum(centred * centred, {1}) * (-.5 / variance) - kLogTwoPi - std::log(variance);
    };
    const LikelihoodResult result = ComputeLikelihood(flow.Field(), x, options);
    ASSERT_EQ(result.log_likelihood.shape(), (autograd::Shape{2}));
    ASSERT_EQ(result.x0.shape(), x.shape());
    EXPECT_GT(result.evaluations, 10);
    for (int64_t i = 0; i < 2; ++i) {
      double wanted = 0;
      for (int64_t j = 0; j < 2; ++j) {
        const double point = points[static_cast<size_t>(2 * i + j)];
        wanted += flow.LogDensity(point, 1);
        EXPECT_NEAR(result.x0.at<double>({i, j}), flow.Carry(point, 1, 0), 1e-6);
      }
      EXPECT_NEAR(result.log_likelihood.at<double>({i}), wanted, 1e-6) << scheduler->name();
    }
  }
}

TEST(LikelihoodTest, TheSourceIsAStandardNormalUnlessSaid) {
  const GaussianFlow flow = {std::make_shared<CondOTScheduler>(), .7, .4};
  const Tensor x = Tensor::FromVector<double>({.1, 1.3}, {2, 1});
  const LikelihoodResult result = ComputeLikelihood(flow.Field(), x, {.ode = Accurate()});
  EXPECT_NEAR(result.log_likelihood.at<double>({0}), flow.LogDensity(.1, 1), 1e-6);
  EXPECT_NEAR(result.log_likelihood.at<double>({1}), flow.LogDensity(1.3, 1), 1e-6);
}

TEST(LikelihoodTest, StandardNormalLogDensityOfAnyShape) {
  EXPECT_NEAR(StandardNormalLogDensity(Tensor::FromVector<double>({2}, {1})).item(),
              -2 - kLogTwoPi / 2, 1e-15);
  const Tensor image = autograd::Full({2, 2, 2, 3}, 3, DType::kF64);
  const Tensor density = StandardNormalLogDensity(image);
  ASSERT_EQ(density.shape(), (autograd::Shape{2}));
  EXPECT_NEAR(density.at<double>({1}), 12 * (-4.5 - kLogTwoPi / 2), 1e-12);
}

// x' = a x takes N(0, I) to N(0, e^{2a} I), whatever the shape; J is diagonal, so one probe of
// Hutchinson's estimate is exact as well.
TEST(LikelihoodTest, OfImages) {
  constexpr double kRate = .5;
  Generator generator(1);
  const Tensor x = autograd::Randn({3, 2, 2, 3}, generator, DType::kF64);
  const VelocityField field = [](const Tensor& at, const Tensor&) { return at * kRate; };
  for (const int probes : {0, 1, 3}) {
    const LikelihoodResult result =
        ComputeLikelihood(field, x, {.ode = Accurate(), .hutchinson_probes = probes});
    ASSERT_EQ(result.x0.shape(), x.shape());
    const Tensor wanted = StandardNormalLogDensity(x * std::exp(-kRate)) - 12 * kRate;
    for (int64_t b = 0; b < 3; ++b) {
      EXPECT_NEAR(result.log_likelihood.at<double>({b}), wanted.at<double>({b}), 1e-6) << probes;
    }
  }
}

TEST(LikelihoodTest, ProbesAreFixedByTheSeedAndCloseInOnTheExactValue) {
  Generator generator(2);
  const Tensor w = autograd::Randn({4, 4}, generator, DType::kF64) * .3;
  const Tensor x = autograd::Randn({2, 4}, generator, DType::kF64);
  const VelocityField field = [&](const Tensor& at, const Tensor&) { return MatMul(at, w); };
  const auto value = [&](int probes, uint64_t seed) {
    return ComputeLikelihood(field, x,
                             {.ode = {.steps = 4}, .hutchinson_probes = probes, .seed = seed})
        .log_likelihood.ToVector<double>();
  };
  EXPECT_EQ(value(2, 5), value(2, 5));
  EXPECT_NE(value(2, 5), value(2, 6));
  double squares = 0;
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      if (i != j) squares += w.at<double>({i, j}) * (w.at<double>({i, j}) + w.at<double>({j, i}));
    }
  }
  // Variance of one probe: sum over pairs of (A_ij + A_ji)^2.
  EXPECT_NEAR(value(400, 7)[0], value(0, 0)[0], 4 * std::sqrt(squares / 400));
}

TEST(LikelihoodTest, BetweenOtherTimes) {
  const VelocityField field = [](const Tensor& x, const Tensor&) { return x; };
  const Tensor x = autograd::Ones({1, 1}, DType::kF64);
  const LikelihoodResult result =
      ComputeLikelihood(field, x, {.ode = Accurate(), .times = {.2, .9}});
  EXPECT_NEAR(result.x0.item(), std::exp(-.7), 1e-7);
  EXPECT_NEAR(result.log_likelihood.item(), -.5 * std::exp(-1.4) - kLogTwoPi / 2 - .7, 1e-7);
}

TEST(LikelihoodTest, IsDifferentiable) {
  Generator generator(3);
  const Tensor x = autograd::Randn({2, 3}, generator, DType::kF64);
  const Tensor w = autograd::Randn({3, 3}, generator, DType::kF64);
  for (const int probes : {0, 2}) {
    for (const OdeMethod method : {OdeMethod::kEuler, OdeMethod::kMidpoint, OdeMethod::kDopri5}) {
      const auto function = [&](const std::vector<Tensor>& in) {
        const VelocityField field = [&](const Tensor& at, const Tensor&) {
          return Sin(MatMul(at, in[1]));
        };
        const LikelihoodResult result = ComputeLikelihood(
            field, in[0], {.ode = {.method = method, .steps = 2}, .hutchinson_probes = probes});
        return std::vector<Tensor>{result.log_likelihood, result.x0};
      };
      const autograd::GradCheckReport report = autograd::GradCheck(function, {x, w});
      EXPECT_TRUE(report.ok) << OdeMethodName(method) << ", " << probes << ": " << report.message;
    }
  }
}

TEST(LikelihoodTest, MaximumLikelihoodTrainingReachesEveryParameter) {
  Generator generator(4);
  FlowMlp model({.dim = 2, .hidden = 8}, generator);
  const Tensor x = autograd::Randn({16, 2}, generator);
  const VelocityField field = [&](const Tensor& at, const Tensor& t) {
    return model.Forward(at, t);
  };
  for (const int probes : {0, 1}) {
    const LikelihoodResult result =
        ComputeLikelihood(field, x, {.ode = {.steps = 3}, .hutchinson_probes = probes});
    Backward(Mean(result.log_likelihood, {}) * -1.0);
    for (auto& [name, parameter] : model.NamedParameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_GT(Sum(parameter.grad() * parameter.grad(), {}).item(), 1e-12) << name;
      Tensor cleared = parameter;
      cleared.set_grad(Tensor());
    }
  }
}

TEST(LikelihoodTest, NothingIsRecordedUnderNoGrad) {
  Generator generator(5);
  FlowMlp model({.dim = 2, .hidden = 8}, generator);
  const VelocityField field = [&](const Tensor& at, const Tensor& t) {
    return model.Forward(at, t);
  };
  const Tensor x = autograd::Randn({4, 2}, generator);
  const LikelihoodResult recorded = ComputeLikelihood(field, x, {.ode = {.steps = 3}});
  EXPECT_TRUE(recorded.log_likelihood.requires_grad());
  const autograd::NoGrad guard;
  const LikelihoodResult plain = ComputeLikelihood(field, x, {.ode = {.steps = 3}});
  EXPECT_FALSE(plain.log_likelihood.requires_grad() || plain.x0.requires_grad());
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(plain.log_likelihood.at<float>({i}), recorded.log_likelihood.at<float>({i}), 1e-4);
  }
}

TEST(LikelihoodTest, MisuseIsNamed) {
  const VelocityField field = [](const Tensor& x, const Tensor&) { return x; };
  EXPECT_EQ(ErrorText([&] {
              ComputeLikelihood(field, autograd::Ones({2, 2}), {.hutchinson_probes = -1});
            }),
            "ComputeLikelihood: -1 Hutchinson probes");
  const std::string wants = ", expected f32 or f64 of shape [B, ...]";
  EXPECT_EQ(ErrorText([&] { ComputeLikelihood(field, Tensor()); }),
            "ComputeLikelihood: x is undefined" + wants);
  EXPECT_EQ(ErrorText([&] { ComputeLikelihood(field, Tensor::Scalar(1.f)); }),
            "ComputeLikelihood: x is [] f32" + wants);
}

}  // namespace
}  // namespace flowmatch
