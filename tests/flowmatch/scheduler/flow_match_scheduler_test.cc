#include "flowmatch/scheduler/flow_match_scheduler.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/slice.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/solver/ode_solver.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;

struct Batch {
  explicit Batch(DType dtype = DType::kF64) {
    autograd::Generator generator(1);
    data = autograd::Randn({4, 3, 2}, generator, dtype);
    noise = autograd::Randn({4, 3, 2}, generator, dtype);
  }
  Tensor data, noise;
};

void ExpectNear(const Tensor& found, const Tensor& wanted, double tolerance) {
  ASSERT_EQ(found.shape(), wanted.shape());
  const std::vector<double> a = found.ToVector<double>(), b = wanted.ToVector<double>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance);
}

TEST(FlowMatchSchedulerTest, AddNoiseByHand) {
  const FlowMatchScheduler scheduler;
  EXPECT_EQ(scheduler.num_train_timesteps(), 1000);
  const Tensor data = Tensor::FromVector<double>({4, -2, 8, 1}, {2, 2});
  const Tensor noise = Tensor::FromVector<double>({0, 2, -4, 1}, {2, 2});
  // t = .25 and .75.
  const std::vector<double> wanted = {1, 1, 5, 1};
  EXPECT_EQ(scheduler.AddNoise(data, Tensor::FromVector<int64_t>({250, 750}, {2}), noise)
                .ToVector<double>(),
            wanted);
  EXPECT_EQ(scheduler.AddNoise(data, Tensor::FromVector<int32_t>({250, 750}, {2}), noise)
                .ToVector<double>(),
            wanted);
  EXPECT_EQ(scheduler.AddNoise(data, Tensor::FromVector<float>({250, 750}, {2}), noise)
                .ToVector<double>(),
            wanted);
  EXPECT_EQ(scheduler.AddNoise(data, Tensor::Scalar<int64_t>(500), noise).ToVector<double>(),
            (std::vector<double>{2, 0, 2, 1}));
  EXPECT_EQ(FlowMatchScheduler(4)
                .AddNoise(data, Tensor::FromVector<int64_t>({1, 3}, {2}), noise)
                .ToVector<double>(),
            wanted);
}

TEST(FlowMatchSchedulerTest, TheEndsOfThePathAreNoiseAndData) {
  const auto values = [](const Tensor& x) { return Cast(x, DType::kF64).ToVector<double>(); };
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const FlowMatchScheduler scheduler;
    const Batch b(dtype);
    const auto at = [&](double k) {
      return values(scheduler.AddNoise(b.data, autograd::Full({4}, k, DType::kI64), b.noise));
    };
    EXPECT_EQ(at(0), values(b.noise));
    EXPECT_EQ(at(1000), values(b.data));
  }
}

// Theorem test 20: what AddNoise does, steps along the path's velocity undo.
TEST(FlowMatchSchedulerTest, StepsReturnFromNoiseToTheSample) {
  const FlowMatchScheduler scheduler;
  const Batch b;
  const Tensor velocity = b.data - b.noise;
  // From pure noise, in any number of steps.
  for (const int steps : {1, 2, 7, 50, 1000}) {
    Tensor x = scheduler.AddNoise(b.data, autograd::Zeros({4}, DType::kI64), b.noise);
    for (int i = 0; i < steps; ++i) x = scheduler.Step(velocity, x, steps);
    ExpectNear(x, b.data, 1e-12);
  }
  // From a timestep on, one step for each; on the way the states are those of AddNoise.
  Tensor x = scheduler.AddNoise(b.data, Tensor::Scalar<int64_t>(600), b.noise);
  for (int64_t k = 600; k < 1000; ++k) {
    x = scheduler.Step(velocity, x, 1000);
    ExpectNear(x, scheduler.AddNoise(b.data, Tensor::Scalar(k + 1), b.noise), 1e-12);
  }
  ExpectNear(x, b.data, 1e-12);
}

TEST(FlowMatchSchedulerTest, StepsAreSolveOdesByEuler) {
  const FlowMatchScheduler scheduler;
  const GaussianFlow flow{std::make_shared<CondOTScheduler>()};
  const VelocityField field = flow.Field();
  const Tensor start = Tensor::FromVector<double>({-1.3, .2, .9}, {3, 1});
  for (const int steps : {1, 10, 50, 400}) {
    const std::vector<double> times = scheduler.SamplingTimes(steps);
    ASSERT_EQ(times.size(), static_cast<size_t>(steps) + 1);
    Tensor x = start;
    for (int i = 0; i < steps; ++i) {
      const Tensor t = autograd::Full({3}, times[static_cast<size_t>(i)], DType::kF64);
      x = scheduler.Step(field(x, t), x, steps);
    }
    const OdeSolution solution =
        SolveOde(field, start, {0, 1}, {.method = OdeMethod::kEuler, .steps = steps});
    ExpectNear(x, solution.x, 1e-13);
    if (steps < 400) continue;
    // And lead to the data, N(.7, .4^2).
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(x.at<double>({i, 0}), .7 + .4 * start.at<double>({i, 0}), 5e-3);
    }
  }
}

