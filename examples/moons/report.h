// Files of the moons program: the model, and what was measured.
#ifndef EXAMPLES_MOONS_REPORT_H_
#define EXAMPLES_MOONS_REPORT_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/moons/evaluate.h"
#include "examples/moons/options.h"
#include "examples/moons/train.h"
#include "nn/module.h"

namespace examples::moons {

// Writes the model's parameters with the options as metadata.
absl::Status SaveModel(const Options& options, const nn::Module& model, const std::string& path);

// The metadata of a model file; an error if the file is not one of this program.
absl::StatusOr<std::map<std::string, std::string>> ReadModelMetadata(const std::string& path);

// Loads the parameters of a file into a model of its kind.
absl::Status LoadModel(const std::string& path, nn::Module& model);

// Writes metrics.json. Without training (a model from a file), what only training tells is null.
absl::Status WriteMetrics(const Options& options, const std::optional<TrainingResult>& training,
                          const Metrics& metrics, const std::string& path);

// Mean of the last 1000 losses (or of all, if fewer).
double MeanOfLast(const std::vector<float>& losses);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_REPORT_H_
