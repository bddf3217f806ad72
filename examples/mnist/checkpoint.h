// Files of the MNIST program's models, both safetensors with PyTorch's names and layouts:
//
//   checkpoint.safetensors  a run, to be continued: its parameters ("weights.model.conv_in.weight",
//       ...), their moving average ("ema."), the optimiser's state ("optimizer."), the generator
//       ("generator.state": seed, stream, position), where the loader is ("loader.position": epoch,
//       batch) and all losses so far ("progress.losses", "progress.test_losses")
//   model.safetensors       the model alone, under bare names: its averaged weights if the run
//       keeps an average, which the metadata's "weights" says ("ema" or "last"); in bf16 if it was
//       exported so
//
// The metadata has the architecture, the settings of the run and a checksum of the tensors, so that
// damage is seen before it is trained on or drawn from.
#ifndef EXAMPLES_MNIST_CHECKPOINT_H_
#define EXAMPLES_MNIST_CHECKPOINT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "autograd/io/safetensors.h"
#include "examples/mnist/model.h"
#include "examples/mnist/options.h"
#include "examples/mnist/run.h"
#include "nn/data/data_loader.h"

namespace examples::mnist {

// Both replace the file atomically. Errors name the path.
absl::Status SaveCheckpoint(const TrainingRun& run, const nn::DataLoader& loader,
                            const std::string& path);
absl::Status SaveModel(const TrainingRun& run, const std::string& path);

// Reads a checkpoint, with an error that names the path if it is damaged or another file.
absl::StatusOr<autograd::SafetensorsFile> ReadCheckpoint(const std::string& path);

// Brings a new run of the file's settings, and its loader, to where the file was written.
// InvalidArgument naming the path and what is missing or does not fit.
absl::Status RestoreRun(const autograd::SafetensorsFile& file, const std::string& path,
                        nn::DataLoader& loader, TrainingRun& run);

struct LoadedModel {
  std::unique_ptr<flowmatch::ClassConditionedUNet> model;
  Architecture architecture;
  bool averaged = false;  // the weights are a moving average
};

// The model of either file, or of one with bare names and no metadata, as PyTorch saves it, of the
// specification's architecture. The averaged weights of a checkpoint that has them, unless
// choice.use_ema says otherwise. Errors name the path and what is wrong.
// Weights in bf16, as ExportModel writes them, are read as f32.
absl::StatusOr<LoadedModel> LoadModel(const ModelChoice& choice);

// Writes a model alone, its weights as f32 or bf16 (rounded to nearest).
absl::Status ExportModel(const LoadedModel& model, autograd::DType dtype, const std::string& path);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_CHECKPOINT_H_
