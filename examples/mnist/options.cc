#include "examples/mnist/options.h"

#include <filesystem>
#include <limits>
#include <system_error>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "examples/common/command_line.h"
#include "examples/common/dtype_flag.h"
#include "examples/common/list_flag.h"
#include "examples/common/number_flag.h"
#include "examples/common/paths.h"
#include "examples/common/runfiles.h"
#include "examples/mnist/model.h"
#include "flowmatch/loss/chunked_backward.h"

using examples::ListFlag;
using examples::NumberFlag;

// Defaults are in the table of commands below.
ABSL_FLAG(NumberFlag<int64_t>, epochs, {},
          "passes over the training images, resumed ones included");
ABSL_FLAG(NumberFlag<int64_t>, batch_size, {}, "images in each iteration");
ABSL_FLAG(NumberFlag<int64_t>, chunk_size, {},
          "images of a batch that go forward and backward together, few enough for the caches; 0: "
          "all");
ABSL_FLAG(NumberFlag<double>, learning_rate, {}, "AdamW's learning rate");
ABSL_FLAG(NumberFlag<double>, null_probability, {},
          "share of labels replaced by the null label, which guidance needs");
ABSL_FLAG(NumberFlag<double>, ema, {},
          "decay of the moving average of the weights that pictures and the exported model use; "
          "0: none");
ABSL_FLAG(bool, flip, false, "mirror half of the images; digits are not symmetric");
ABSL_FLAG(ListFlag<int64_t>, channels, {},
          "channels of the UNet at each resolution, one to three multiples of 8");
ABSL_FLAG(std::string, dtype, "",
          "numbers that activations are kept in: f32, bf16, or auto, which is bf16 where the "
          "processor multiplies it in AMX tiles and f32 elsewhere");
ABSL_FLAG(bool, resume, false,
          "continue from the checkpoint in --output_dir, with its flags where none are given");
ABSL_FLAG(NumberFlag<int64_t>, max_iterations, {},
          "stop after this many iterations of the whole run; 0: do all epochs");
ABSL_FLAG(NumberFlag<int64_t>, eval_every, {},
          "epochs between measurements of the loss on the test images; 0: never");
ABSL_FLAG(std::string, checkpoint, "", "checkpoint.safetensors or model.safetensors to use");
ABSL_FLAG(bool, use_ema, true, "use the averaged weights; without the flag, where there are any");
ABSL_FLAG(ListFlag<int64_t>, labels, {}, "digits to draw, as in 3,1,4 or 0-9");
ABSL_FLAG(NumberFlag<int64_t>, count, {}, "rows of the grid: images of each label");
ABSL_FLAG(ListFlag<double>, guidance_scale, {},
          "weight of the label: 1 is the plain conditional model, more is more typical");
ABSL_FLAG(std::string, solver, "",
          "euler, midpoint, heun2, heun3, rk4, rk4_38 or dopri5 (which with --steps=0 controls its "
          "own steps)");
ABSL_FLAG(ListFlag<int64_t>, steps, {}, "steps of the solver");
ABSL_FLAG(std::string, init_noise, "",
          "a .npy file of noise, float32 [n, 28, 28, 1], row by row as in the grid, in place of "
          "random numbers");
ABSL_FLAG(NumberFlag<int64_t>, samples_per_class, {}, "images to draw of each digit");
ABSL_FLAG(std::string, data_dir, "",
          "folder of the four IDX files, packed or not; without it, the digits that come with the "
          "program");
ABSL_FLAG(std::string, output, "",
          "the file to write; without it, model_DTYPE.safetensors in --output_dir");
ABSL_FLAG(std::string, output_dir, "", "folder for everything that is written");
ABSL_FLAG(NumberFlag<uint64_t>, seed, {}, "seed of all random numbers");
ABSL_FLAG(NumberFlag<int32_t>, threads, {}, "threads to use; 0: all processors");

