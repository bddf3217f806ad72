// Datasets and the loader: which batches come in which order, whatever the thread does.
#include "nn/data/data_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "autograd/grad_mode.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"
#include "nn/data/dataset.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Generator;
using autograd::Tensor;
using Position = DataLoader::Position;

std::shared_ptr<const Dataset> Numbers(int64_t count) {
  return std::make_shared<TensorDataset>(
      std::vector{autograd::Arange(0, static_cast<double>(count), 1, DType::kI64)});
}

std::vector<int64_t> NextNumbers(DataLoader& loader) {
  return loader.Next().at(0).ToVector<int64_t>();
}

// The next `count` batches.
std::vector<std::vector<int64_t>> Batches(DataLoader& loader, int count) {
  std::vector<std::vector<int64_t>> batches;
  for (int i = 0; i < count; ++i) batches.push_back(NextNumbers(loader));
  return batches;
}

TEST(TensorDataset, FetchesRowsOfEveryTensor) {
  const Tensor points = Tensor::FromVector<float>({0, 1, 2, 3, 4, 5}, {3, 2});
  const Tensor flags = Tensor::FromVector<uint8_t>({7, 8, 9}, {3});
  const TensorDataset dataset({points, flags});
  EXPECT_EQ(dataset.size(), 3);
  const std::vector<Tensor> batch = dataset.Fetch(std::vector<int64_t>{2, 0, 2});
  ASSERT_EQ(batch.size(), 2);
  EXPECT_EQ(batch[0].shape(), (autograd::Shape{3, 2}));
  EXPECT_EQ(batch[0].ToVector<float>(), (std::vector<float>{4, 5, 0, 1, 4, 5}));
  EXPECT_EQ(batch[1].ToVector<uint8_t>(), (std::vector<uint8_t>{9, 7, 9}));
  EXPECT_EQ(dataset.Fetch({})[0].shape(), (autograd::Shape{0, 2}));
  // A view is copied once; a leaf loses its gradients.
  const TensorDataset turned({Transpose(points, 0, 1)});
  EXPECT_EQ(turned.Fetch(std::vector<int64_t>{1})[0].ToVector<float>(),
            (std::vector<float>{1, 3, 5}));
  Tensor leaf = autograd::Ones({2, 2}).set_requires_grad(true);
  EXPECT_FALSE(TensorDataset({leaf}).Fetch(std::vector<int64_t>{0})[0].requires_grad());
}

TEST(TensorDataset, RefusesWhatDoesNotFit) {
  const Tensor three = autograd::Ones({3, 2}), two = autograd::Ones({2});
  EXPECT_THROW(TensorDataset({}), std::invalid_argument);
  EXPECT_THROW(TensorDataset({three, two}), std::invalid_argument);
  EXPECT_THROW(TensorDataset({Tensor()}), std::invalid_argument);
  EXPECT_THROW(TensorDataset({autograd::Ones({})}), std::invalid_argument);
  const TensorDataset dataset({three});
  EXPECT_THROW(dataset.Fetch(std::vector<int64_t>{0, 3}), std::invalid_argument);
  EXPECT_THROW(dataset.Fetch(std::vector<int64_t>{-1}), std::invalid_argument);
  EXPECT_THROW(CopyRows(Transpose(three, 0, 1), {}), std::invalid_argument);
}

TEST(DataLoader, GoesThroughTheDataInOrderEpochAfterEpoch) {
  for (const int64_t prefetch : {0, 1, 3}) {
    DataLoader loader(Numbers(7), {.batch_size = 3, .prefetch = prefetch});
    EXPECT_EQ(loader.batches_per_epoch(), 3);
    const std::vector<std::vector<int64_t>> epoch = {{0, 1, 2}, {3, 4, 5}, {6}};
    EXPECT_EQ(Batches(loader, 3), epoch);
    EXPECT_EQ(loader.position(), (Position{1, 0}));
    EXPECT_EQ(Batches(loader, 3), epoch);
    DataLoader full(Numbers(7), {.batch_size = 3, .drop_last = true, .prefetch = prefetch});
    EXPECT_EQ(full.batches_per_epoch(), 2);
    EXPECT_EQ(Batches(full, 3),
              (std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}, {0, 1, 2}}));
    EXPECT_EQ(full.position(), (Position{1, 1}));
  }
}

