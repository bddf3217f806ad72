// How long a training step takes, all of it: noise, times and labels drawn, loss, gradients, AdamW
// and the moving average of the parameters.
//
//     bazel run //benchmarks:train_step -- --model=unet --batch_size=256 --threads=2 --steps=5
//
// Prints one line of JSON. Images and points are random numbers: reading data is not in it.
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include "absl/flags/flag.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/program.h"
#include "benchmarks/timing.h"
#include "benchmarks/training_step.h"
#include "examples/common/number_flag.h"
#include "flowmatch/loss/chunked_backward.h"

ABSL_FLAG(std::string, model, "unet", "unet (of the MNIST program) or moons (3-64-64-64-2)");
ABSL_FLAG(std::string, dtype, "f32", "of activations: f32, or bf16 for unet");
ABSL_FLAG(int64_t, batch_size, 256, "samples in a batch");
ABSL_FLAG(examples::NumberFlag<int64_t>, chunk_size, {},
          "samples that go forward and backward together, 0 for all (default: that of the MNIST "
          "program for unet, all for moons)");
ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
ABSL_FLAG(int64_t, steps, 5, "timed steps, after --warmup others");
ABSL_FLAG(int64_t, warmup, 2, "steps before the timed ones");

namespace {

void Run() {
  const std::string model = absl::GetFlag(FLAGS_model), dtype = absl::GetFlag(FLAGS_dtype);
  const int64_t batch = absl::GetFlag(FLAGS_batch_size), steps = absl::GetFlag(FLAGS_steps);
  const int64_t chunk = absl::GetFlag(FLAGS_chunk_size)
                            .value.value_or(model == "unet" ? flowmatch::kDefaultChunk : 0);
  const int threads = absl::GetFlag(FLAGS_threads);
  if (batch < 1 || chunk < 0 || steps < 1 || threads < 0 || absl::GetFlag(FLAGS_warmup) < 0) {
    throw std::invalid_argument(
        "wants positive --batch_size and --steps, and no negative --chunk_size, --threads or "
        "--warmup");
  }
  if (threads > 0) autograd::SetNumThreads(threads);
  benchmarks::TrainingStep step({.model = model,
                                 .batch_size = batch,
                                 .chunk_size = chunk,
                                 .dtype = benchmarks::ActivationsByName(dtype)});
  benchmarks::Report report = {.model = model,
                               .dtype = dtype,
                               .batch_size = batch,
                               .chunk_size = chunk,
                               .flops = step.flops(),
                               .milliseconds = {}};
  report.milliseconds =
      benchmarks::TimeCalls(steps, absl::GetFlag(FLAGS_warmup), [&] { step.Run(); });
  std::cout << benchmarks::ToJson(report) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunProgram(argc, argv, "Times training steps and prints one line of JSON.",
                                Run);
}
