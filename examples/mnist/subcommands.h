// The commands of the MNIST program. Each returns the exit code, or an error for the user to mend:
// input that cannot be used, or a folder that cannot be made, found before anything was written.
// Failures on the way they report themselves, as kFailure.
#ifndef EXAMPLES_MNIST_SUBCOMMANDS_H_
#define EXAMPLES_MNIST_SUBCOMMANDS_H_

#include "absl/status/statusor.h"
#include "examples/mnist/options.h"

namespace examples::mnist {

absl::StatusOr<int> RunTrain(const TrainOptions& options);
absl::StatusOr<int> RunSample(const SampleOptions& options);
absl::StatusOr<int> RunEval(const EvalOptions& options);
absl::StatusOr<int> RunExport(const ExportOptions& options);
absl::StatusOr<int> RunInfo(const InfoOptions& options);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_SUBCOMMANDS_H_
