// A step of AdamW over a flat buffer of parameters, alone, with gradients clipped by their norm,
// and with a moving average, too: what ends a training step, in one pass, on OMP_NUM_THREADS
// threads. "separate" does the same by ClipGradientNorm, Step and Ema::Update. The sizes are about
// those of the MNIST UNet and one beyond the caches.
//
// GB/s counts each array as often as one pass reads and writes it, and the gradients once more
// where their norm is needed first, so that "separate" has the same bytes and its time can be
// compared; "of copy" is the share of what a copy moves (peak.h).
#include <benchmark/benchmark.h>

#include <cstdint>

#include "autograd/grad.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/random/philox.h"
#include "benchmarks/peak.h"
#include "nn/ema.h"
#include "nn/linear.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/parameter_buffer.h"

namespace nn {
namespace {

constexpr double kMaxNorm = 1;

// A layer of range(0) rows and columns, with gradients.
struct Problem {
  explicit Problem(const benchmark::State& state)
      : generator(1),
        model(state.range(0), state.range(0), generator),
        parameters(model),
        optimizer(parameters),
        ema(parameters, WarmupDecay(0.9999)) {
    autograd::Backward(autograd::Sum(model.Forward(autograd::Ones({1, state.range(0)}))));
  }
  // p, m and v are read and written, g read; the average read and written; g read for its norm.
  void Report(benchmark::State& state, bool clip, bool average) const {
    const int arrays = 7 + (average ? 2 : 0) + (clip ? 1 : 0);
    benchmarks::ReportBytes(state, 4.0 * arrays * static_cast<double>(parameters.size()));
  }

  autograd::Generator generator;
  Linear model;
  ParameterBuffer parameters;
  AdamW optimizer;
  Ema ema;
};

void Step(benchmark::State& state, bool clip, bool average) {
  Problem p(state);
  const StepOptions options = {.max_norm = clip ? kMaxNorm : 0, .ema = average ? &p.ema : nullptr};
  for (auto _ : state) p.optimizer.Step(options);
  p.Report(state, clip, average);
}

void Separate(benchmark::State& state) {
  Problem p(state);
  for (auto _ : state) {
    ClipGradientNorm(p.parameters, kMaxNorm);
    p.optimizer.Step();
    p.ema.Update();
  }
  p.Report(state, /*clip=*/true, /*average=*/true);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1300)->Arg(5000)->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(Step, adamw, false, false)->Apply(Sizes);
BENCHMARK_CAPTURE(Step, adamw_clip, true, false)->Apply(Sizes);
BENCHMARK_CAPTURE(Step, adamw_clip_average, true, true)->Apply(Sizes);
BENCHMARK_CAPTURE(Step, adamw_average, false, true)->Apply(Sizes);
BENCHMARK(Separate)->Apply(Sizes);

}  // namespace
}  // namespace nn
