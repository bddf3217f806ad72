// How long it takes to draw a grid of digits with classifier-free guidance, as the MNIST program
// does: 44 images, 50 Euler steps, guidance 4, both halves of the guidance as one batch.
//
//     bazel run //benchmarks:sample -- --threads=2
//
// Prints one line of JSON with the fields of train_step; an image counts once, whatever the steps.
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "autograd/ops/creation.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/model_flops.h"
#include "benchmarks/program.h"
#include "benchmarks/timing.h"
#include "benchmarks/training_step.h"
#include "examples/mnist/generate.h"

ABSL_FLAG(std::string, dtype, "f32", "of activations: f32 or bf16");
ABSL_FLAG(int64_t, batch_size, 44, "images to draw");
ABSL_FLAG(int64_t, chunk_size, examples::mnist::GenerateOptions().chunk,
          "images drawn at a time, 0 for all");
ABSL_FLAG(int, euler_steps, 50, "steps of the solver");
ABSL_FLAG(double, guidance_scale, 4, "weight of the label; 1 is without guidance");
ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
ABSL_FLAG(int64_t, steps, 1, "how often to draw all images, after --warmup others");
ABSL_FLAG(int64_t, warmup, 1, "drawings before the timed ones");

namespace {

using examples::mnist::GenerateOptions;

void Run() {
  const std::string dtype = absl::GetFlag(FLAGS_dtype);
  const int64_t batch = absl::GetFlag(FLAGS_batch_size), steps = absl::GetFlag(FLAGS_steps);
  const int threads = absl::GetFlag(FLAGS_threads), euler = absl::GetFlag(FLAGS_euler_steps);
  if (batch < 1 || steps < 1 || euler < 1 || threads < 0 || absl::GetFlag(FLAGS_chunk_size) < 0 ||
      absl::GetFlag(FLAGS_warmup) < 0) {
    throw std::invalid_argument(
        "wants positive --batch_size, --euler_steps and --steps, and no "
        "negative --chunk_size, --threads or --warmup");
  }
  if (threads > 0) autograd::SetNumThreads(threads);
  autograd::Generator generator(0);
  flowmatch::ClassConditionedUNet model(
      benchmarks::UNetOptions(benchmarks::ActivationsByName(dtype)), generator);
  model.Eval();
  GenerateOptions options = {.guidance_scale = absl::GetFlag(FLAGS_guidance_scale),
                             .ode = {.method = flowmatch::OdeMethod::kEuler, .steps = euler},
                             .chunk = absl::GetFlag(FLAGS_chunk_size)};
  const autograd::Tensor noise = autograd::Randn({batch, 28, 28, 1}, generator);
  // The digits in turn, none of them the null label, which would need no guidance.
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < batch; ++i) labels.push_back(1 + i % 10);
  const double evaluations = euler * (options.guidance_scale == 1 ? 1 : 2);
  benchmarks::Report report = {.model = "unet",
                               .dtype = dtype,
                               .batch_size = batch,
                               .chunk_size = options.chunk,
                               .flops = evaluations * static_cast<double>(batch) *
                                        benchmarks::ForwardFlops(model, 28, 28).computed(),
                               .milliseconds = {}};
  report.milliseconds = benchmarks::TimeCalls(steps, absl::GetFlag(FLAGS_warmup), [&] {
    examples::mnist::Generate(model, noise, labels, options);
  });
  std::cout << benchmarks::ToJson(report) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunProgram(argc, argv, "Times guided sampling and prints one line of JSON.",
                                Run);
}