namespace examples::mnist {
namespace {

constexpr double kMany = 1e9;
constexpr char kOutputDir[] = "mnist_out";

int64_t Value(const absl::Flag<NumberFlag<int64_t>>& flag) {
  return absl::GetFlag(flag).value.value_or(0);
}

bool Given(const CommandLine& line, const std::string& flag) { return line.given.count(flag) > 0; }

// The flag's value unless it was left out of a resumed run.
template <class T>
std::optional<T> OfRun(const CommandLine& line, const std::string& name,
                       const absl::Flag<NumberFlag<T>>& flag) {
  if (absl::GetFlag(FLAGS_resume) && !Given(line, name)) return std::nullopt;
  return absl::GetFlag(flag).value;
}

absl::Status CheckCount(const std::string& flag, int64_t value, double low, double high = kMany) {
  return InRange(flag, static_cast<double>(value), low, high);
}

absl::Status CheckThreads() {
  return InRange("--threads", absl::GetFlag(FLAGS_threads).value.value_or(0), 0, 256);
}

absl::Status CheckChannels(const std::vector<int64_t>& channels) {
  const absl::Status status = CheckArchitecture({channels});
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("--channels: ", std::string(status.message())));
}

// Every value of a list in range, and at least one.
template <class T>
absl::Status CheckList(const std::string& flag, const std::vector<T>& values, double low,
                       double high) {
  if (values.empty()) return absl::InvalidArgumentError(absl::StrCat(flag, " is empty"));
  absl::Status status;
  for (const T value : values) status.Update(InRange(flag, static_cast<double>(value), low, high));
  return status;
}

template <class T>
absl::Status CheckOne(const std::string& flag, const std::vector<T>& values) {
  if (values.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " has ", values.size(), " values, expected one"));
}

absl::StatusOr<flowmatch::OdeMethod> Method(const std::vector<int64_t>& steps) {
  const auto method = flowmatch::OdeMethodByName(absl::GetFlag(FLAGS_solver));
  if (!method.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--solver: ", std::string(method.status().message())));
  }
  const double least = *method == flowmatch::OdeMethod::kDopri5 ? 0 : 1;
  if (absl::Status status = CheckList("--steps", steps, least, 1e6); !status.ok()) return status;
  return method;
}

// The model of --checkpoint; without it, of the run in --output_dir; without that, the one that
// comes with the program.
ModelChoice Model(const CommandLine& line, const std::string& output_dir) {
  ModelChoice choice{.path = ResolvePath(absl::GetFlag(FLAGS_checkpoint)), .use_ema = {}};
  if (choice.path.empty()) {
    std::error_code error;
    choice.path = output_dir + "/checkpoint.safetensors";
    choice.published = !std::filesystem::exists(choice.path, error);
    if (choice.published) choice.path = RunfilePath(kPublishedModel);
  }
  if (Given(line, "use_ema")) choice.use_ema = absl::GetFlag(FLAGS_use_ema);
  return choice;
}

std::string DataDir() {
  const std::string folder = absl::GetFlag(FLAGS_data_dir);
  return folder.empty() ? RunfilePath("examples/data/mnist") : ResolvePath(folder);
}

std::string OutputDir() { return ResolvePath(absl::GetFlag(FLAGS_output_dir)); }

constexpr char kDefaultModel[] =
    "without it, checkpoint.safetensors in --output_dir, or else the model that comes with the "
    "program";

absl::Status SetActivations(autograd::DType& dtype) {
  const absl::StatusOr<autograd::DType> found =
      DTypeFromFlag(absl::GetFlag(FLAGS_dtype), FastDType());
  if (!found.ok()) return found.status();
  dtype = *found;
  return absl::OkStatus();
}

}  // namespace