TEST(DataLoader, ShufflesEveryEpochAnew) {
  std::set<std::vector<int64_t>> orders;
  for (const uint64_t seed : {1, 2}) {
    DataLoader loader(Numbers(100), {.batch_size = 100, .shuffle = true, .seed = seed});
    for (int epoch = 0; epoch < 5; ++epoch) {
      std::vector<int64_t> order = NextNumbers(loader);
      orders.insert(order);
      std::sort(order.begin(), order.end());
      std::vector<int64_t> all(100);
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(order, all);
    }
  }
  EXPECT_EQ(orders.size(), 10);
}

TEST(DataLoader, AnyPositionGivesTheSameBatchesAsGoingThere) {
  const auto numbers = Numbers(50);
  const DataLoaderOptions options = {.batch_size = 8, .shuffle = true, .seed = 5};
  DataLoader whole(numbers, options);
  const int count = 21;  // three epochs
  const std::vector<std::vector<int64_t>> expected = Batches(whole, count);
  DataLoader walker(numbers, options), jumper(numbers, options);
  for (int start = 0; start < count; ++start) {
    DataLoader resumed(numbers, options);
    ASSERT_TRUE(resumed.Seek(walker.position()).ok());
    EXPECT_EQ(resumed.position(), walker.position());
    const std::vector<std::vector<int64_t>> rest(expected.begin() + start, expected.end());
    EXPECT_EQ(Batches(resumed, count - start), rest) << start;
    // One loader may also jump about.
    const int place = start * 13 % count;
    ASSERT_TRUE(jumper.Seek({place / 7, place % 7}).ok());
    EXPECT_EQ(NextNumbers(jumper), expected[static_cast<size_t>(place)]);
    NextNumbers(walker);
  }
}

