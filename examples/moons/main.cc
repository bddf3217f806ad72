// Two moons: trains a flow-matching model on points of the plane and draws what it learned.
//
// Reproduces the standalone script of the Flow Matching Guide (Lipman et al. 2412.06264); see
// --help for what else it can do.
#include <cstdio>
#include <exception>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/dtype.h"
#include "autograd/io/npy.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"
#include "examples/common/command_line.h"
#include "examples/common/interrupt.h"
#include "examples/common/paths.h"
#include "examples/moons/data_source.h"
#include "examples/moons/evaluate.h"
#include "examples/moons/options.h"
#include "examples/moons/pictures.h"
#include "examples/moons/report.h"
#include "examples/moons/train.h"

namespace examples::moons {
namespace {

constexpr char kAbout[] =
    "Trains a flow-matching model on two moons (or your own points, --data) and writes pictures, "
    "samples, the model and metrics.json into --output_dir.";

// Points whose paths are drawn, states along each, and points in the panels of flow.png.
constexpr int64_t kPaths = 400;
constexpr int kStates = 81;
constexpr int64_t kPanelPoints = 1000;

absl::StatusOr<Options> ReadOptions() {
  const std::string checkpoint = CheckpointFlag();
  if (checkpoint.empty()) return OptionsFromFlags(nullptr);
  const auto metadata = ReadModelMetadata(checkpoint);
  if (!metadata.ok()) return metadata.status();
  return OptionsFromFlags(&*metadata);
}

class Program {
 public:
  Program(Options options, DrawData draw)
      : options_(std::move(options)), draw_(std::move(draw)), model_(MakeModel(options_)) {}

  // Takes the model of --checkpoint, if it is given.
  absl::Status Load() {
    return options_.checkpoint.empty() ? absl::OkStatus() : LoadModel(options_.checkpoint, *model_);
  }

  // The program's exit code.
  absl::StatusOr<int> Run() {
    std::optional<TrainingResult> training;
    if (options_.checkpoint.empty()) {
      training = Train(options_, draw_, *model_);
      if (absl::Status status = WriteTraining(*training); !status.ok()) return status;
      if (training->interrupted) {
        absl::FPrintF(stderr, "interrupted after %d iterations; the model so far is in %s\n",
                      training->losses.size(), Path("model.safetensors"));
        return kInterruptedExitCode;
      }
    }
    if (absl::Status status = WriteSamples(); !status.ok()) return status;
    const Metrics metrics = Evaluate(options_, draw_, *model_);
    if (absl::Status status = WriteMetrics(options_, training, metrics, Path("metrics.json"));
        !status.ok()) {
      return status;
    }
    absl::PrintF("W2 %.3f (perfect sampler %.3f), NLL %.3f nats\n", metrics.w2, metrics.w2_floor,
                 metrics.nll);
    if (absl::Status status = WritePictures(training); !status.ok()) return status;
    absl::PrintF("results are in %s\n", options_.output_dir);
    return 0;
  }

 private:
  std::string Path(const std::string& name) const {
    return absl::StrCat(options_.output_dir, "/", name);
  }

  absl::Status WriteTraining(const TrainingResult& training) {
    absl::PrintF("trained %d iterations in %.2f s (%.1f us each), loss of the last 1000: %.4f\n",
                 training.losses.size(), training.seconds,
                 training.seconds * 1e6 / static_cast<double>(training.losses.size()),
                 MeanOfLast(training.losses));
    const int64_t count = static_cast<int64_t>(training.losses.size());
    // Fewer than were asked for after Ctrl-C.
    Options done = options_;
    done.iterations = count;
    absl::Status status = SaveModel(done, *model_, Path("model.safetensors"));
    status.Update(
        autograd::WriteNpy(Path("loss.npy"), Tensor::FromVector(training.losses, {count})));
    return status;
  }

  absl::Status WriteSamples() {
    autograd::Generator generator(options_.seed, kSampleStream);
    samples_ = Generate(options_, *model_, options_.samples, generator);
    return autograd::WriteNpy(Path("samples.npy"), samples_);
  }

  absl::Status WritePictures(const std::optional<TrainingResult>& training) {
    autograd::Generator generator(options_.seed, kPictureStream);
    const Tensor data = draw_(options_.samples, generator);
    absl::Status status;
    if (training.has_value()) status.Update(DrawLoss(options_, training->losses, Path("loss.png")));
    status.Update(DrawSamples(data, samples_, Path("samples.png")));
    status.Update(DrawTrajectories(GenerateStates(options_, *model_, kPaths, kStates, generator),
                                   Path("trajectories.png")));
    status.Update(DrawDensity(options_, *model_, data, Path("density.png")));
    status.Update(DrawFlow(options_, *model_,
                           GenerateStates(options_, *model_, kPanelPoints, 5, generator),
                           Path("flow.png")));
    return status;
  }

  const Options options_;
  const DrawData draw_;
  const std::unique_ptr<flowmatch::VelocityModel> model_;
  Tensor samples_;
};

int Main(int argc, char** argv) {
  if (const std::optional<int> code = ParseCommandLine(argc, argv, kAbout, __FILE__)) return *code;
  const absl::StatusOr<Options> options = ReadOptions();
  if (!options.ok()) return Fail(options.status());
  const absl::StatusOr<DrawData> draw =
      options->data.empty() ? MoonsSource(options->noise) : FileSource(options->data);
  if (!draw.ok()) return Fail(draw.status());
  if (options->threads > 0) autograd::SetNumThreads(options->threads);
  Program program(*options, *draw);
  if (absl::Status status = program.Load(); !status.ok()) return Fail(status);
  if (absl::Status status = MakeFolder(options->output_dir); !status.ok()) return Fail(status);
  absl::PrintF("%s, %s path, activations %s; %d threads, %s kernels\n", options->model,
               options->path, autograd::DTypeName(options->dtype), autograd::NumThreads(),
               autograd::IsaName(autograd::ActiveIsa()));
  // Output that goes to a file would stay in the buffer until the end.
  std::fflush(stdout);
  const absl::StatusOr<int> code = program.Run();
  return code.ok() ? *code : Fail(code.status(), kFailure);
}

}  // namespace
}  // namespace examples::moons

int main(int argc, char** argv) {
  try {
    return examples::moons::Main(argc, argv);
  } catch (const std::exception& error) {
    // Numerical failures (a loss that is no longer finite) and lack of memory say what happened
    // themselves.
    return examples::Fail(absl::InternalError(error.what()), examples::kFailure);
  }
}
