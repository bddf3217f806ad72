#include "examples/moons/options.h"

#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "examples/common/command_line.h"
#include "examples/common/dtype_flag.h"
#include "examples/common/number_flag.h"
#include "examples/common/paths.h"

using OptionalString = std::optional<std::string>;
using examples::NumberFlag;

// Optional flags have defaults that depend on the model and the preset.
ABSL_FLAG(std::string, preset, "default",
          "default, or best: the settings found to learn the moons best within ten seconds, "
          "--iterations=15000 --batch_size=1024 --schedule=cosine, where these are not given");
ABSL_FLAG(NumberFlag<int64_t>, iterations, {},
          "training steps (default 10000, 15000 with --preset=best)");
ABSL_FLAG(NumberFlag<int64_t>, batch_size, {},
          "fresh points in each step (default 256, 1024 with --preset=best)");
ABSL_FLAG(NumberFlag<double>, learning_rate, {},
          "Adam's learning rate (default 0.01 for mlp, 0.0005 for time_embedding)");
ABSL_FLAG(
    OptionalString, schedule, std::nullopt,
    "learning rate over time: constant or cosine (default constant, cosine with --preset=best)");
ABSL_FLAG(NumberFlag<double>, noise, {},
          "standard deviation of the noise around the moons (default 0.05)");
ABSL_FLAG(NumberFlag<int64_t>, hidden, {},
          "width of the hidden layers (default 64 for mlp, 128 for time_embedding)");
ABSL_FLAG(OptionalString, model, std::nullopt,
          "mlp: ELU network on (t, x); time_embedding: SiLU network on x and an embedded time "
          "(default mlp)");
ABSL_FLAG(OptionalString, path, std::nullopt,
          "probability path: cond_ot, polynomial, vp, linear_vp or cosine (default cond_ot)");
ABSL_FLAG(OptionalString, solver, std::nullopt,
          "euler, midpoint, heun2, heun3, rk4, rk4_38 or dopri5 (default midpoint for mlp, dopri5 "
          "for time_embedding)");
ABSL_FLAG(NumberFlag<int64_t>, solver_steps, {},
          "steps of the solver (default 100; dopri5: 0, which controls the step size by --rtol and "
          "--atol)");
ABSL_FLAG(NumberFlag<double>, rtol, {1e-3}, "relative tolerance of dopri5");
ABSL_FLAG(NumberFlag<double>, atol, {1e-6}, "absolute tolerance of dopri5");
ABSL_FLAG(NumberFlag<int64_t>, samples, {2000}, "points to generate into samples.npy");
ABSL_FLAG(NumberFlag<double>, ema, {},
          "decay of the moving average of the weights that samples and metrics use (default 0: "
          "off)");
ABSL_FLAG(
    std::string, dtype, "auto",
    "numbers that activations are kept in, in training and sampling: f32, bf16, or auto, which "
    "is f32 on every processor: networks so small are not faster in bf16. Likelihoods are "
    "always f32");
ABSL_FLAG(std::string, data, "",
          "a .npy file of points, float32 or float64 [n, 2], to learn instead of the moons");
ABSL_FLAG(NumberFlag<uint64_t>, seed, {},
          "seed of all random numbers (default 0; with --checkpoint: of what is drawn from it, by "
          "default the one it was trained with)");
ABSL_FLAG(NumberFlag<int32_t>, threads, {0}, "threads to use (0: all processors)");
ABSL_FLAG(std::string, output_dir, "moons_out", "folder for pictures, samples and the model");
ABSL_FLAG(std::string, checkpoint, "",
          "a model.safetensors of this program: sample from it without training");

namespace examples::moons {
namespace {

bool ParseValue(const std::string& text, std::string& value) {
  value = text;
  return true;
}
bool ParseValue(const std::string& text, int64_t& value) { return absl::SimpleAtoi(text, &value); }
bool ParseValue(const std::string& text, double& value) { return absl::SimpleAtod(text, &value); }

// The value of a flag that belongs to the model: as given, else from the file, else the default.
class ModelFlags {
 public:
  explicit ModelFlags(const std::map<std::string, std::string>* metadata) : metadata_(metadata) {}

