// What the MNIST program was asked to do: its commands and their flags, checked.
#ifndef EXAMPLES_MNIST_OPTIONS_H_
#define EXAMPLES_MNIST_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"
#include "examples/common/commands.h"
#include "flowmatch/solver/ode_solver.h"

namespace examples::mnist {

// train, sample, eval, export and info, with the flags of each and their defaults.
const std::vector<Command>& Commands();

struct TrainOptions {
  int64_t epochs = 0;
  // What makes a run the run it is. With --resume, those that were not given are the checkpoint's.
  std::optional<int64_t> batch_size;
  std::optional<int64_t> chunk_size;
  std::optional<double> learning_rate;
  std::optional<double> null_probability;
  std::optional<double> ema;  // decay, 0 = off
  std::optional<bool> flip;
  std::optional<autograd::DType> dtype;  // of activations
  std::optional<uint64_t> seed;
  std::vector<int64_t> channels;  // empty if not given and --resume

  std::string data_dir;
  std::string output_dir;
  bool resume = false;
  int64_t max_iterations = 0;  // of the whole run; 0 = no limit
  int64_t eval_every = 0;      // epochs; 0 = never
  int threads = 0;             // 0 = all processors
};

// Files that come with the program, in the repository: without a run of one's own, sample, eval and
// export use them.
inline constexpr char kPublishedModel[] = "examples/checkpoints/mnist_unet.safetensors";
inline constexpr char kPublishedClassifier[] = "examples/checkpoints/mnist_classifier.safetensors";

// Which model to draw from, and how.
struct ModelChoice {
  std::string path;  // a checkpoint.safetensors or a model.safetensors
  // Neither --checkpoint nor a run in --output_dir: `path` is the model that comes with the
  // program.
  bool published = false;
  // --use_ema as given: without it, the averaged weights where there are any.
  std::optional<bool> use_ema;
};

struct SampleOptions {
  ModelChoice model;
  std::vector<int64_t> labels;                    // digits
  int64_t count = 0;                              // rows of the grid
  autograd::DType dtype = autograd::DType::kF32;  // of activations
  double guidance_scale = 0;
  flowmatch::OdeOptions ode;
  uint64_t seed = 0;
  std::string init_noise;  // a .npy file, or empty
  std::string output_dir;
  int threads = 0;
};

struct EvalOptions {
  ModelChoice model;
  int64_t samples_per_class = 0;
  autograd::DType dtype = autograd::DType::kF32;  // of activations
  std::vector<double> guidance_scales;
  std::vector<int64_t> steps;
  flowmatch::OdeMethod method = flowmatch::OdeMethod::kEuler;
  uint64_t seed = 0;
  std::string data_dir;
  std::string output_dir;
  int threads = 0;
};

struct ExportOptions {
  ModelChoice model;
  autograd::DType dtype = autograd::DType::kBF16;  // of the weights in the file
  std::string output;                              // the file
};

struct InfoOptions {
  std::string path;  // of a model's file, or empty: the model --channels describes
  std::vector<int64_t> channels;
};

// The flags of a command as options. InvalidArgument: one line that says which flag is wrong and
// what is allowed.
absl::StatusOr<TrainOptions> TrainOptionsFrom(const CommandLine& line);
absl::StatusOr<SampleOptions> SampleOptionsFrom(const CommandLine& line);
absl::StatusOr<EvalOptions> EvalOptionsFrom(const CommandLine& line);
absl::StatusOr<ExportOptions> ExportOptionsFrom(const CommandLine& line);
absl::StatusOr<InfoOptions> InfoOptionsFrom(const CommandLine& line);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_OPTIONS_H_
