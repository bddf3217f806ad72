#include "examples/mnist/metrics_log.h"

#include <sys/resource.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "autograd/io/file.h"

namespace examples::mnist {

absl::Status MetricsLog::Continue(int64_t epochs) {
  const absl::StatusOr<std::string> text = autograd::ReadFile(path_);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  if (!text.ok()) return text.status();
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto epoch = json.is_object() ? json.find("epoch") : json.end();
    if (epoch == json.end() || !epoch->is_number_integer() || *epoch > epochs) continue;
    lines_ += line + "\n";
  }
  return absl::OkStatus();
}

absl::Status MetricsLog::Append(const EpochMetrics& metrics) {
  nlohmann::ordered_json json;
  json["epoch"] = metrics.epoch;
  json["loss"] = metrics.loss;
  json["test_loss"] = metrics.test_loss;  // NaN becomes null
  json["seconds"] = metrics.seconds;
  json["images_per_second"] = metrics.images_per_second;
  json["peak_memory_bytes"] = metrics.peak_memory_bytes;
  lines_ += json.dump() + "\n";
  return autograd::WriteFileAtomically(path_, lines_);
}

int64_t PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace examples::mnist