  template <class T>
  T Take(const std::string& name, const std::optional<T>& given, T otherwise) {
    if (metadata_ == nullptr) return given.value_or(otherwise);
    const auto found = metadata_->find(name);
    T stored;
    if (found == metadata_->end() || !ParseValue(found->second, stored)) {
      Fail(absl::StrCat("the checkpoint's metadata has no readable '", name, "'"));
      return otherwise;
    }
    if (given.has_value() && *given != stored) {
      Fail(absl::StrCat("--", name, "=", *given,
                        " contradicts the checkpoint, which was trained with", With(stored)));
    }
    return stored;
  }

  const absl::Status& status() const { return status_; }

 private:
  template <class T>
  static std::string With(const T& stored) {
    const std::string text = absl::StrCat(" ", stored);
    return text == " " ? "out" : text;
  }

  void Fail(const std::string& message) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(message);
  }

  const std::map<std::string, std::string>* metadata_;
  absl::Status status_;
};

absl::Status Check(const Options& options) {
  constexpr double kMany = 1e9;
  const double infinity = std::numeric_limits<double>::max();
  absl::Status status;
  status.Update(InRange("--iterations", static_cast<double>(options.iterations), 1, kMany));
  status.Update(InRange("--batch_size", static_cast<double>(options.batch_size), 1, 1e7));
  status.Update(InRange("--learning_rate", options.learning_rate, 0, infinity));
  status.Update(OneOf("--schedule", options.schedule, {"constant", "cosine"}));
  status.Update(InRange("--noise", options.noise, 0, infinity));
  status.Update(OneOf("--model", options.model, {"mlp", "time_embedding"}));
  status.Update(InRange("--hidden", static_cast<double>(options.hidden), 1, 1e5));
  status.Update(InRange("--solver_steps", options.ode.steps, 0, kMany));
  status.Update(InRange("--rtol", options.ode.rtol, 0, infinity));
  status.Update(InRange("--atol", options.ode.atol, 0, infinity));
  status.Update(InRange("--samples", static_cast<double>(options.samples), 1, 1e8));
  if (!(options.ema >= 0 && options.ema < 1)) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat("--ema is ", options.ema, ", expected 0 or more and below 1")));
  }
  status.Update(InRange("--threads", options.threads, 0, 256));
  if (status.ok() && options.ode.rtol == 0 && options.ode.atol == 0) {
    status = absl::InvalidArgumentError("--rtol and --atol are both 0, expected one above 0");
  }
  if (status.ok() && options.ode.steps == 0 &&
      options.ode.method != flowmatch::OdeMethod::kDopri5) {
    status = absl::InvalidArgumentError("--solver_steps is 0, expected 1 or more");
  }
  return status;
}

// What --preset decides where flags are not given.
struct Preset {
  int64_t iterations, batch_size;
  const char* schedule;
};
absl::StatusOr<Preset> PresetFromFlag(bool has_checkpoint) {
  const std::string name = absl::GetFlag(FLAGS_preset);
  if (absl::Status status = OneOf("--preset", name, {"default", "best"}); !status.ok()) {
    return status;
  }
  if (name == "default") return Preset{10000, 256, "constant"};
  if (!has_checkpoint) return Preset{15000, 1024, "cosine"};
  return absl::InvalidArgumentError(
      "--preset=best and --checkpoint: a preset is for training, expected one of them");
}

// The shortest text that reads back as the same number.
std::string Exact(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}
}  // namespace

std::string CheckpointFlag() { return ResolvePath(absl::GetFlag(FLAGS_checkpoint)); }

