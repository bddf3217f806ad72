#include "autograd/memory/slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "autograd/memory/allocator.h"

namespace autograd {
namespace {

using internal::SlabAllocate;
using internal::SlabDeallocate;

TEST(Slab, BlocksAreAlignedAndDistinct) {
  std::set<void*> distinct;
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t bytes = 0; bytes <= 600; bytes += 7) {
    for (int i = 0; i < 300; ++i) {
      void* const block = SlabAllocate(bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 16, 0u);
      std::memset(block, i, bytes);
      blocks.emplace_back(block, bytes);
      distinct.insert(block);
    }
  }
  EXPECT_EQ(distinct.size(), blocks.size());
  for (const auto& [block, bytes] : blocks) SlabDeallocate(block, bytes);
  SlabDeallocate(nullptr, 16);
}

TEST(Slab, IsCountedAndUsedAgain) {
  const int64_t before = GetAllocatorStats().bytes_live;
  auto round = [] {
    std::vector<void*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.push_back(SlabAllocate(112));
    const int64_t live = GetAllocatorStats().bytes_live;
    for (void* block : blocks) SlabDeallocate(block, 112);
    return live;
  };
  EXPECT_EQ(round(), before + 5000 * 112);
  EXPECT_EQ(GetAllocatorStats().bytes_live, before);
  const int64_t allocations = GetAllocatorStats().system_allocations;
  round();
  if (AllocatorCaches()) {
    EXPECT_EQ(GetAllocatorStats().system_allocations, allocations);
  }
}

struct Base : SlabObject {
  virtual ~Base() = default;
  double value = 1;
};
struct Derived : Base {
  double more[30] = {};
};
struct Huge : Base {
  double more[300] = {};
};

TEST(Slab, ObjectsAreFreedWithTheirOwnSize) {
  const int64_t before = GetAllocatorStats().bytes_live;
  {
    std::vector<std::unique_ptr<Base>> objects;
    for (int i = 0; i < 100; ++i) {
      objects.push_back(std::make_unique<Base>());
      objects.push_back(std::make_unique<Derived>());
      objects.push_back(std::make_unique<Huge>());
    }
    EXPECT_GE(GetAllocatorStats().bytes_live,
              before + 100 * static_cast<int64_t>(sizeof(Base) + sizeof(Derived) + sizeof(Huge)));
  }
  EXPECT_EQ(GetAllocatorStats().bytes_live, before);
}

TEST(Slab, BlocksFreedByAnotherThreadAreNotLost) {
  SlabDeallocate(SlabAllocate(64), 64);
  const int64_t before = GetAllocatorStats().bytes_live;
  for (int round = 0; round < 100; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(SlabAllocate(64));
    std::thread([&] {
      for (void* block : blocks) SlabDeallocate(block, 64);
    }).join();
  }
  EXPECT_EQ(GetAllocatorStats().bytes_live, before);
  EXPECT_LT(GetAllocatorStats().system_bytes, 20000000);
}

}  // namespace
}  // namespace autograd
