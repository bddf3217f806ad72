#include "autograd/memory/allocator.h"

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "autograd/memory/central_cache.h"
#include "autograd/memory/out_of_memory.h"
#include "autograd/memory/size_class.h"
#include "autograd/memory/slab.h"

#ifndef AUTOGRAD_BYPASS_CACHE

namespace autograd {
namespace internal {

thread_local constinit ThreadCache* thread_cache = nullptr;

namespace {

// Set once the thread's cache has been returned; what is freed even later goes to the central cache
// one by one.
thread_local constinit bool thread_is_ending = false;

struct ReturnThreadCache {
  ReturnThreadCache() = default;
  ReturnThreadCache(const ReturnThreadCache&) = delete;
  ReturnThreadCache& operator=(const ReturnThreadCache&) = delete;
  ~ReturnThreadCache() {
    thread_is_ending = true;
    if (thread_cache == nullptr) return;
    central_cache.ReleaseThreadCache(thread_cache);
    thread_cache = nullptr;
  }
};

// The thread's cache, made if it has none yet; nullptr if it cannot have one.
ThreadCache* EnsureThreadCache() noexcept {
  if (thread_cache == nullptr && !thread_is_ending) {
    thread_local const ReturnThreadCache at_thread_exit;
    static_cast<void>(&at_thread_exit);
    thread_cache = central_cache.AcquireThreadCache();
  }
  return thread_cache;
}

void CountLive(ThreadCache* cache, size_t bytes) {
  const int64_t live = cache->live.load(std::memory_order_relaxed) + static_cast<int64_t>(bytes);
  cache->live.store(live, std::memory_order_relaxed);
  if (live > cache->next_peak_check.load(std::memory_order_relaxed)) [[unlikely]] {
    central_cache.CheckPeak(cache);
  }
}

[[gnu::noinline]] void* AllocateSlow(int size_class, size_t bytes) {
  ThreadCache* const cache = EnsureThreadCache();
  if (cache == nullptr) return central_cache.TakeOne(size_class);
  ThreadCache::List& list = cache->lists[size_class];
  if (list.head == nullptr) {
    if (list.spare != nullptr) {
      list.head = list.spare;
      list.spare = nullptr;
      list.room = 0;
    } else {
      uint32_t count = 0;
      // Taking a batch may empty this very cache first, so the list is written only after.
      FreeBlock* const batch = central_cache.TakeBatch(size_class, &count);
      list.head = batch;
      list.room = BatchBlocks(size_class) - count;
    }
  }
  FreeBlock* const block = list.head;
  list.head = block->next;
  ++list.room;
  CountLive(cache, bytes);
  return block;
}

[[gnu::noinline]] void DeallocateSlow(void* block, int size_class, size_t bytes) noexcept {
  ThreadCache* const cache = EnsureThreadCache();
  if (cache == nullptr) return central_cache.GiveOne(size_class, block);
  ThreadCache::List& list = cache->lists[size_class];
  if (list.room == 0) {
    if (list.spare != nullptr) central_cache.GiveBatch(size_class, list.spare);
    list.spare = list.head;
    list.head = nullptr;
    list.room = BatchBlocks(size_class);
  }
  auto* const free_block = static_cast<FreeBlock*>(block);
  free_block->next = list.head;
  list.head = free_block;
  --list.room;
  cache->live.store(cache->live.load(std::memory_order_relaxed) - static_cast<int64_t>(bytes),
                    std::memory_order_relaxed);
}

inline void* AllocateBlock(int size_class, size_t bytes) {
  ThreadCache* const cache = thread_cache;
  if (cache == nullptr) [[unlikely]]
    return AllocateSlow(size_class, bytes);
  ThreadCache::List& list = cache->lists[size_class];
  FreeBlock* const block = list.head;
  if (block == nullptr) [[unlikely]]
    return AllocateSlow(size_class, bytes);
  list.head = block->next;
  ++list.room;
  CountLive(cache, bytes);
  return block;
}

inline void DeallocateBlock(void* block, int size_class, size_t bytes) noexcept {
  ThreadCache* const cache = thread_cache;
  if (cache == nullptr) [[unlikely]]
    return DeallocateSlow(block, size_class, bytes);
  ThreadCache::List& list = cache->lists[size_class];
  if (list.room == 0) [[unlikely]]
    return DeallocateSlow(block, size_class, bytes);
  auto* const free_block = static_cast<FreeBlock*>(block);
  free_block->next = list.head;
  list.head = free_block;
  --list.room;
  cache->live.store(cache->live.load(std::memory_order_relaxed) - static_cast<int64_t>(bytes),
                    std::memory_order_relaxed);
}

}  // namespace
}  // namespace internal

using internal::central_cache;

void* Allocate(size_t bytes) {
  if (bytes == 0) bytes = 1;
  if (bytes > internal::kMaxBytes) [[unlikely]] {
    const AllocatorStats stats = GetAllocatorStats();
    internal::ThrowOutOfMemory(bytes, stats.bytes_live, stats.bytes_cached, 0);
  }
  const int size_class = internal::BufferClass(bytes);
  if (bytes > internal::kMaxThreadCachedBytes) return central_cache.TakeOne(size_class);
  return internal::AllocateBlock(size_class, internal::ClassBytes(size_class));
}

void Deallocate(void* buffer, size_t bytes) noexcept {
  if (buffer == nullptr) return;
  if (bytes == 0) bytes = 1;
  const int size_class = internal::BufferClass(bytes);
  if (bytes > internal::kMaxThreadCachedBytes) return central_cache.GiveOne(size_class, buffer);
  internal::DeallocateBlock(buffer, size_class, internal::ClassBytes(size_class));
}

void* internal::SlabAllocate(size_t bytes) {
  if (bytes > internal::kMaxSlabBytes) return Allocate(bytes);
  const int size_class = bytes == 0 ? 0 : internal::SlabClass(bytes);
  return internal::AllocateBlock(size_class, internal::ClassBytes(size_class));
}

void internal::SlabDeallocate(void* block, size_t bytes) noexcept {
  if (bytes > internal::kMaxSlabBytes) return Deallocate(block, bytes);
  if (block == nullptr) return;
  const int size_class = bytes == 0 ? 0 : internal::SlabClass(bytes);
  internal::DeallocateBlock(block, size_class, internal::ClassBytes(size_class));
}

AllocatorStats GetAllocatorStats() { return central_cache.Stats(); }
void ResetPeakStats() { central_cache.ResetPeak(); }
void EmptyCache() { central_cache.Empty(); }
void SetMemoryLimit(size_t bytes) { central_cache.SetLimit(bytes); }
bool AllocatorCaches() { return true; }

}  // namespace autograd

#endif  // AUTOGRAD_BYPASS_CACHE
