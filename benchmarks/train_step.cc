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
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/timing.h"
#include "benchmarks/training_step.h"
#include "flowmatch/loss/chunked_backward.h"

ABSL_FLAG(std::string, model, "unet", "unet (of the MNIST program) or moons (3-64-64-64-2)");
ABSL_FLAG(std::string, dtype, "f32", "of activations: f32, or bf16 for unet");
ABSL_FLAG(int64_t, batch_size, 256, "samples in a batch");
ABSL_FLAG(int64_t, chunk_size, -1,
          "samples that go forward and backward together, 0 for all (default: that of the MNIST "
          "program for unet, all for moons)");
ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
ABSL_FLAG(int64_t, steps, 5, "timed steps, after --warmup others");
ABSL_FLAG(int64_t, warmup, 2, "steps before the timed ones");

namespace {

constexpr char kProgram[] = "train_step";

int Run() {
  const std::string model = absl::GetFlag(FLAGS_model), dtype = absl::GetFlag(FLAGS_dtype);
  const int64_t batch = absl::GetFlag(FLAGS_batch_size), steps = absl::GetFlag(FLAGS_steps);
  const int64_t given = absl::GetFlag(FLAGS_chunk_size);
  const int64_t chunk = given >= 0 ? given : model == "unet" ? flowmatch::kDefaultChunk : 0;
  const int threads = absl::GetFlag(FLAGS_threads);
  if (batch < 1 || steps < 1 || threads < 0 || absl::GetFlag(FLAGS_warmup) < 0) {
    return benchmarks::Fail(
        kProgram, "wants positive --batch_size and --steps, and no negative --threads or --warmup");
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
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Times training steps and prints one line of JSON.");
  if (absl::ParseCommandLine(argc, argv).size() > 1) {
    return benchmarks::Fail(kProgram, "takes flags only");
  }
  try {
    return Run();
  } catch (const std::invalid_argument& error) {
    return benchmarks::Fail(kProgram, error.what());
  }
}
