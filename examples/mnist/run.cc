#include "examples/mnist/run.h"

#include <charconv>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace examples::mnist {
namespace {

// Values as text that reads back as the same value.
std::string ToText(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}
std::string ToText(int64_t value) { return absl::StrCat(value); }
std::string ToText(uint64_t value) { return absl::StrCat(value); }
std::string ToText(bool value) { return value ? "true" : "false"; }
std::string ToText(autograd::DType value) { return autograd::DTypeName(value); }

bool FromText(const std::string& text, double& value) { return absl::SimpleAtod(text, &value); }
bool FromText(const std::string& text, int64_t& value) { return absl::SimpleAtoi(text, &value); }
bool FromText(const std::string& text, uint64_t& value) { return absl::SimpleAtoi(text, &value); }
bool FromText(const std::string& text, bool& value) { return absl::SimpleAtob(text, &value); }
bool FromText(const std::string& text, autograd::DType& value) {
  value = text == "bf16" ? autograd::DType::kBF16 : autograd::DType::kF32;
  return text == "bf16" || text == "f32";
}

// Settings from the flags and from a checkpoint's metadata, which must not contradict each other.
class Merger {
 public:
  explicit Merger(const std::map<std::string, std::string>* metadata) : metadata_(metadata) {}

  // `before`: the value of checkpoints older than the setting, whose metadata lacks it.
  template <class T>
  T Take(const std::string& name, const std::optional<T>& given,
         const std::optional<T>& before = std::nullopt) {
    if (metadata_ == nullptr) return given.value_or(T());
    const auto found = metadata_->find(name);
    T stored = before.value_or(T());
    const bool absent = found == metadata_->end();
    if (absent ? !before.has_value() : !FromText(found->second, stored)) {
      Fail(absl::StrCat("the checkpoint's metadata has no readable '", name, "'"));
      return stored;
    }
    if (given.has_value() && *given != stored) {
      Fail(absl::StrCat("--", name, "=", ToText(*given),
                        " contradicts the checkpoint, which was trained with ", ToText(stored)));
    }
    return stored;
  }

  Architecture TakeArchitecture(const std::vector<int64_t>& given) {
    if (metadata_ == nullptr) return {given};
    const absl::StatusOr<Architecture> stored = ArchitectureFrom(*metadata_);
    if (!stored.ok()) {
      Fail(std::string(stored.status().message()));
      return {given};
    }
    if (!given.empty() && given != stored->channels) {
      Fail(absl::StrCat("--channels=", absl::StrJoin(given, ","),
                        " contradicts the checkpoint, which was trained with ",
                        absl::StrJoin(stored->channels, ",")));
    }
    return *stored;
  }

  void CheckData(const std::string& data) {
    if (metadata_ == nullptr) return;
    const auto found = metadata_->find("data");
    if (found != metadata_->end() && found->second == data) return;
    Fail(absl::StrCat("the training images (", data,
                      ") are not those the checkpoint was trained on (",
                      found == metadata_->end() ? "not named" : found->second, ")"));
  }

  const absl::Status& status() const { return status_; }

 private:
  void Fail(const std::string& message) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(message);
  }

  const std::map<std::string, std::string>* metadata_;
  absl::Status status_;
};

std::unique_ptr<flowmatch::ClassConditionedUNet> NewModel(const RunSettings& settings) {
  autograd::Generator generator(settings.seed, kInitStream);
  auto model = MakeModel(settings.architecture, generator);
  model->set_compute_dtype(settings.dtype);
  return model;
}

}  // namespace

std::map<std::string, std::string> SettingsMetadata(const RunSettings& settings) {
  std::map<std::string, std::string> metadata = ArchitectureMetadata(settings.architecture);
  metadata["batch_size"] = ToText(settings.batch_size);
  metadata["chunk_size"] = ToText(settings.chunk_size);
  metadata["learning_rate"] = ToText(settings.learning_rate);
  metadata["null_probability"] = ToText(settings.null_probability);
  metadata["ema"] = ToText(settings.ema);
  metadata["flip"] = ToText(settings.flip);
  metadata["dtype"] = ToText(settings.dtype);
  metadata["seed"] = ToText(settings.seed);
  metadata["data"] = settings.data;
  return metadata;
}

absl::StatusOr<RunSettings> SettingsFrom(const TrainOptions& options, const std::string& data,
                                         const std::map<std::string, std::string>* metadata) {
  Merger merger(metadata);
  RunSettings settings;
  settings.architecture = merger.TakeArchitecture(options.channels);
  settings.batch_size = merger.Take("batch_size", options.batch_size);
  settings.chunk_size = merger.Take<int64_t>("chunk_size", options.chunk_size, 0);
  settings.learning_rate = merger.Take("learning_rate", options.learning_rate);
  settings.null_probability = merger.Take("null_probability", options.null_probability);
  settings.ema = merger.Take("ema", options.ema);
  settings.flip = merger.Take("flip", options.flip);
  settings.dtype = merger.Take<autograd::DType>("dtype", options.dtype, autograd::DType::kF32);
  settings.seed = merger.Take("seed", options.seed);
  settings.data = data;
  merger.CheckData(data);
  if (!merger.status().ok()) return merger.status();
  return settings;
}

TrainingRun::TrainingRun(const RunSettings& run_settings)
    : settings(run_settings),
      model(NewModel(settings)),
      parameters(*model),
      optimizer(parameters, {.learning_rate = settings.learning_rate}),
      generator(settings.seed, kTrainingStream) {
  if (settings.ema > 0) ema.emplace(parameters, nn::WarmupDecay(settings.ema));
}

}  // namespace examples::mnist
