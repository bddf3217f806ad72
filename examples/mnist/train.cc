#include "examples/mnist/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "examples/common/progress_bar.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/flow.h"
#include "examples/mnist/generate.h"
#include "examples/mnist/pictures.h"
#include "examples/mnist/test_loss.h"
#include "flowmatch/guidance/label_dropout.h"
#include "flowmatch/loss/chunked_backward.h"
#include "nn/optim/finite.h"

namespace examples::mnist {
namespace {

using autograd::Tensor;

// The grids drawn on the way: those of the published run, and how they are sampled.
constexpr int64_t kPictureEpochs[] = {1, 6, 10, 20, 30, 40};
constexpr int64_t kPictureRows = 4;
constexpr double kPictureGuidance = 4;
constexpr int kPictureSteps = 50;

// While it lives, the model has the averaged weights if the run keeps them.
std::unique_ptr<nn::UseAverage> Averaged(TrainingRun& run) {
  return run.ema.has_value() ? std::make_unique<nn::UseAverage>(*run.ema) : nullptr;
}

}  // namespace

double MeanOfLast(const std::vector<float>& losses) {
  const size_t count = std::min<size_t>(100, losses.size());
  if (count == 0) return NAN;
  const double sum = std::accumulate(losses.end() - static_cast<int64_t>(count), losses.end(), 0.0);
  return sum / static_cast<double>(count);
}

Trainer::Trainer(const TrainOptions& options, const nn::LabelledImages& test_images,
                 TrainingRun& run, nn::DataLoader& loader)
    : options_(options),
      test_images_(test_images),
      run_(run),
      loader_(loader),
      metrics_(Path("metrics.jsonl")) {}

std::string Trainer::Path(const std::string& name) const {
  return absl::StrCat(options_.output_dir, "/", name);
}

std::string Trainer::PicturePath(int64_t epoch) const {
  return Path(absl::StrFormat("samples_epoch_%02d.png", epoch));
}

bool Trainer::HasPicture(int64_t epoch) const {
  return epoch == options_.epochs || std::find(std::begin(kPictureEpochs), std::end(kPictureEpochs),
                                               epoch) != std::end(kPictureEpochs);
}

absl::StatusOr<int> Trainer::Train() {
  if (options_.resume) {
    if (absl::Status status = metrics_.Continue(run_.finished_epochs()); !status.ok()) {
      return status;
    }
    if (absl::Status status = DrawMissedSamples(); !status.ok()) return status;
  }
  while (run_.finished_epochs() < options_.epochs) {
    const int64_t epoch_end = (run_.finished_epochs() + 1) * loader_.batches_per_epoch();
    const int64_t limit = options_.max_iterations;
    TrainUntil(limit > 0 ? std::min(epoch_end, limit) : epoch_end);
    if (run_.iteration() == epoch_end) {
      if (absl::Status status = FinishEpoch(); !status.ok()) return status;
    }
    const bool interrupted = interrupt_.interrupted();
    const bool stopped = limit > 0 && run_.iteration() >= limit;
    if (!interrupted && (!stopped || run_.finished_epochs() == options_.epochs)) continue;
    if (absl::Status status = SaveFiles(); !status.ok()) return status;
    absl::FPrintF(stderr,
                  "%s after %d iterations (mean of the last 100 losses: %.4f); train --resume "
                  "continues from %s\n",
                  interrupted ? "interrupted" : "stopped", run_.iteration(),
                  MeanOfLast(run_.losses), Path("checkpoint.safetensors"));
    return interrupted ? kInterruptedExitCode : 0;
  }
  // While a grid was drawn that an earlier run had left out.
  if (interrupt_.interrupted()) return kInterruptedExitCode;
  absl::PrintF("results are in %s\n", options_.output_dir);
  return 0;
}

void Trainer::TrainUntil(int64_t iteration) {
  const int64_t per_epoch = loader_.batches_per_epoch();
  const int64_t epoch = run_.finished_epochs(), epoch_begin = epoch * per_epoch;
  epoch_seconds_ = 0;
  epoch_images_ = 0;
  if (run_.iteration() >= iteration) return;
  ProgressBar progress(absl::StrCat("epoch ", epoch + 1, "/", options_.epochs), per_epoch,
                       run_.iteration() - epoch_begin);
  const auto start = std::chrono::steady_clock::now();
  while (run_.iteration() < iteration && !interrupt_.interrupted()) {
    const float loss = Step();
    progress.Update(run_.iteration() - epoch_begin, static_cast<double>(loss));
    epoch_images_ += run_.settings.batch_size;
  }
  progress.Finish();
  epoch_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

float Trainer::Step() {
  const std::vector<Tensor> batch = loader_.Next();
  const Tensor labels = flowmatch::DropLabels(batch[1] + 1, run_.settings.null_probability,
                                              kNullLabel, run_.generator);
  run_.optimizer.ZeroGrad();
  const flowmatch::PathSample sample = DrawFlow(batch[0], run_.generator);
  const auto value = static_cast<float>(flowmatch::BackwardInChunks(
      run_.settings.batch_size, run_.settings.chunk_size, [&](int64_t begin, int64_t end) {
        return FlowLoss(*run_.model, sample, labels, begin, end);
      }));
  nn::CheckFiniteLoss(static_cast<double>(value), run_.iteration(), run_.parameters);
  run_.optimizer.Step({.ema = run_.ema.has_value() ? &*run_.ema : nullptr});
  run_.losses.push_back(value);
  return value;
}

absl::Status Trainer::FinishEpoch() {
  const int64_t epoch = run_.finished_epochs() + 1;
  absl::PrintF("Finished epoch %d. Average of the last 100 loss values: %.4f\n", epoch,
               MeanOfLast(run_.losses));
  std::fflush(stdout);
  double test_loss = NAN;
  if (options_.eval_every > 0 && epoch % options_.eval_every == 0) {
    const std::unique_ptr<nn::UseAverage> average = Averaged(run_);
    const std::optional<double> loss =
        TestLoss(*run_.model, test_images_, [this] { return interrupt_.interrupted(); });
    if (!loss.has_value()) return absl::OkStatus();
    test_loss = *loss;
    absl::PrintF("Loss on the test images: %.4f\n", test_loss);
    std::fflush(stdout);
  }
  run_.test_losses.push_back(static_cast<float>(test_loss));
  absl::Status status = SaveFiles();
  if (!status.ok()) return status;
  status = metrics_.Append(
      {.epoch = epoch,
       .loss = MeanOfLast(run_.losses),
       .test_loss = test_loss,
       .seconds = epoch_seconds_,
       .images_per_second =
           epoch_images_ > 0 ? static_cast<double>(epoch_images_) / epoch_seconds_ : NAN,
       .peak_memory_bytes = PeakMemoryBytes()});
  if (!status.ok()) return status;
  return HasPicture(epoch) ? DrawSamples(epoch) : absl::OkStatus();
}

absl::Status Trainer::SaveFiles() {
  absl::Status status = SaveCheckpoint(run_, loader_, Path("checkpoint.safetensors"));
  if (!status.ok()) return status;
  status = SaveModel(run_, Path("model.safetensors"));
  if (!status.ok() || run_.losses.empty()) return status;
  return DrawLoss(run_.losses, run_.test_losses, loader_.batches_per_epoch(), run_.ema.has_value(),
                  Path("loss.png"));
}

absl::Status Trainer::DrawMissedSamples() {
  const int64_t epoch = run_.finished_epochs();
  if (!HasPicture(epoch) || run_.iteration() != epoch * loader_.batches_per_epoch()) {
    return absl::OkStatus();
  }
  std::error_code error;
  return std::filesystem::exists(PicturePath(epoch), error) ? absl::OkStatus() : DrawSamples(epoch);
}

absl::Status Trainer::DrawSamples(int64_t epoch) {
  std::vector<int64_t> digits(kDigits);
  std::iota(digits.begin(), digits.end(), int64_t{0});
  const std::vector<int64_t> columns = GridColumns(digits);
  const std::vector<int64_t> labels = Repeat(columns, kPictureRows);
  // The same noise at every epoch, so that the grids show what was learned between.
  autograd::Generator generator(run_.settings.seed, kSampleStream);
  const Tensor noise =
      autograd::Randn({static_cast<int64_t>(labels.size()), kImageSize, kImageSize, 1}, generator);
  const std::unique_ptr<nn::UseAverage> average = Averaged(run_);
  const GenerateOptions generate = {
      .guidance_scale = kPictureGuidance,
      .ode = {.method = flowmatch::OdeMethod::kEuler, .steps = kPictureSteps},
      .stop = [this] { return interrupt_.interrupted(); }};
  const Tensor images = Generate(*run_.model, noise, labels, generate);
  if (!images.defined()) return absl::OkStatus();
  return DrawGrid(images, columns, absl::StrFormat("Epoch %d, %s", epoch, Describe(generate)),
                  PicturePath(epoch));
}

}  // namespace examples::mnist