const std::vector<Command>& Commands() {
  static const std::vector<Command>& commands = *new std::vector<Command>{
      {"train",
       "trains the class-conditioned UNet; writes checkpoint.safetensors, model.safetensors, "
       "metrics.jsonl, loss.png and sample grids",
       {{"epochs", "40"},
        {"batch_size", "256"},
        {"chunk_size", absl::StrCat(flowmatch::kDefaultChunk)},
        {"learning_rate", "0.001"},
        {"null_probability", "0.2"},
        {"ema", "0.9999"},
        {"flip", "false"},
        {"dtype", "auto"},
        {"channels", "32,64,64"},
        {"data_dir", ""},
        {"output_dir", kOutputDir},
        {"seed", "0"},
        {"threads", "0"},
        {"resume", "false"},
        {"max_iterations", "0"},
        {"eval_every", "1"}}},
      {"sample",
       "draws digits; writes samples.png, samples.npy and flow.png",
       {{"checkpoint", "",
         absl::StrCat("checkpoint.safetensors or model.safetensors to draw from; ", kDefaultModel)},
        {"use_ema", "true"},
        {"labels", "0-9"},
        {"count", "4"},
        {"guidance_scale", "4"},
        {"solver", "euler"},
        {"steps", "50"},
        {"dtype", "auto"},
        {"seed", "0"},
        {"init_noise", ""},
        {"output_dir", kOutputDir},
        {"threads", "0"}}},
      {"eval",
       "classifies drawn digits and measures their Fréchet distance to the test images; writes "
       "eval.json and, once, classifier.safetensors",
       {{"checkpoint", "",
         absl::StrCat("checkpoint.safetensors or model.safetensors to judge; ", kDefaultModel)},
        {"use_ema", "true"},
        {"samples_per_class", "100"},
        {"guidance_scale", "2", "weights of the label to try, as in 1,2,4"},
        {"solver", "euler"},
        {"steps", "10,50", "numbers of steps of the solver to try"},
        {"dtype", "auto"},
        {"seed", "0"},
        {"data_dir", ""},
        {"output_dir", kOutputDir},
        {"threads", "0"}}},
      {"export",
       "writes the weights alone, averaged where there is an average, for other programs to load",
       {{"checkpoint", "",
         absl::StrCat("checkpoint.safetensors or model.safetensors to export; ", kDefaultModel)},
        {"use_ema", "true"},
        {"dtype", "bf16", "numbers the weights are written as: f32, or bf16, which takes half"},
        {"output", ""},
        {"output_dir", kOutputDir}}},
      {"info",
       "prints the model: layers, shapes, parameters",
       {{"checkpoint", "", "a file whose model to print; without it, the one of --channels"},
        {"channels", "32,64,64"}}}};
  return commands;
}

absl::StatusOr<TrainOptions> TrainOptionsFrom(const CommandLine& line) {
  TrainOptions options;
  options.epochs = Value(FLAGS_epochs);
  options.batch_size = OfRun(line, "batch_size", FLAGS_batch_size);
  options.chunk_size = OfRun(line, "chunk_size", FLAGS_chunk_size);
  options.learning_rate = OfRun(line, "learning_rate", FLAGS_learning_rate);
  options.null_probability = OfRun(line, "null_probability", FLAGS_null_probability);
  options.ema = OfRun(line, "ema", FLAGS_ema);
  options.seed = OfRun(line, "seed", FLAGS_seed);
  options.resume = absl::GetFlag(FLAGS_resume);
  absl::Status status;
  if (!options.resume || Given(line, "dtype")) status = SetActivations(options.dtype.emplace());
  if (!options.resume || Given(line, "flip")) options.flip = absl::GetFlag(FLAGS_flip);
  if (!options.resume || Given(line, "channels")) {
    options.channels = absl::GetFlag(FLAGS_channels).values;
  }
  options.data_dir = DataDir();
  options.output_dir = OutputDir();
  options.max_iterations = Value(FLAGS_max_iterations);
  options.eval_every = Value(FLAGS_eval_every);
  options.threads = absl::GetFlag(FLAGS_threads).value.value_or(0);

  status.Update(CheckCount("--epochs", options.epochs, 1, 1e6));
  status.Update(CheckCount("--batch_size", options.batch_size.value_or(1), 1, 1e6));
  status.Update(CheckCount("--chunk_size", options.chunk_size.value_or(0), 0, 1e6));
  status.Update(InRange("--learning_rate", options.learning_rate.value_or(0), 0,
                        std::numeric_limits<double>::max()));
  status.Update(InRange("--null_probability", options.null_probability.value_or(0), 0, 1));
  if (const double ema = options.ema.value_or(0); !(ema >= 0 && ema < 1)) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat("--ema is ", ema, ", expected 0 or more and below 1")));
  }
  if (!options.resume || Given(line, "channels")) status.Update(CheckChannels(options.channels));
  status.Update(CheckCount("--max_iterations", options.max_iterations, 0));
  status.Update(CheckCount("--eval_every", options.eval_every, 0));
  status.Update(CheckThreads());
  if (!status.ok()) return status;
  return options;
}