TEST(DataLoader, RefusesPositionsThatAreNot) {
  DataLoader loader(Numbers(10), {.batch_size = 3});
  NextNumbers(loader);
  for (const Position& bad :
       {Position{-1, 0}, Position{0, -1}, Position{0, 4}, Position{int64_t{1} << 32, 0}}) {
    EXPECT_EQ(loader.Seek(bad).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(loader.Seek({2, 4}).message(),
            "there is no batch 4 of epoch 2 in a data loader with 4 batches an epoch");
  EXPECT_EQ(loader.position(), (Position{0, 1}));
  EXPECT_EQ(NextNumbers(loader), (std::vector<int64_t>{3, 4, 5}));
}

TEST(DataLoader, RefusesOptionsWithoutBatches) {
  EXPECT_THROW(DataLoader(nullptr, {}), std::invalid_argument);
  EXPECT_THROW(DataLoader(Numbers(3), {.batch_size = 0}), std::invalid_argument);
  EXPECT_THROW(DataLoader(Numbers(3), {.prefetch = -1}), std::invalid_argument);
  EXPECT_THROW(DataLoader(Numbers(0), {}), std::invalid_argument);
  EXPECT_THROW(DataLoader(Numbers(3), {.batch_size = 4, .drop_last = true}), std::invalid_argument);
  EXPECT_EQ(DataLoader(Numbers(3), {.batch_size = 4}).batches_per_epoch(), 1);
}

TEST(DataLoader, TransformsDependOnThePositionAlone) {
  const auto noise = [](std::vector<Tensor>& batch, Generator& generator) {
    batch.push_back(autograd::Rand({4}, generator));
  };
  std::set<std::vector<float>> seen;
  std::vector<std::vector<float>> first;
  for (const int64_t prefetch : {0, 2}) {
    DataLoader loader(Numbers(10),
                      {.batch_size = 5, .seed = 3, .prefetch = prefetch, .transform = noise});
    std::vector<std::vector<float>> drawn;
    for (int i = 0; i < 6; ++i) drawn.push_back(loader.Next()[1].ToVector<float>());
    seen.insert(drawn.begin(), drawn.end());
    if (first.empty()) first = drawn;
    EXPECT_EQ(drawn, first);
    ASSERT_TRUE(loader.Seek({1, 1}).ok());
    EXPECT_EQ(loader.Next()[1].ToVector<float>(), first[3]);
  }
  EXPECT_EQ(seen.size(), 6);
}

// What the loader's thread finds where it runs.
class Observer final : public Dataset {
 public:
  int64_t size() const override { return 1000; }
  std::vector<Tensor> Fetch(std::span<const int64_t> indices) const override {
    ++calls;
    elsewhere = std::this_thread::get_id() != owner;
    serial = autograd::InParallelRegion();
    recording = autograd::GradEnabled();
    if (indices[0] == fail_at) throw std::runtime_error("no example " + std::to_string(fail_at));
    return {Tensor::Scalar<int64_t>(indices[0])};
  }

  const std::thread::id owner = std::this_thread::get_id();
  std::atomic<int64_t> fail_at = -1;
  mutable std::atomic<int> calls = 0;
  mutable std::atomic<bool> elsewhere = false, serial = false, recording = true;
};

TEST(DataLoader, TheThreadStaysOutOfParallelRegionsAndAheadByPrefetch) {
  const auto observer = std::make_shared<Observer>();
  DataLoader loader(observer, {.prefetch = 3});
  EXPECT_EQ(observer->calls, 0);  // nothing runs before it is asked for
  loader.Next();
  while (observer->calls < 4) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(observer->calls, 4);
  EXPECT_TRUE(observer->elsewhere);
  EXPECT_TRUE(observer->serial);
  EXPECT_FALSE(observer->recording);
  EXPECT_FALSE(autograd::InParallelRegion());
  DataLoader inline_loader(observer, {.prefetch = 0});
  inline_loader.Next();
  EXPECT_FALSE(observer->elsewhere);
}

TEST(DataLoader, ExceptionsReachTheConsumerAtTheirBatchAndTheBatchCanBeTriedAgain) {
  for (const int64_t prefetch : {0, 1, 4}) {
    const auto observer = std::make_shared<Observer>();
    observer->fail_at = 3;
    DataLoader loader(observer, {.prefetch = prefetch});
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(loader.Next()[0].item<int64_t>(), i);
    for (int attempt = 0; attempt < 2; ++attempt) {
      EXPECT_THAT([&] { loader.Next(); },
                  ::testing::ThrowsMessage<std::runtime_error>("no example 3"));
      EXPECT_EQ(loader.position(), (Position{0, 3}));
    }
    observer->fail_at = -1;
    EXPECT_EQ(loader.Next()[0].item<int64_t>(), 3);
    EXPECT_EQ(loader.Next()[0].item<int64_t>(), 4);
  }
}

TEST(DataLoader, CanGoAtAnyTime) {
  const auto observer = std::make_shared<Observer>();
  for (int round = 0; round < 200; ++round) {
    DataLoader loader(observer, {.shuffle = round % 50 == 0, .prefetch = 1 + round % 4});
    for (int i = 0; i < round % 5; ++i) loader.Next();
    if (round % 3 == 0) {
      ASSERT_TRUE(loader.Seek({round, 7}).ok());
    }
    if (round % 2 == 0) loader.Next();
  }
  // Batches outlive the loader that made them.
  std::vector<Tensor> batch;
  {
    DataLoader loader(Numbers(10), {.batch_size = 10});
    batch = loader.Next();
  }
  EXPECT_EQ(batch[0].ToVector<int64_t>()[9], 9);
}

TEST(DataLoader, BuffersAreUsedAgain) {
  if (!autograd::AllocatorCaches()) return;
  const auto dataset = std::make_shared<TensorDataset>(
      std::vector{autograd::Ones({600, 784}), autograd::Zeros({600}, DType::kI64)});
  const auto allocations = [&](int64_t prefetch) {
    DataLoader loader(dataset, {.batch_size = 256, .shuffle = true, .prefetch = prefetch});
    for (int i = 0; i < 200; ++i) loader.Next();
    const int64_t warm = autograd::GetAllocatorStats().system_allocations;
    for (int i = 0; i < 400; ++i) loader.Next();
    return autograd::GetAllocatorStats().system_allocations - warm;
  };
  EXPECT_EQ(allocations(0), 0);
  // How many batches there are at a time, at most those that wait, the one being made and the one
  // handed out, depends on which thread is ahead: the warm-up may not have seen the most.
  constexpr int64_t kPrefetch = 2, kTensors = 2;
  EXPECT_LE(allocations(kPrefetch), (kPrefetch + 2) * kTensors);
}

}  // namespace
}  // namespace nn
