// The losses of several training runs of the MNIST program in one picture, and the means of every
// 100 iterations beside each other: whether training in bf16 reaches the losses of f32.
//
//     bazel run //examples:mnist -- train --dtype=f32 --epochs=2 --output_dir=$PWD/f32
//     bazel run //examples:mnist -- train --dtype=bf16 --epochs=2 --output_dir=$PWD/bf16
//     bazel run //benchmarks:compare_losses -- --runs=f32,bf16 --output=losses.png
//
// A run is the folder that train wrote to; its last part is its name in the picture. Runs of
// different lengths are compared as far as the shortest one goes.
#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "autograd/io/safetensors.h"
#include "benchmarks/program.h"
#include "examples/common/loss_curve.h"
#include "examples/common/paths.h"
#include "examples/plot/figure.h"
#include "nn/weights.h"

ABSL_FLAG(std::vector<std::string>, runs, {}, "folders that train wrote to, separated by commas");
ABSL_FLAG(std::string, output, "losses.png", "picture to write");
ABSL_FLAG(int, window, 20, "neighbouring losses whose mean is drawn");

namespace {

constexpr size_t kTableStep = 100;

struct Run {
  std::string name;
  std::vector<float> losses;
};

Run ReadRun(absl::string_view folder) {
  folder = absl::StripSuffix(folder, "/");
  if (folder.empty()) throw std::invalid_argument("--runs has an empty part, expected folders");
  const std::string path =
      absl::StrCat(examples::ResolvePath(std::string(folder)), "/checkpoint.safetensors");
  const auto file = autograd::ReadSafetensors(path);
  if (!file.ok()) throw std::invalid_argument(std::string(file.status().message()));
  const autograd::Tensor losses = nn::FindTensor(file->tensors, "progress.losses");
  if (!losses.defined() || losses.dtype() != autograd::DType::kF32) {
    throw std::invalid_argument(path + ": no checkpoint of the MNIST program: it has no losses");
  }
  const std::vector<std::string> parts = absl::StrSplit(folder, '/');
  return {parts.back(), losses.ToVector<float>()};
}

void PrintMeans(const std::vector<Run>& runs, size_t count) {
  absl::PrintF("%-12s", "iterations");
  for (const Run& run : runs) absl::PrintF("  %10s", run.name);
  for (size_t end = kTableStep; end <= count; end += kTableStep) {
    absl::PrintF("\n%5d - %4d", end - kTableStep + 1, end);
    for (const Run& run : runs) {
      const std::span<const float> last(run.losses.data() + end - kTableStep, kTableStep);
      absl::PrintF("  %10.4f", examples::MeanOfLosses(last, kTableStep).losses[0]);
    }
  }
  absl::PrintF(count < kTableStep ? "\nfewer than 100 iterations\n" : "\n");
}

void Draw(const std::vector<Run>& runs, size_t count, const std::string& path) {
  examples::plot::Figure figure(1000, 600);
  examples::plot::Axes& axes = figure.At(0, 0);
  const size_t window =
      std::clamp<size_t>(static_cast<size_t>(absl::GetFlag(FLAGS_window)), 1, count);
  for (const Run& run : runs) {
    const examples::MeanCurve mean = examples::MeanOfLosses({run.losses.data(), count}, window);
    const bool first = &run == &runs.front();
    axes.Line(mean.iterations, mean.losses,
              {.width = first ? 3.5 : 1.5, .label = absl::StrCat(run.name, ", mean of ", window)});
  }
  axes.LogY().XLabel("iteration").YLabel("loss").Title("MNIST: conditional flow matching loss");
  const absl::Status status = figure.Write(path);
  if (!status.ok()) throw std::invalid_argument(std::string(status.message()));
}

void Compare() {
  std::vector<Run> runs;
  for (const std::string& folder : absl::GetFlag(FLAGS_runs)) runs.push_back(ReadRun(folder));
  if (runs.empty()) throw std::invalid_argument("--runs is empty, expected folders");
  if (absl::GetFlag(FLAGS_window) < 1) {
    throw std::invalid_argument(
        absl::StrCat("--window is ", absl::GetFlag(FLAGS_window), ", expected 1 or more"));
  }
  size_t count = runs[0].losses.size();
  for (const Run& run : runs) count = std::min(count, run.losses.size());
  if (count == 0) throw std::invalid_argument("--runs: a run has no losses yet");
  PrintMeans(runs, count);
  Draw(runs, count, examples::ResolvePath(absl::GetFlag(FLAGS_output)));
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunProgram(argc, argv,
                                "Draws the losses of training runs of the MNIST program.", Compare);
}
