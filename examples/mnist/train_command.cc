#include <cstdio>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"
#include "examples/common/command_line.h"
#include "examples/common/paths.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/data.h"
#include "examples/mnist/subcommands.h"
#include "examples/mnist/train.h"
#include "nn/data/augment.h"

namespace examples::mnist {
namespace {

absl::Status CheckBatch(const RunSettings& settings, const nn::LabelledImages& images) {
  const int64_t count = images.labels.size(0);
  if (settings.batch_size >= 1 && settings.batch_size <= count) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--batch_size is ", settings.batch_size, ", expected 1 to ", count, ", the training images"));
}

nn::DataLoaderOptions LoaderOptions(const RunSettings& settings) {
  nn::DataLoaderOptions options = {
      .batch_size = settings.batch_size, .shuffle = true, .seed = settings.seed, .drop_last = true};
  if (settings.flip) {
    options.transform = [](std::vector<autograd::Tensor>& batch, autograd::Generator& generator) {
      batch[0] = nn::RandomHorizontalFlip(batch[0], generator);
    };
  }
  return options;
}

void Announce(const TrainingRun& run, int64_t per_epoch, const TrainOptions& options) {
  absl::PrintF(
      "UNet of %s channels, %d parameters; %d iterations an epoch of %d images, %s; activations "
      "%s; %d threads, "
      "%s kernels\n",
      absl::StrJoin(run.settings.architecture.channels, ","), run.model->ParameterCount(),
      per_epoch, run.settings.batch_size,
      run.settings.chunk_size == 0 ? "all at once"
                                   : absl::StrCat(run.settings.chunk_size, " at a time"),
      autograd::DTypeName(run.settings.dtype), autograd::NumThreads(),
      autograd::IsaName(autograd::ActiveIsa()));
  if (options.resume) {
    absl::PrintF("continuing after %d iterations, %d of %d epochs\n", run.iteration(),
                 run.finished_epochs(), options.epochs);
  }
  // Output that goes to a file would stay in the buffer for minutes.
  std::fflush(stdout);
}

}  // namespace

absl::StatusOr<int> RunTrain(const TrainOptions& options) {
  const std::string path = options.output_dir + "/checkpoint.safetensors";
  const absl::StatusOr<nn::Mnist> data = LoadImages(options.data_dir);
  if (!data.ok()) return data.status();
  std::optional<autograd::SafetensorsFile> checkpoint;
  if (options.resume) {
    absl::StatusOr<autograd::SafetensorsFile> file = ReadCheckpoint(path);
    if (!file.ok()) return file.status();
    checkpoint = *std::move(file);
  }
  const absl::StatusOr<RunSettings> settings = SettingsFrom(
      options, Fingerprint(data->train), checkpoint.has_value() ? &checkpoint->metadata : nullptr);
  if (!settings.ok()) {
    if (!options.resume) return settings.status();
    return absl::Status(settings.status().code(),
                        absl::StrCat(path, ": ", std::string(settings.status().message())));
  }
  absl::Status status = CheckBatch(*settings, data->train);
  if (!status.ok()) return status;
  TrainingRun run(*settings);
  nn::DataLoader loader(std::make_shared<nn::ImageDataset>(data->train), LoaderOptions(*settings));
  if (checkpoint.has_value()) {
    status = RestoreRun(*checkpoint, path, loader, run);
    if (!status.ok()) return status;
    checkpoint.reset();
  }
  status = MakeFolder(options.output_dir);
  if (!status.ok()) return status;
  Announce(run, loader.batches_per_epoch(), options);
  const absl::StatusOr<int> code = Trainer(options, data->test, run, loader).Train();
  return code.ok() ? *code : Fail(code.status(), kFailure);
}

}  // namespace examples::mnist