absl::StatusOr<Options> OptionsFromFlags(const std::map<std::string, std::string>* metadata) {
  const absl::StatusOr<Preset> preset = PresetFromFlag(metadata != nullptr);
  if (!preset.ok()) return preset.status();
  ModelFlags flags(metadata);
  Options options;
  options.model = flags.Take<std::string>("model", absl::GetFlag(FLAGS_model), "mlp");
  const bool embedding = options.model == "time_embedding";
  options.iterations =
      flags.Take<int64_t>("iterations", absl::GetFlag(FLAGS_iterations).value, preset->iterations);
  options.batch_size =
      flags.Take<int64_t>("batch_size", absl::GetFlag(FLAGS_batch_size).value, preset->batch_size);
  options.learning_rate = flags.Take<double>(
      "learning_rate", absl::GetFlag(FLAGS_learning_rate).value, embedding ? 5e-4 : 1e-2);
  options.schedule =
      flags.Take<std::string>("schedule", absl::GetFlag(FLAGS_schedule), preset->schedule);
  options.noise = flags.Take<double>("noise", absl::GetFlag(FLAGS_noise).value, .05);
  options.hidden =
      flags.Take<int64_t>("hidden", absl::GetFlag(FLAGS_hidden).value, embedding ? 128 : 64);
  options.path = flags.Take<std::string>("path", absl::GetFlag(FLAGS_path), "cond_ot");
  options.ema = flags.Take<double>("ema", absl::GetFlag(FLAGS_ema).value, 0);
  // Absolute, so that the file's name in a model holds in any folder and however it is written.
  std::string data = ResolvePath(absl::GetFlag(FLAGS_data));
  if (!data.empty()) data = std::filesystem::absolute(data).lexically_normal().string();
  options.data =
      flags.Take<std::string>("data", data.empty() ? OptionalString() : OptionalString(data), "");
  if (!flags.status().ok()) return flags.status();
  const auto scheduler = flowmatch::SchedulerByName(options.path);
  if (!scheduler.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--path: ", std::string(scheduler.status().message())));
  }
  options.scheduler = *scheduler;
  // Products of a few hundred rows by 64 columns are over before AMX tiles would pay for the
  // conversions between, so auto does not depend on the processor.
  const auto dtype = DTypeFromFlag(absl::GetFlag(FLAGS_dtype), autograd::DType::kF32);
  if (!dtype.ok()) return dtype.status();
  options.dtype = *dtype;
  const auto method = flowmatch::OdeMethodByName(
      absl::GetFlag(FLAGS_solver).value_or(embedding ? "dopri5" : "midpoint"));
  if (!method.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--solver: ", std::string(method.status().message())));
  }
  options.ode.method = *method;
  const int64_t default_steps = *method == flowmatch::OdeMethod::kDopri5 ? 0 : 100;
  const int64_t steps = absl::GetFlag(FLAGS_solver_steps).value.value_or(default_steps);
  if (absl::Status status = InRange("--solver_steps", static_cast<double>(steps), 0, 1e9);
      !status.ok()) {
    return status;
  }
  options.ode.steps = static_cast<int>(steps);
  options.ode.rtol = absl::GetFlag(FLAGS_rtol).value.value_or(0);
  options.ode.atol = absl::GetFlag(FLAGS_atol).value.value_or(0);
  options.samples = absl::GetFlag(FLAGS_samples).value.value_or(0);
  uint64_t trained_with = 0;
  if (metadata != nullptr && metadata->count("seed") > 0) {
    static_cast<void>(absl::SimpleAtoi(metadata->at("seed"), &trained_with));
  }
  options.seed = absl::GetFlag(FLAGS_seed).value.value_or(trained_with);
  options.threads = absl::GetFlag(FLAGS_threads).value.value_or(0);
  options.output_dir = ResolvePath(absl::GetFlag(FLAGS_output_dir));
  options.checkpoint = CheckpointFlag();
  if (absl::Status status = Check(options); !status.ok()) return status;
  return options;
}

std::map<std::string, std::string> Metadata(const Options& options) {
  return {{"program", "moons"},
          {"model", options.model},
          {"iterations", absl::StrCat(options.iterations)},
          {"batch_size", absl::StrCat(options.batch_size)},
          {"learning_rate", Exact(options.learning_rate)},
          {"schedule", options.schedule},
          {"noise", Exact(options.noise)},
          {"hidden", absl::StrCat(options.hidden)},
          {"path", options.path},
          {"ema", Exact(options.ema)},
          {"data", options.data},
          {"seed", absl::StrCat(options.seed)}};
}

}  // namespace examples::moons
