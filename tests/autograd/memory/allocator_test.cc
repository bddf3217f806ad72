#include "autograd/memory/allocator.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "autograd/errors.h"
#include "autograd/memory/operation_scope.h"
#include "autograd/memory/size_class.h"

namespace autograd {
namespace {

TEST(SizeClass, CoversEverySizeWithLittleWaste) {
  std::vector<size_t> sizes;
  for (size_t bytes = 1; bytes < 20000; ++bytes) sizes.push_back(bytes);
  for (size_t power = 14; power <= 46; ++power) {
    for (size_t bytes : {size_t{1} << power, (size_t{1} << power) / 7 * 9}) {
      sizes.insert(sizes.end(), {bytes - 1, bytes, bytes + 1});
    }
  }
  for (size_t bytes : sizes) {
    const int size_class = internal::BufferClass(bytes);
    const size_t rounded = internal::ClassBytes(size_class);
    ASSERT_GE(rounded, bytes);
    ASSERT_LE(rounded - bytes, std::max<size_t>(63, bytes / 8));
    ASSERT_EQ(rounded % 64, 0u);
    ASSERT_EQ(internal::BufferClass(rounded), size_class) << bytes;
    ASSERT_LT(size_class, internal::kClasses);
  }
  for (size_t bytes = 1; bytes <= 512; ++bytes) {
    const size_t rounded = internal::ClassBytes(internal::SlabClass(bytes));
    ASSERT_GE(rounded, bytes);
    ASSERT_LT(rounded - bytes, 16u);
  }
}

// A buffer whose bytes are written in full and checked when it is freed.
class Buffer {
 public:
  Buffer(size_t bytes, unsigned char fill)
      : bytes_(bytes), fill_(fill), data_(static_cast<unsigned char*>(Allocate(bytes))) {
    if (bytes_ > 0) std::memset(data_, fill_, bytes_);
  }
  Buffer(Buffer&& other) noexcept
      : bytes_(other.bytes_), fill_(other.fill_), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(fill_, other.fill_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() {
    if (data_ == nullptr) return;
    EXPECT_TRUE(
        std::all_of(data_, data_ + bytes_, [this](unsigned char byte) { return byte == fill_; }));
    Deallocate(data_, bytes_);
  }
  const unsigned char* data() const { return data_; }

 private:
  size_t bytes_;
  unsigned char fill_;
  unsigned char* data_;
};

TEST(Allocator, BuffersAreAlignedAndDoNotOverlap) {
  std::vector<Buffer> buffers;
  unsigned char fill = 0;
  for (size_t bytes : {0, 1, 63, 64, 65, 512, 513, 4096, 4097, 262144, 262145, 2097152, 5000000}) {
    for (int i = 0; i < 40 && i * bytes < 30000000; ++i) {
      buffers.emplace_back(bytes, ++fill);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 64, 0u);
      if (bytes >= 2097152 && AllocatorCaches()) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 4096, 0u);
      }
    }
  }
}

TEST(Allocator, FreeingNullDoesNothing) {
  const int64_t live = GetAllocatorStats().bytes_live;
  Deallocate(nullptr, 100);
  EXPECT_EQ(GetAllocatorStats().bytes_live, live);
}

// What a training step does to the allocator, as a reproducible list of sizes with some freed on
// the way.
void Step() {
  std::mt19937 random(7);
  std::vector<Buffer> buffers;
  for (int i = 0; i < 200; ++i) {
    buffers.emplace_back(size_t{1} << (random() % 23), static_cast<unsigned char>(i));
    if (random() % 3 == 0)
      buffers.erase(buffers.begin() + static_cast<int64_t>(random() % buffers.size()));
  }
}