TEST(FlowMatchSchedulerTest, TimesAreRoundedOnce) {
  const FlowMatchScheduler scheduler;
  std::vector<int64_t> k(1000);
  for (size_t i = 0; i < k.size(); ++i) k[i] = static_cast<int64_t>(i);
  const Tensor timesteps = Tensor::FromVector(k, {1000});
  const std::vector<float> single = scheduler.Times(timesteps).ToVector<float>();
  const std::vector<double> dbl = scheduler.Times(timesteps, DType::kF64).ToVector<double>();
  for (size_t i = 0; i < k.size(); ++i) {
    EXPECT_EQ(dbl[i], static_cast<double>(i) / 1000);
    EXPECT_EQ(single[i], static_cast<float>(dbl[i]));
    EXPECT_LT(single[i], 1);
  }
  const Tensor strided = Slice(timesteps, 0, 0, 10, 4);
  EXPECT_EQ(scheduler.Times(strided, DType::kF64).ToVector<double>(),
            (std::vector<double>{0, .004, .008}));
  EXPECT_EQ(scheduler.Times(Tensor::Scalar(.5), DType::kF64).item(), .0005);
}

TEST(FlowMatchSchedulerTest, Gradients) {
  const FlowMatchScheduler scheduler;
  const Batch b;
  const Tensor k = Tensor::FromVector<int64_t>({0, 100, 550, 999}, {4});
  const autograd::GradCheckReport report = autograd::GradCheck(
      [&](const std::vector<Tensor>& in) {
        const Tensor x = scheduler.AddNoise(in[0], k, in[1]);
        return std::vector<Tensor>{x, scheduler.Step(in[0] * in[1], x, 10)};
      },
      {b.data, b.noise});
  EXPECT_TRUE(report.ok) << report.message;
}

TEST(FlowMatchSchedulerTest, MisuseIsNamed) {
  const FlowMatchScheduler scheduler;
  const Tensor x = autograd::Zeros({2, 3}), k = autograd::Zeros({2}, DType::kI64);
  EXPECT_EQ(ErrorText([] { FlowMatchScheduler(0); }),
            "FlowMatchScheduler: 0 timesteps, expected 1 to 2^24");

  const auto times_error = [&](const Tensor& timestep, DType dtype = DType::kF32) {
    return ErrorText([&] { scheduler.Times(timestep, dtype); });
  };
  const std::string name = "FlowMatchScheduler::Times: ";
  EXPECT_EQ(times_error(Tensor()),
            name + "timestep is undefined, expected [B] or rank 0 of i32, i64, f32 or f64");
  EXPECT_EQ(times_error(x),
            name + "timestep is [2, 3] f32, expected [B] or rank 0 of i32, i64, f32 or f64");
  EXPECT_EQ(times_error(k, DType::kI64), name + "dtype is i64, expected f32 or f64");
  EXPECT_EQ(times_error(Tensor::FromVector<int64_t>({3, 1001}, {2})),
            name + "timestep 1001, expected 0 to 1000");
  EXPECT_EQ(times_error(Tensor::FromVector<int64_t>({-1}, {1})),
            name + "timestep -1, expected 0 to 1000");
  EXPECT_EQ(times_error(Tensor::Scalar(std::nan(""))), name + "timestep nan, expected 0 to 1000");

  const auto noise_error = [&](const Tensor& sample, const Tensor& timestep, const Tensor& noise) {
    return ErrorText([&] { scheduler.AddNoise(sample, timestep, noise); });
  };
  const std::string wants =
      "FlowMatchScheduler::AddNoise: wants a sample [B, ...] of f32 or f64, a timestep [B] or of "
      "rank 0, and noise like the sample; got ";
  // Noise and timestep in the order of other libraries.
  EXPECT_EQ(noise_error(x, x, k), wants + "[2, 3] f32, [2, 3] f32 and [2] i64");
  EXPECT_EQ(noise_error(x, k, autograd::Zeros({2, 1})),
            wants + "[2, 3] f32, [2] i64 and [2, 1] f32");
  EXPECT_EQ(noise_error(x, autograd::Zeros({3}, DType::kI64), x),
            wants + "[2, 3] f32, [3] i64 and [2, 3] f32");
  EXPECT_EQ(noise_error(Tensor(), k, x), wants + "undefined, [2] i64 and [2, 3] f32");
  EXPECT_EQ(noise_error(x, Tensor::Scalar<int64_t>(2000), x),
            name + "timestep 2000, expected 0 to 1000");

  const auto step_error = [&](const Tensor& output, const Tensor& sample, int steps) {
    return ErrorText([&] { scheduler.Step(output, sample, steps); });
  };
  EXPECT_EQ(step_error(x, x, 0), "FlowMatchScheduler::Step: 0 steps, expected 1 or more");
  EXPECT_EQ(step_error(autograd::Zeros({3}), x, 5),
            "FlowMatchScheduler::Step: the model's output is [3] f32 and the sample [2, 3] f32, "
            "expected one shape, and f32 or f64");
  EXPECT_EQ(step_error(Tensor(), x, 5),
            "FlowMatchScheduler::Step: the model's output is undefined and the sample [2, 3] f32, "
            "expected one shape, and f32 or f64");
  EXPECT_EQ(ErrorText([&] { scheduler.SamplingTimes(-2); }),
            "FlowMatchScheduler::SamplingTimes: -2 steps, expected 1 or more");
}

}  // namespace
}  // namespace flowmatch
