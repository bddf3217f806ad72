// What flow matching itself costs beside the model: a batch of path samples and times, and steps of
// the solvers with a field that costs next to nothing.
#include <memory>
#include <string>

#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "benchmark/benchmark.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"
#include "flowmatch/time/time_sampler.h"

namespace flowmatch {
namespace {

void Sample(benchmark::State& state, const std::string& scheduler, int64_t batch, int64_t dim) {
  autograd::Generator generator(1);
  const AffinePath path(SchedulerByName(scheduler).value());
  const Tensor x0 = autograd::Randn({batch, dim}, generator);
  const Tensor x1 = autograd::Randn({batch, dim}, generator);
  const Tensor t = UniformTimes(batch, path.scheduler().training_times(), generator);
  for (auto _ : state) benchmark::DoNotOptimize(path.Sample(x0, x1, t));
}
BENCHMARK_CAPTURE(Sample, moons_cond_ot, "cond_ot", 256, 2);
BENCHMARK_CAPTURE(Sample, moons_cosine, "cosine", 256, 2);
BENCHMARK_CAPTURE(Sample, moons_vp, "vp", 256, 2);
BENCHMARK_CAPTURE(Sample, mnist_cond_ot, "cond_ot", 256, 784);

void Times(benchmark::State& state) {
  autograd::Generator generator(1);
  const TimeRange range = VPScheduler().training_times();
  for (auto _ : state) benchmark::DoNotOptimize(UniformTimes(256, range, generator));
}
BENCHMARK(Times);

void Steps(benchmark::State& state, OdeMethod method) {
  const autograd::NoGrad guard;
  const Tensor velocity = autograd::Ones({1000, 2}), x = autograd::Zeros({1000, 2});
  const VelocityField field = [&](const Tensor&, const Tensor&) { return velocity; };
  constexpr int kSteps = 100;
  for (auto _ : state) {
    benchmark::DoNotOptimize(SolveOde(field, x, {0, 1}, {.method = method, .steps = kSteps}));
  }
  // Seconds for each evaluation of the field.
  const int64_t calls = SolveOde(field, x, {0, 1}, {.method = method, .steps = kSteps}).evaluations;
  state.counters["evaluation"] =
      benchmark::Counter(static_cast<double>(calls * state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(Steps, euler, OdeMethod::kEuler);
BENCHMARK_CAPTURE(Steps, midpoint, OdeMethod::kMidpoint);
BENCHMARK_CAPTURE(Steps, dopri5, OdeMethod::kDopri5);

}  // namespace
}  // namespace flowmatch