TEST(Allocator, TheSecondIdenticalStepTakesNothingFromTheSystem) {
  Step();
  const AllocatorStats before = GetAllocatorStats();
  Step();
  const AllocatorStats after = GetAllocatorStats();
  if (AllocatorCaches()) {
    EXPECT_EQ(after.system_allocations, before.system_allocations);
    EXPECT_GT(after.bytes_cached, 0);
  } else {
    EXPECT_GT(after.system_allocations, before.system_allocations);
  }
  EXPECT_EQ(after.bytes_live, before.bytes_live);
  EXPECT_EQ(after.system_bytes, after.bytes_live + after.bytes_cached);
}

TEST(Allocator, CountsLiveAndPeakBytes) {
  for (int64_t bytes : {int64_t{1} << 18, int64_t{1} << 20, int64_t{1} << 24}) {
    ResetPeakStats();
    const AllocatorStats before = GetAllocatorStats();
    EXPECT_EQ(before.bytes_peak, before.bytes_live);
    const auto size = static_cast<size_t>(bytes);
    void* const one = Allocate(size);
    void* const two = Allocate(size);
    EXPECT_EQ(GetAllocatorStats().bytes_live, before.bytes_live + 2 * bytes);
    Deallocate(one, size);
    Deallocate(two, size);
    EXPECT_EQ(GetAllocatorStats().bytes_live, before.bytes_live);
    EXPECT_EQ(GetAllocatorStats().bytes_peak, before.bytes_live + 2 * bytes);
  }
}

TEST(Allocator, PeakOfSmallBuffersIsExactTo64KiB) {
  ResetPeakStats();
  const int64_t before = GetAllocatorStats().bytes_live;
  std::vector<void*> buffers;
  for (int i = 0; i < 10000; ++i) buffers.push_back(Allocate(64));
  for (void* buffer : buffers) Deallocate(buffer, 64);
  const int64_t peak = GetAllocatorStats().bytes_peak - before;
  EXPECT_LE(peak, 640000);
  EXPECT_GE(peak, 640000 - 65536);
}

TEST(Allocator, EmptyCacheReturnsWhatIsFree) {
  Step();
  EmptyCache();
  const AllocatorStats empty = GetAllocatorStats();
  Step();
  EmptyCache();
  const AllocatorStats again = GetAllocatorStats();
  // A chunk that is partly cut or still in use may stay for each size of small blocks.
  EXPECT_LE(again.bytes_cached, empty.bytes_cached + 20 * 65536);
  EXPECT_LE(again.bytes_cached, 64 * 65536);
  Step();
}

TEST(Allocator, EmptyCacheReturnsChunksOfSmallBlocks) {
  EmptyCache();
  const int64_t before = GetAllocatorStats().system_bytes;
  std::vector<Buffer> buffers;
  for (int i = 0; i < 20000; ++i) buffers.emplace_back(200, static_cast<unsigned char>(i));
  EXPECT_GE(GetAllocatorStats().system_bytes, before + 4000000);
  // Every second one is freed: no chunk is free as a whole.
  for (size_t i = 0; i < buffers.size() / 2; ++i) buffers[i] = std::move(buffers[2 * i]);
  buffers.erase(buffers.begin() + 10000, buffers.end());
  EmptyCache();
  for (int i = 0; i < 1000; ++i) buffers.emplace_back(200, static_cast<unsigned char>(i));
  buffers.clear();
  EmptyCache();
  EXPECT_LE(GetAllocatorStats().system_bytes, before + 2 * 65536);
}

class MemoryLimit : public ::testing::Test {
 protected:
  void SetUp() override { EmptyCache(); }
  void TearDown() override { SetMemoryLimit(0); }
};

TEST_F(MemoryLimit, TheErrorNamesOperationSizeAndLimit) {
  const auto limit = static_cast<size_t>(GetAllocatorStats().system_bytes) + 1000000;
  SetMemoryLimit(limit);
  const OperationScope scope("Matmul");
  try {
    static_cast<void>(Allocate(size_t{1} << 23));
    FAIL() << "no exception";
  } catch (const OutOfMemoryError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("Matmul: cannot allocate 8388608 bytes: "), 0u) << message;
    EXPECT_NE(message.find("limit set by SetMemoryLimit is " + std::to_string(limit) + " bytes"),
              std::string::npos)
        << message;
  }
  Deallocate(Allocate(100000), 100000);
}

