// Training of the MNIST program: epoch after epoch, with everything it writes on the way.
#ifndef EXAMPLES_MNIST_TRAIN_H_
#define EXAMPLES_MNIST_TRAIN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/common/interrupt.h"
#include "examples/mnist/metrics_log.h"
#include "examples/mnist/options.h"
#include "examples/mnist/run.h"
#include "nn/data/data_loader.h"
#include "nn/data/mnist.h"

namespace examples::mnist {

// Mean of the last 100 losses, or of all if there are fewer.
double MeanOfLast(const std::vector<float>& losses);

class Trainer {
 public:
  // The run and the loader, at the same iteration, are advanced; all must outlive the trainer.
  Trainer(const TrainOptions& options, const nn::LabelledImages& test_images, TrainingRun& run,
          nn::DataLoader& loader);

  // Trains on. The program's exit code: 0 after the last epoch or iteration asked for, 130 after
  // Ctrl-C; in both cases the files hold all that was done. Throws NumericalError, naming the
  // iteration and the parameter, if the loss is no longer finite; the files are then those of the
  // last epoch.
  absl::StatusOr<int> Train();

 private:
  std::string Path(const std::string& name) const;
  std::string PicturePath(int64_t epoch) const;
  bool HasPicture(int64_t epoch) const;
  // Iterations up to this one, or to Ctrl-C, within an epoch.
  void TrainUntil(int64_t iteration);
  float Step();
  // Tests, files and pictures of an epoch whose iterations are done. On Ctrl-C before the tests are
  // through, the epoch stays unfinished.
  absl::Status FinishEpoch();
  absl::Status SaveFiles();
  // The grid of an epoch, unless Ctrl-C comes before it is drawn.
  absl::Status DrawSamples(int64_t epoch);
  // That of the epoch that has just ended, if Ctrl-C came before it was drawn.
  absl::Status DrawMissedSamples();

  const TrainOptions& options_;
  const nn::LabelledImages& test_images_;
  TrainingRun& run_;
  nn::DataLoader& loader_;
  MetricsLog metrics_;
  InterruptGuard interrupt_;
  double epoch_seconds_ = 0;
  int64_t epoch_images_ = 0;
};

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_TRAIN_H_
