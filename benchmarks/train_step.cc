// How long a training step takes, all of it: noise, times and labels drawn, loss, gradients, AdamW
// and the moving average of the parameters.
//
//     bazel run //benchmarks:train_step -- --model=unet --batch_size=256 --threads=2 --steps=5
//
// Prints one line of JSON. Images and points are random numbers: reading data is not in it.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "autograd/grad.h"
#include "autograd/kernels/isa.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/parallel/parallel.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/models/class_conditioned_unet.h"
#include "flowmatch/models/flow_mlp.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/time/time_sampler.h"
#include "nn/ema.h"
#include "nn/optim/adam.h"
#include "nn/parameter_buffer.h"

ABSL_FLAG(std::string, model, "unet", "unet (of the MNIST program) or moons (3-64-64-64-2)");
ABSL_FLAG(int64_t, batch_size, 256, "samples in a batch");
ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
ABSL_FLAG(int64_t, steps, 5, "timed steps, after --warmup others");
ABSL_FLAG(int64_t, warmup, 2, "steps before the timed ones");

namespace {

using autograd::Generator;
using autograd::Tensor;
using Clock = std::chrono::steady_clock;

// What a step needs to know of a model.
struct Problem {
  std::unique_ptr<nn::Module> model;
  Tensor data;  // a batch of x_1
  std::function<Tensor(int64_t, Generator&)> times;
  // The velocity with labels drawn from the generator, where the model wants some.
  std::function<Tensor(const Tensor& x, const Tensor& t, Generator& generator)> velocity;
};

Problem UNetProblem(int64_t batch, Generator& generator) {
  auto model = std::make_unique<flowmatch::ClassConditionedUNet>(
      flowmatch::ClassConditionedUNetOptions{}, generator);
  Problem problem;
  problem.data = autograd::Rand({batch, 28, 28, 1}, generator) * 2.0 - 1.0;
  problem.times = [](int64_t n, Generator& g) {
    return flowmatch::DiscreteUniformTimes(n, 1000, g);
  };
  problem.velocity = [unet = model.get()](const Tensor& x, const Tensor& t, Generator& g) {
    return unet->Forward(x, t, autograd::RandInt(0, 11, {x.size(0)}, g));
  };
  problem.model = std::move(model);
  return problem;
}

Problem MoonsProblem(int64_t batch, Generator& generator) {
  auto model = std::make_unique<flowmatch::FlowMlp>(flowmatch::FlowMlpOptions{}, generator);
  Problem problem;
  problem.data = autograd::Randn({batch, 2}, generator);
  problem.times = [](int64_t n, Generator& g) { return autograd::Rand({n}, g); };
  problem.velocity = [mlp = model.get()](const Tensor& x, const Tensor& t, Generator&) {
    return mlp->Forward(x, t);
  };
  problem.model = std::move(model);
  return problem;
}

// Milliseconds of each timed step.
std::vector<double> TimeSteps(const Problem& problem, int64_t steps, int64_t warmup,
                              Generator& generator) {
  nn::ParameterBuffer parameters(*problem.model);
  nn::AdamW optimizer(parameters, {.learning_rate = 1e-3});
  nn::Ema ema(parameters, nn::WarmupDecay(0.9999));
  const flowmatch::AffinePath path(std::make_shared<flowmatch::CondOTScheduler>());
  std::vector<double> times;
  for (int64_t i = 0; i < warmup + steps; ++i) {
    const auto start = Clock::now();
    const Tensor x0 = autograd::Randn(problem.data.shape(), generator);
    const Tensor t = problem.times(problem.data.size(0), generator);
    optimizer.ZeroGrad();
    const Tensor loss = flowmatch::CfmLoss(
        [&](const Tensor& x, const Tensor& at) { return problem.velocity(x, at, generator); },
        path.Sample(x0, problem.data, t));
    Backward(loss);
    loss.item<float>();
    optimizer.Step();
    ema.Update();
    if (i < warmup) continue;
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

int64_t PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

int Fail(const std::string& message) {
  std::cerr << "train_step: " << message << "\n";
  return 2;
}

int Run() {
  const std::string name = absl::GetFlag(FLAGS_model);
  const int64_t batch = absl::GetFlag(FLAGS_batch_size), steps = absl::GetFlag(FLAGS_steps);
  const int threads = absl::GetFlag(FLAGS_threads);
  if (name != "unet" && name != "moons")
    return Fail("--model is '" + name + "', expected unet or moons");
  if (batch < 1 || steps < 1 || threads < 0 || absl::GetFlag(FLAGS_warmup) < 0) {
    return Fail("wants positive --batch_size and --steps, and no negative --threads or --warmup");
  }
  if (threads > 0) autograd::SetNumThreads(threads);
  Generator generator(0);
  const Problem problem =
      name == "unet" ? UNetProblem(batch, generator) : MoonsProblem(batch, generator);
  const std::vector<double> times =
      TimeSteps(problem, steps, absl::GetFlag(FLAGS_warmup), generator);
  const double median = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
  std::cout << absl::StrFormat(
      "{\"model\": \"%s\", \"batch_size\": %d, \"threads\": %d, \"steps\": %d, \"median_ms\": "
      "%.4g, "
      "\"min_ms\": %.4g, \"images_per_second\": %.5g, \"peak_memory_bytes\": %d, \"isa\": "
      "\"%s\"}\n",
      name, batch, autograd::NumThreads(), steps, median, times[0],
      static_cast<double>(batch) / median * 1e3, PeakMemoryBytes(),
      autograd::IsaName(autograd::ActiveIsa()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Times training steps and prints one line of JSON.");
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail("takes flags only");
  return Run();
}