absl::StatusOr<SampleOptions> SampleOptionsFrom(const CommandLine& line) {
  SampleOptions options;
  options.output_dir = OutputDir();
  options.model = Model(line, options.output_dir);
  options.labels = absl::GetFlag(FLAGS_labels).values;
  options.count = Value(FLAGS_count);
  options.seed = absl::GetFlag(FLAGS_seed).value.value_or(0);
  options.init_noise = ResolvePath(absl::GetFlag(FLAGS_init_noise));
  options.threads = absl::GetFlag(FLAGS_threads).value.value_or(0);
  const std::vector<double> scales = absl::GetFlag(FLAGS_guidance_scale).values;
  const std::vector<int64_t> steps = absl::GetFlag(FLAGS_steps).values;

  absl::Status status = CheckList("--labels", options.labels, 0, kDigits - 1);
  status.Update(CheckCount("--count", options.count, 1, 1000));
  status.Update(CheckList("--guidance_scale", scales, 0, 1000));
  status.Update(CheckOne("--guidance_scale", scales));
  status.Update(CheckOne("--steps", steps));
  status.Update(SetActivations(options.dtype));
  status.Update(CheckThreads());
  if (!status.ok()) return status;
  const auto method = Method(steps);
  if (!method.ok()) return method.status();
  options.guidance_scale = scales[0];
  options.ode = {.method = *method, .steps = static_cast<int>(steps[0])};
  return options;
}

absl::StatusOr<EvalOptions> EvalOptionsFrom(const CommandLine& line) {
  EvalOptions options;
  options.output_dir = OutputDir();
  options.model = Model(line, options.output_dir);
  options.samples_per_class = Value(FLAGS_samples_per_class);
  options.guidance_scales = absl::GetFlag(FLAGS_guidance_scale).values;
  options.steps = absl::GetFlag(FLAGS_steps).values;
  options.seed = absl::GetFlag(FLAGS_seed).value.value_or(0);
  options.data_dir = DataDir();
  options.threads = absl::GetFlag(FLAGS_threads).value.value_or(0);

  absl::Status status = CheckCount("--samples_per_class", options.samples_per_class, 1, 1e5);
  status.Update(CheckList("--guidance_scale", options.guidance_scales, 0, 1000));
  status.Update(SetActivations(options.dtype));
  status.Update(CheckThreads());
  if (!status.ok()) return status;
  const auto method = Method(options.steps);
  if (!method.ok()) return method.status();
  options.method = *method;
  return options;
}

absl::StatusOr<ExportOptions> ExportOptionsFrom(const CommandLine& line) {
  ExportOptions options;
  const std::string name = absl::GetFlag(FLAGS_dtype), output_dir = OutputDir();
  if (absl::Status status = OneOf("--dtype", name, {"f32", "bf16"}); !status.ok()) return status;
  options.dtype = name == "f32" ? autograd::DType::kF32 : autograd::DType::kBF16;
  options.model = Model(line, output_dir);
  options.output = ResolvePath(absl::GetFlag(FLAGS_output));
  if (options.output.empty()) {
    options.output = absl::StrCat(output_dir, "/model_", name, ".safetensors");
  }
  return options;
}

absl::StatusOr<InfoOptions> InfoOptionsFrom(const CommandLine& line) {
  InfoOptions options;
  options.path = ResolvePath(absl::GetFlag(FLAGS_checkpoint));
  options.channels = absl::GetFlag(FLAGS_channels).values;
  if (absl::Status status = CheckChannels(options.channels); !status.ok()) return status;
  if (!options.path.empty() && Given(line, "channels")) {
    return absl::InvalidArgumentError("--checkpoint and --channels: expected one of them");
  }
  return options;
}

}  // namespace examples::mnist
