// Sampling gives the network times on the scale it was trained on: t in [0, 1) of the path, not the
// number of a step. A network trained on k / 1000 that is sampled with steps 0 ... 49 believes that
// t never passes .049.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "flowmatch/guidance/classifier_free_guidance.h"
#include "flowmatch/guidance/label_dropout.h"
#include "flowmatch/scheduler/flow_match_scheduler.h"
#include "flowmatch/solver/ode_solver.h"
#include "flowmatch/time/time_grid.h"
#include "flowmatch/time/time_sampler.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/guidance/conditional_network.h"

namespace flowmatch {
namespace {

using autograd::DType;

// The times a network was given so far, and forgets.
std::vector<float> Recorded(const ConditionalNetwork& network) {
  std::vector<float> times;
  for (const Tensor& t : network.times) {
    for (const float time : t.ToVector<float>()) times.push_back(time);
  }
  network.times.clear();
  return times;
}

// As the MNIST program trains.
std::set<float> TrainedTimes(const ConditionalNetwork& network) {
  const FlowMatchScheduler scheduler;
  autograd::Generator generator(3);
  for (int i = 0; i < 80; ++i) {
    const Tensor x = autograd::Randn({256, 3}, generator), noise = RandnLike(x, generator);
    const Tensor k = autograd::RandInt(0, 1000, {256}, generator);
    const Tensor labels = DropLabels(autograd::RandInt(1, 6, {256}, generator), .2, 0, generator);
    network.Forward(scheduler.AddNoise(x, k, noise), scheduler.Times(k), labels);
  }
  const std::vector<float> times = Recorded(network);
  return std::set<float>(times.begin(), times.end());
}

TEST(SamplingTimesTest, AreThoseOfTraining) {
  const autograd::NoGrad guard;
  const ConditionalNetwork network(DType::kF32);
  const std::set<float> trained = TrainedTimes(network);
  // 20480 draws miss none of the 1000 times.
  ASSERT_EQ(trained.size(), 1000u);
  const FlowMatchScheduler scheduler;
  const Tensor labels = Tensor::FromVector<int64_t>({0, 3}, {2});
  const ClassifierFreeGuidance guided(network.Velocity(), labels, {.scale = 4});
  autograd::Generator generator(4);
  const Tensor noise = autograd::Randn({2, 3}, generator);
  for (const int steps : {10, 50, 100, 1000}) {
    // The solver, and the scheduler's own loop.
    SolveOde(guided, noise, {0, 1}, {.method = OdeMethod::kEuler, .steps = steps});
    const std::vector<float> solver = Recorded(network);
    const std::vector<double> times = scheduler.SamplingTimes(steps);
    SolveOde(guided, noise, {0, 1}, {.method = OdeMethod::kEuler, .grid = times});
    EXPECT_EQ(Recorded(network), solver);
    Tensor x = noise;
    for (int i = 0; i < steps; ++i) {
      x = scheduler.Step(guided(x, autograd::Full({2}, times[static_cast<size_t>(i)])), x, steps);
    }
    EXPECT_EQ(Recorded(network), solver);

    // Both labels, and label 3 again with the null label.
    ASSERT_EQ(solver.size(), static_cast<size_t>(3 * steps));
    for (const float time : solver) EXPECT_TRUE(trained.contains(time)) << time;
    EXPECT_EQ(solver.front(), 0);
    EXPECT_EQ(solver.back(), 1 - 1 / static_cast<float>(steps));
    // In equal steps through the whole of them.
    for (int i = 0; i < steps; ++i) {
      EXPECT_EQ(solver[static_cast<size_t>(3 * i)],
                static_cast<float>(static_cast<double>(i) / steps));
    }
  }
}

TEST(SamplingTimesTest, StayAmongThoseOfTrainingForOtherStepsAndGrids) {
  const autograd::NoGrad guard;
  const ConditionalNetwork network(DType::kF32);
  const Tensor labels = Tensor::FromVector<int64_t>({1, 2, 0}, {3});
  const ClassifierFreeGuidance guided(network.Velocity(), labels, {.scale = 2});
  const Tensor noise = autograd::Zeros({3, 3});
  for (const std::vector<double>& grid :
       {UniformTimeGrid(7), UniformTimeGrid(30), ShiftedTimeGrid(28, 3), EdmTimeGrid(18)}) {
    SolveOde(guided, noise, {grid.front(), 1}, {.method = OdeMethod::kEuler, .grid = grid});
    const std::vector<float> times = Recorded(network);
    const auto [low, high] = std::minmax_element(times.begin(), times.end());
    EXPECT_GE(*low, 0);
    EXPECT_LT(*high, 1);
    EXPECT_LT(*low, .02f);
    EXPECT_GT(*high, .85f);
  }
}

TEST(SamplingTimesTest, DiscreteTimesAndTimestepsAreTheSame) {
  const auto values = [](const Tensor& t) { return Cast(t, DType::kF64).ToVector<double>(); };
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    autograd::Generator a(5), b(5);
    const Tensor times = DiscreteUniformTimes(500, 1000, a, dtype);
    const Tensor k = autograd::RandInt(0, 1000, {500}, b);
    EXPECT_EQ(values(times), values(FlowMatchScheduler().Times(k, dtype)));
    EXPECT_EQ(a.state(), b.state());
  }
}

}  // namespace
}  // namespace flowmatch
