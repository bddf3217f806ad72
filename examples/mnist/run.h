// A training run of the MNIST program: what decides its numbers, and what changes as it goes on.
#ifndef EXAMPLES_MNIST_RUN_H_
#define EXAMPLES_MNIST_RUN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "autograd/random/philox.h"
#include "examples/mnist/model.h"
#include "examples/mnist/options.h"
#include "nn/ema.h"
#include "nn/optim/adam.h"
#include "nn/parameter_buffer.h"

namespace examples::mnist {

// Streams of the seed: what one part of the program draws does not depend on what another drew.
enum Stream : uint64_t {
  kInitStream,
  kTrainingStream,
  kSampleStream,
  kTestStream,
  kClassifierStream,
  kDropoutStream,
};

// Two runs with the same settings have the same bytes.
struct RunSettings {
  Architecture architecture;
  int64_t batch_size = 0;
  int64_t chunk_size = 0;  // of flowmatch::BackwardInChunks, 0 = the whole batch
  double learning_rate = 0;
  double null_probability = 0;
  double ema = 0;  // decay, 0 = off
  bool flip = false;
  autograd::DType dtype = autograd::DType::kF32;  // of activations
  uint64_t seed = 0;
  std::string data;  // fingerprint of the training images
};

// As metadata of a checkpoint.
std::map<std::string, std::string> SettingsMetadata(const RunSettings& settings);

// The settings of the options, or with `metadata` those of the checkpoint it came from.
// InvalidArgument if the metadata lacks one, or if an option that was given or the data contradict
// it.
absl::StatusOr<RunSettings> SettingsFrom(const TrainOptions& options, const std::string& data,
                                         const std::map<std::string, std::string>* metadata);

// The state of a run, as new; checkpoint.h saves it and brings it back.
struct TrainingRun {
  explicit TrainingRun(const RunSettings& run_settings);

  int64_t iteration() const { return static_cast<int64_t>(losses.size()); }
  // Epochs with everything that belongs to their end.
  int64_t finished_epochs() const { return static_cast<int64_t>(test_losses.size()); }

  const RunSettings settings;
  const std::unique_ptr<flowmatch::ClassConditionedUNet> model;
  nn::ParameterBuffer parameters;
  nn::AdamW optimizer;
  std::optional<nn::Ema> ema;
  autograd::Generator generator;   // of noise, times and dropped labels
  std::vector<float> losses;       // of each iteration done
  std::vector<float> test_losses;  // of each finished epoch; NaN if not measured
};

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_RUN_H_
