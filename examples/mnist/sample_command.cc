#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/io/npy.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/index.h"
#include "autograd/ops/shape.h"
#include "examples/common/command_line.h"
#include "examples/common/paths.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/generate.h"
#include "examples/mnist/pictures.h"
#include "examples/mnist/subcommands.h"

namespace examples::mnist {
namespace {

using autograd::Tensor;

// Moments of the film strip.
constexpr int kMoments = 11;

// The noise of a file, or fresh: [n, 28, 28, 1].
absl::StatusOr<Tensor> StartingNoise(const SampleOptions& options, int64_t n) {
  const autograd::Shape shape = {n, kImageSize, kImageSize, 1};
  if (options.init_noise.empty()) {
    autograd::Generator generator(options.seed, kSampleStream);
    return autograd::Randn(shape, generator);
  }
  const absl::StatusOr<Tensor> noise = autograd::ReadNpy(options.init_noise);
  if (!noise.ok()) return noise.status();
  if (noise->dtype() != autograd::DType::kF32 || noise->shape() != shape) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.init_noise, ": it holds ", Describe(*noise), ", expected ", shape.ToString(),
        " f32: ", options.count, " rows of the null label and ", options.labels.size(), " digits"));
  }
  const Tensor dense = Contiguous(*noise);
  const std::span<const float> values = dense.span<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(options.init_noise, ": element ", i, " is not finite"));
  }
  return dense;
}

// The first rows of each state: an image of every label.
std::vector<Tensor> FirstRow(const std::vector<Tensor>& states, int64_t columns) {
  std::vector<Tensor> rows;
  const Tensor index = autograd::Arange(0, static_cast<double>(columns), 1, autograd::DType::kI64);
  for (const Tensor& state : states) rows.push_back(IndexSelect(state, 0, index));
  return rows;
}

}  // namespace

absl::StatusOr<int> RunSample(const SampleOptions& options) {
  const absl::StatusOr<LoadedModel> loaded = LoadModel(options.model);
  if (!loaded.ok()) return loaded.status();
  loaded->model->set_compute_dtype(options.dtype);
  const std::vector<int64_t> columns = GridColumns(options.labels);
  const std::vector<int64_t> labels = Repeat(columns, options.count);
  const absl::StatusOr<Tensor> noise = StartingNoise(options, static_cast<int64_t>(labels.size()));
  if (!noise.ok()) return noise.status();
  absl::Status status = MakeFolder(options.output_dir);
  if (!status.ok()) return status;
  const GenerateOptions generate = {.guidance_scale = options.guidance_scale, .ode = options.ode};
  absl::PrintF("drawing %d images from %s (%s weights), %s, activations %s\n", labels.size(),
               options.model.path, loaded->averaged ? "averaged" : "last", Describe(generate),
               autograd::DTypeName(options.dtype));
  std::fflush(stdout);

  std::vector<double> times;
  for (int i = 0; i < kMoments; ++i) times.push_back(static_cast<double>(i) / (kMoments - 1));
  const std::vector<Tensor> states =
      GenerateStates(*loaded->model, *noise, labels, times, generate);
  const std::string folder = options.output_dir + "/";
  status = autograd::WriteNpy(folder + "samples.npy", states.back());
  if (status.ok()) {
    status = DrawGrid(states.back(), columns, Describe(generate), folder + "samples.png");
  }
  if (status.ok()) {
    status =
        DrawFlow(FirstRow(states, static_cast<int64_t>(columns.size())), times, columns,
                 absl::StrCat("From noise to digit: ", Describe(generate)), folder + "flow.png");
  }
  if (!status.ok()) return Fail(status, kFailure);
  absl::PrintF("samples.png, samples.npy and flow.png are in %s\n", options.output_dir);
  return 0;
}

}  // namespace examples::mnist
