// DataLoader: the examples of a data set as an endless row of batches, epoch after epoch.
//
// Which examples a batch holds is a function of the seed, the epoch and the number of the batch
// alone. So a position of two numbers, kept in a checkpoint, is all it takes to go on after an
// interruption with the same batches, and neither the prefetching nor the number of threads changes
// any of them. A thread in the background makes batches before they are asked for; it runs on one
// processor and enters no parallel region, so it stays out of the training step's way.
//
// Example:
//   auto dataset = std::make_shared<TensorDataset>(std::vector{Arange(0, 10)});
//   DataLoader loader(dataset, {.batch_size = 4, .shuffle = true, .seed = 1});
//   while (loader.position().epoch < 2) {  // 4, 4 and 2 numbers, and the same again
//     std::vector<Tensor> batch = loader.Next();
//     std::cout << batch[0] << "\n";
//   }
//   DataLoader again(dataset, {.batch_size = 4, .shuffle = true, .seed = 1});
//   std::cout << again.Seek({.epoch = 1, .batch = 2}) << again.Next()[0] << "\n";  // the last one
#ifndef NN_DATA_DATA_LOADER_H_
#define NN_DATA_DATA_LOADER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "nn/data/dataset.h"
#include "nn/data/prefetcher.h"

namespace nn {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  // A new random order in every epoch; otherwise the order of the data set.
  bool shuffle = false;
  uint64_t seed = 0;
  // Leaves out the last batch of an epoch if it is not full.
  bool drop_last = false;
  // How many batches the background thread makes in advance; 0 for no thread.
  int64_t prefetch = 2;
  // Changes each batch after it was fetched, by augmentation for example. Runs on the background
  // thread where there is one. Its generator depends on the seed, the epoch and the number of the
  // batch alone.
  std::function<void(std::vector<autograd::Tensor>& batch, autograd::Generator& generator)>
      transform = nullptr;
};

class DataLoader {
 public:
  // What comes next: batch number `batch` of epoch number `epoch`, both from 0.
  struct Position {
    int64_t epoch = 0;
    int64_t batch = 0;
    bool operator==(const Position&) const = default;
  };

  // Throws std::invalid_argument for no data set, batch_size < 1, prefetch < 0, or if an epoch has
  // no batches: an empty data set, or with drop_last one smaller than a batch.
  DataLoader(std::shared_ptr<const Dataset> dataset, DataLoaderOptions options);

  int64_t batches_per_epoch() const { return batches_per_epoch_; }

  // The batch at position(), which moves on by one: after the last batch of an epoch to the first
  // of the next. Rethrows what Fetch or the transform threw; the position then stays, and the next
  // call tries the same batch again.
  std::vector<autograd::Tensor> Next();

  // Where Next() is; what a checkpoint keeps.
  const Position& position() const { return position_; }
  // Goes to a position, from a checkpoint for example. InvalidArgument, and nothing changes, unless
  // 0 <= epoch < 2^32 and 0 <= batch < batches_per_epoch().
  absl::Status Seek(const Position& position);

 private:
  // Makes ready to make batches from position_ on.
  void Start();
  void Stop();

  std::shared_ptr<const Dataset> dataset_;
  DataLoaderOptions options_;
  int64_t batches_per_epoch_ = 0;
  Position position_;
  // Makes the batches from position_ on, one a call: on the prefetcher's thread if there is one.
  // Null until the first batch is asked for.
  std::function<std::vector<autograd::Tensor>()> make_;
  std::unique_ptr<internal::Prefetcher> prefetcher_;
};

}  // namespace nn

#endif  // NN_DATA_DATA_LOADER_H_
