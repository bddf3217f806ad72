#include "nn/data/data_loader.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nn {
namespace {

using autograd::Generator;
using autograd::Tensor;

// Upper halves of the generators' streams, so that a program's own generators of the same seed,
// with streams 0, 1, 2, ..., share no numbers with the order of the data. The lower half is the
// epoch.
constexpr uint64_t kOrderStream = uint64_t{0x6f726465} << 32;
constexpr uint64_t kTransformStream = uint64_t{0x7472616e} << 32;
// Each batch's transform has so many groups of 64 numbers to itself.
constexpr uint64_t kTransformGroups = uint64_t{1} << 24;
constexpr int64_t kMostEpochs = int64_t{1} << 32;

// Makes one batch after the other from a position on.
class BatchMaker {
 public:
  BatchMaker(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options,
             int64_t batches_per_epoch, const DataLoader::Position& start)
      : dataset_(std::move(dataset)),
        options_(options),
        batches_per_epoch_(batches_per_epoch),
        next_(start) {}

  std::vector<Tensor> Next() {
    if (order_epoch_ != next_.epoch) SetOrder();
    const int64_t begin = next_.batch * options_.batch_size;
    const int64_t end = std::min(begin + options_.batch_size, static_cast<int64_t>(order_.size()));
    std::vector<Tensor> batch = dataset_->Fetch(std::span<const int64_t>(order_).subspan(
        static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    if (options_.transform) {
      Generator generator;
      generator.set_state({options_.seed, kTransformStream | static_cast<uint64_t>(next_.epoch),
                           static_cast<uint64_t>(next_.batch) * kTransformGroups});
      options_.transform(batch, generator);
    }
    if (++next_.batch == batches_per_epoch_) next_ = {next_.epoch + 1, 0};
    return batch;
  }

 private:
  // Before the first epoch it makes, and when the shuffled order of another one is needed.
  void SetOrder() {
    order_.resize(static_cast<size_t>(dataset_->size()));
    if (options_.shuffle) {
      Generator generator(options_.seed, kOrderStream | static_cast<uint64_t>(next_.epoch));
      generator.Permutation(order_.data(), static_cast<int64_t>(order_.size()));
    } else {
      std::iota(order_.begin(), order_.end(), int64_t{0});
    }
    order_epoch_ = next_.epoch;
  }

  std::shared_ptr<const Dataset> dataset_;
  DataLoaderOptions options_;
  int64_t batches_per_epoch_;
  DataLoader::Position next_;
  int64_t order_epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, DataLoaderOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  if (dataset_ == nullptr || options_.batch_size < 1 || options_.prefetch < 0) {
    throw std::invalid_argument(
        absl::StrCat("DataLoader: wants a data set, batch_size >= 1 and prefetch >= 0, got ",
                     dataset_ == nullptr ? "no data set" : "a data set", ", batch_size ",
                     options_.batch_size, " and prefetch ", options_.prefetch));
  }
  const int64_t size = dataset_->size(), full = size / options_.batch_size;
  batches_per_epoch_ = full + (!options_.drop_last && size % options_.batch_size > 0 ? 1 : 0);
  if (batches_per_epoch_ == 0) {
    throw std::invalid_argument(absl::StrCat("DataLoader: an epoch of ", size,
                                             " examples has no batches of ", options_.batch_size,
                                             options_.drop_last ? " with drop_last" : ""));
  }
}

std::vector<Tensor> DataLoader::Next() {
  if (make_ == nullptr) Start();
  std::vector<Tensor> batch;
  try {
    batch = prefetcher_ != nullptr ? prefetcher_->Next() : make_();
  } catch (...) {
    // The next call starts again from where this one failed.
    Stop();
    throw;
  }
  if (++position_.batch == batches_per_epoch_) position_ = {position_.epoch + 1, 0};
  return batch;
}

absl::Status DataLoader::Seek(const Position& position) {
  if (position.epoch < 0 || position.epoch >= kMostEpochs || position.batch < 0 ||
      position.batch >= batches_per_epoch_) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no batch ", position.batch, " of epoch ", position.epoch,
                     " in a data loader with ", batches_per_epoch_, " batches an epoch"));
  }
  Stop();
  position_ = position;
  return absl::OkStatus();
}

void DataLoader::Start() {
  const auto maker =
      std::make_shared<BatchMaker>(dataset_, options_, batches_per_epoch_, position_);
  const auto make = [maker] { return maker->Next(); };
  if (options_.prefetch > 0) {
    prefetcher_ =
        std::make_unique<internal::Prefetcher>(make, static_cast<size_t>(options_.prefetch));
  }
  make_ = make;
}

void DataLoader::Stop() {
  prefetcher_.reset();
  make_ = nullptr;
}

}  // namespace nn
