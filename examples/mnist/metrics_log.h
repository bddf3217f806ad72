// metrics.jsonl: a line of JSON for each epoch.
#ifndef EXAMPLES_MNIST_METRICS_LOG_H_
#define EXAMPLES_MNIST_METRICS_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace examples::mnist {

struct EpochMetrics {
  int64_t epoch = 0;
  double loss = 0;               // mean of the last 100 iterations
  double test_loss = 0;          // NaN if not measured
  double seconds = 0;            // of training, without tests and pictures
  double images_per_second = 0;  // NaN if a resumed run had only the tests left to do
  int64_t peak_memory_bytes = 0;
};

class MetricsLog {
 public:
  // An empty log; the file is replaced at the first Append.
  explicit MetricsLog(std::string path) : path_(std::move(path)) {}

  // Takes over what the file, if it is there, says of the first `epochs` epochs.
  absl::Status Continue(int64_t epochs);
  absl::Status Append(const EpochMetrics& metrics);

 private:
  std::string path_;
  std::string lines_;
};

// The most memory this process ever held.
int64_t PeakMemoryBytes();

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_METRICS_LOG_H_
