#include "examples/moons/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "autograd/io/file.h"
#include "autograd/io/safetensors.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace examples::moons {

absl::Status SaveModel(const Options& options, const nn::Module& model, const std::string& path) {
  return autograd::WriteSafetensors(path, {model.StateDict(), Metadata(options)});
}

absl::StatusOr<std::map<std::string, std::string>> ReadModelMetadata(const std::string& path) {
  absl::StatusOr<autograd::SafetensorsFile> file = autograd::ReadSafetensors(path);
  if (!file.ok()) return file.status();
  if (file->metadata["program"] != "moons") {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a model of this program"));
  }
  return file->metadata;
}

absl::Status LoadModel(const std::string& path, nn::Module& model) {
  const absl::StatusOr<autograd::SafetensorsFile> file = autograd::ReadSafetensors(path);
  if (!file.ok()) return file.status();
  const absl::Status status = model.LoadStateDict(file->tensors);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, ": ", std::string(status.message())));
}

double MeanOfLast(const std::vector<float>& losses) {
  const size_t count = std::min<size_t>(1000, losses.size());
  const double sum = std::accumulate(losses.end() - static_cast<int64_t>(count), losses.end(), 0.0);
  return sum / static_cast<double>(count);
}

absl::Status WriteMetrics(const Options& options, const std::optional<TrainingResult>& training,
                          const Metrics& metrics, const std::string& path) {
  nlohmann::ordered_json json;
  json["iterations"] = options.iterations;
  json["batch_size"] = options.batch_size;
  json["train_seconds"] = nullptr;
  json["microseconds_per_iteration"] = nullptr;
  json["loss_last_1000"] = nullptr;
  if (training.has_value()) {
    json["train_seconds"] = training->seconds;
    json["microseconds_per_iteration"] =
        training->seconds * 1e6 / static_cast<double>(training->losses.size());
    json["loss_last_1000"] = MeanOfLast(training->losses);
  }
  json["w2"] = metrics.w2;
  json["w2_floor"] = metrics.w2_floor;
  json["nll"] = metrics.nll;
  json["seed"] = options.seed;
  json["dtype"] = autograd::DTypeName(options.dtype);
  json["threads"] = autograd::NumThreads();
  json["isa"] = autograd::IsaName(autograd::ActiveIsa());
  return autograd::WriteFileAtomically(path, json.dump(2) + "\n");
}

}  // namespace examples::moons