TEST_F(MemoryLimit, TheCacheIsEmptiedBeforeItFails) {
  SetMemoryLimit(static_cast<size_t>(GetAllocatorStats().system_bytes) + (size_t{12} << 20));
  Deallocate(Allocate(size_t{8} << 20), size_t{8} << 20);
  Deallocate(Allocate(size_t{10} << 20), size_t{10} << 20);
  EXPECT_THROW(static_cast<void>(Allocate(size_t{14} << 20)), OutOfMemoryError);
}

TEST_F(MemoryLimit, HoldsForSmallBuffers) {
  SetMemoryLimit(static_cast<size_t>(GetAllocatorStats().system_bytes) + 1000000);
  std::vector<void*> buffers;
  EXPECT_THROW(
      {
        for (int i = 0; i < 100000; ++i) buffers.push_back(Allocate(64));
      },
      OutOfMemoryError);
  EXPECT_GE(buffers.size(), 10000u);
  EXPECT_LE(buffers.size(), 40000u);
  for (void* buffer : buffers) Deallocate(buffer, 64);
}

TEST_F(MemoryLimit, WhatNoSystemHasIsAnErrorToo) {
  for (size_t bytes : {size_t{1} << 46, size_t{1} << 47, (size_t{1} << 47) + 1,
                       std::numeric_limits<size_t>::max()}) {
    EXPECT_THROW(static_cast<void>(Allocate(bytes)), OutOfMemoryError) << bytes;
  }
}

TEST(Allocator, BuffersMayBeFreedByOtherThreads) {
  const int64_t before = GetAllocatorStats().bytes_live;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<Buffer>> made(4);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&mine = made[t], t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int i = 0; i < 500; ++i) {
          mine.emplace_back(random() % 10000, static_cast<unsigned char>(i));
          if (i % 3 == 0) mine.pop_back();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    for (size_t t = 0; t < 4; ++t)
      threads.emplace_back([&theirs = made[(t + 1) % 4]] { theirs.clear(); });
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(GetAllocatorStats().bytes_live, before);
  EXPECT_LT(GetAllocatorStats().system_bytes, 100000000)
      << "what ended threads had cached is used again";
}

TEST(Allocator, AForkedChildCanAllocateWhileOthersDo) {
  // ASan's own malloc may be locked in a child, so the other thread keeps away from it.
  std::atomic<bool> stop{!AllocatorCaches()};
  std::thread other([&] {
    while (!stop) Deallocate(Allocate(1 << 20), 1 << 20);
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      Deallocate(Allocate(1 << 20), 1 << 20);
      Deallocate(Allocate(100), 100);
      _exit(0);
    }
    ASSERT_GT(child, 0);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  stop = true;
  other.join();
}

// Lives longer than the main thread's cache and frees after it.
struct FreesAtExit {
  void* buffer = nullptr;
  ~FreesAtExit() {
    Deallocate(buffer, 100);
    Deallocate(Allocate(5000), 5000);
  }
};
FreesAtExit frees_at_exit;

TEST(Allocator, StaticObjectsMayFreeAtExit) {
  frees_at_exit.buffer = Allocate(100);
  std::thread([] {
    thread_local FreesAtExit
        frees_at_thread_exit;  // Made before the thread's cache, so destroyed after it.
    frees_at_thread_exit.buffer = Allocate(100);
  }).join();
  EXPECT_NE(frees_at_exit.buffer, nullptr);
}

TEST(OperationScope, Nests) {
  EXPECT_EQ(CurrentOperation(), nullptr);
  const OperationScope outer("Outer");
  {
    const OperationScope inner("Inner");
    EXPECT_STREQ(CurrentOperation(), "Inner");
  }
  EXPECT_STREQ(CurrentOperation(), "Outer");
}

}  // namespace
}  // namespace autograd
