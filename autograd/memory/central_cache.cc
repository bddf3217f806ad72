#include "autograd/memory/central_cache.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "autograd/memory/out_of_memory.h"

#ifndef AUTOGRAD_BYPASS_CACHE

namespace autograd::internal {

constinit CentralCache central_cache;

// At the start of each chunk. Chunks are aligned to their size, so a block finds the header of its
// own.
struct alignas(kBufferAlignment) CentralCache::ChunkHeader {
  ChunkHeader* next;
  uint32_t free_blocks;  // Both are 0 except while ReturnFreeChunks counts.
  uint32_t seen_blocks;
};

namespace {

// Peaks are noticed when a thread has allocated this much more, so that a growing graph does not
// stop at every node.
constexpr int64_t kPeakStep = 64 * 1024;

// Maps `bytes` (a multiple of the page size) at a multiple of a huge page's size; nullptr if there
// is no memory.
char* MapAligned(size_t bytes) {
  void* mapping = mmap(nullptr, bytes + kHugePageBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapping);
  const size_t before = (~reinterpret_cast<uintptr_t>(begin) + 1) % kHugePageBytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, kHugePageBytes - before);
  // Huge pages fault, and miss in the TLB, 512 times less often: that halves the time to touch 51
  // MB for the first time and to walk a million nodes. Where the system has none, it does not
  // matter that this fails.
  madvise(begin + before, bytes, MADV_HUGEPAGE);
  return begin + before;
}

uint32_t BlocksOfChunk(int size_class) {
  return static_cast<uint32_t>((kChunkBytes - kBufferAlignment) / ClassBytes(size_class));
}

}  // namespace

FreeBlock* CentralCache::TakeBatch(int size_class, uint32_t* count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  List& list = lists_[size_class];
  const uint32_t wanted = BatchBlocks(size_class);
  if (FreeBlock* batch = list.batches; batch != nullptr) {
    list.batches = batch->next_batch;
    *count = wanted;
    return batch;
  }
  FreeBlock* first = TakeLoose(size_class);
  if (first == nullptr) first = CutOne(size_class);
  FreeBlock* last = first;
  // More only as far as that needs nothing new from the system.
  for (*count = 1; *count < wanted; ++*count) {
    FreeBlock* block = TakeLoose(size_class);
    if (block == nullptr && list.uncut != list.uncut_end) block = CutOne(size_class);
    if (block == nullptr) break;
    last->next = block;
    last = block;
  }
  last->next = nullptr;
  return first;
}

void CentralCache::GiveBatch(int size_class, FreeBlock* batch) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  batch->next_batch = lists_[size_class].batches;
  lists_[size_class].batches = batch;
}

void* CentralCache::TakeOne(int size_class) {
  const std::lock_guard<std::mutex> lock(mutex_);
  FreeBlock* block = TakeLoose(size_class);
  if (block == nullptr) block = CutOne(size_class);
  live_ += static_cast<int64_t>(ClassBytes(size_class));
  UpdatePeak(thread_cache);
  return block;
}

void CentralCache::GiveOne(int size_class, void* block) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto* free_block = static_cast<FreeBlock*>(block);
  free_block->next = lists_[size_class].loose;
  lists_[size_class].loose = free_block;
  live_ -= static_cast<int64_t>(ClassBytes(size_class));
}

FreeBlock* CentralCache::TakeLoose(int size_class) {
  List& list = lists_[size_class];
  if (list.loose == nullptr && list.batches != nullptr) {
    list.loose = list.batches;
    list.batches = list.batches->next_batch;
  }
  FreeBlock* block = list.loose;
  if (block != nullptr) list.loose = block->next;
  return block;
}

FreeBlock* CentralCache::CutOne(int size_class) {
  List& list = lists_[size_class];
  const size_t bytes = ClassBytes(size_class);
  if (bytes > kMaxChunkedBytes) {
    return reinterpret_cast<FreeBlock*>(ObtainFromSystem(bytes, &CentralCache::ObtainBlock));
  }
  if (list.uncut == list.uncut_end) {
    list.uncut = ObtainFromSystem(kChunkBytes, &CentralCache::ObtainChunk) + kBufferAlignment;
    list.uncut_end = list.uncut + BlocksOfChunk(size_class) * bytes;
  }
  auto* block = reinterpret_cast<FreeBlock*>(list.uncut);
  list.uncut += bytes;
  return block;
}

char* CentralCache::ObtainFromSystem(size_t bytes, char* (CentralCache::*obtain)(size_t)) {
  const auto wanted = static_cast<int64_t>(bytes);
  auto beyond_limit = [&] { return limit_ != 0 && held_ + wanted > limit_; };
  if (beyond_limit()) ReturnAll();
  char* memory = beyond_limit() ? nullptr : (this->*obtain)(bytes);
  if (memory == nullptr && !beyond_limit()) {
    ReturnAll();
    memory = (this->*obtain)(bytes);
  }
  if (memory == nullptr) {
    const int64_t live = Live();
    ThrowOutOfMemory(bytes, live, held_ - live, limit_);
  }
  held_ += wanted;
  ++system_allocations_;
  return memory;
}

char* CentralCache::ObtainBlock(size_t bytes) {
  if (bytes < kHugePageBytes) {
    void* block = nullptr;
    return posix_memalign(&block, kBufferAlignment, bytes) == 0 ? static_cast<char*>(block)
                                                                : nullptr;
  }
  return MapAligned(bytes);
}

void CentralCache::ReturnBlock(char* block, size_t bytes) noexcept {
  if (bytes < kHugePageBytes) {
    std::free(block);
  } else {
    munmap(block, bytes);
  }
  held_ -= static_cast<int64_t>(bytes);
}

char* CentralCache::ObtainChunk(size_t) {
  if (ChunkHeader* chunk = free_chunks_; chunk != nullptr) {
    free_chunks_ = chunk->next;
    *chunk = {};
    return reinterpret_cast<char*>(chunk);
  }
  if (region_ == region_end_) {
    region_ = MapAligned(kHugePageBytes);
    region_end_ = region_ == nullptr ? nullptr : region_ + kHugePageBytes;
    if (region_ == nullptr) return nullptr;
  }
  char* const chunk = region_;
  region_ += kChunkBytes;
  new (chunk) ChunkHeader{};
  return chunk;
}

CentralCache::ChunkHeader* CentralCache::ChunkOf(FreeBlock* block) {
  return reinterpret_cast<ChunkHeader*>(reinterpret_cast<uintptr_t>(block) & ~(kChunkBytes - 1));
}

void CentralCache::ReturnAll() noexcept {
  if (thread_cache != nullptr) Flush(thread_cache);
  for (int c = 0; c < kClasses; ++c) {
    if (ClassBytes(c) <= kMaxChunkedBytes) {
      ReturnFreeChunks(c);
    } else {
      while (FreeBlock* block = TakeLoose(c))
        ReturnBlock(reinterpret_cast<char*>(block), ClassBytes(c));
    }
  }
}

// Chunks stay mapped, since unmapping would leave holes the system may have too many of; their
// memory is returned.
void CentralCache::ReturnFreeChunks(int size_class) noexcept {
  List& list = lists_[size_class];
  FreeBlock* all = nullptr;
  while (FreeBlock* block = TakeLoose(size_class)) {
    block->next = all;
    all = block;
    ++ChunkOf(block)->free_blocks;
  }
  while (all != nullptr) {
    FreeBlock* const block = all;
    all = block->next;
    ChunkHeader* const chunk = ChunkOf(block);
    const bool whole = chunk->free_blocks == BlocksOfChunk(size_class);
    if (!whole) {
      block->next = list.loose;
      list.loose = block;
    }
    if (++chunk->seen_blocks < chunk->free_blocks) continue;
    chunk->free_blocks = chunk->seen_blocks = 0;
    if (!whole) continue;
    madvise(chunk, kChunkBytes, MADV_DONTNEED);
    chunk->next = free_chunks_;
    free_chunks_ = chunk;
    held_ -= static_cast<int64_t>(kChunkBytes);
  }
}

void CentralCache::Flush(ThreadCache* cache) noexcept {
  for (int c = 0; c < kThreadCachedClasses; ++c) {
    ThreadCache::List& list = cache->lists[c];
    for (FreeBlock* first : {list.head, list.spare}) {
      while (first != nullptr) {
        FreeBlock* const block = first;
        first = block->next;
        block->next = lists_[c].loose;
        lists_[c].loose = block;
      }
    }
    list = {nullptr, nullptr, BatchBlocks(c)};
  }
}

ThreadCache* CentralCache::AcquireThreadCache() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (thread_caches_ == nullptr) RegisterForkHandlers();
  ThreadCache* cache = thread_caches_;
  while (cache != nullptr && cache->in_use) cache = cache->next;
  if (cache == nullptr) {
    cache = new (std::nothrow) ThreadCache{};
    if (cache == nullptr) return nullptr;
    cache->next = thread_caches_;
    thread_caches_ = cache;
    Flush(cache);
  }
  cache->in_use = true;
  return cache;
}

void CentralCache::ReleaseThreadCache(ThreadCache* cache) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  Flush(cache);
  cache->in_use = false;
}

int64_t CentralCache::Live() const noexcept {
  int64_t live = live_;
  for (const ThreadCache* cache = thread_caches_; cache != nullptr; cache = cache->next) {
    live += cache->live.load(std::memory_order_relaxed);
  }
  return live;
}

void CentralCache::UpdatePeak(ThreadCache* cache) noexcept {
  const int64_t live = Live();
  peak_ = std::max(peak_, live);
  if (cache == nullptr) return;
  cache->next_peak_check.store(
      cache->live.load(std::memory_order_relaxed) + std::max(peak_ - live, kPeakStep),
      std::memory_order_relaxed);
}

void CentralCache::CheckPeak(ThreadCache* cache) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  UpdatePeak(cache);
}

AllocatorStats CentralCache::Stats() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  UpdatePeak(nullptr);
  AllocatorStats stats;
  stats.bytes_live = Live();
  stats.bytes_cached = held_ - stats.bytes_live;
  stats.bytes_peak = peak_;
  stats.system_bytes = held_;
  stats.system_allocations = system_allocations_;
  return stats;
}

void CentralCache::ResetPeak() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  peak_ = Live();
  for (ThreadCache* cache = thread_caches_; cache != nullptr; cache = cache->next) {
    cache->next_peak_check.store(cache->live.load(std::memory_order_relaxed) + kPeakStep,
                                 std::memory_order_relaxed);
  }
}

void CentralCache::Empty() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  ReturnAll();
}

void CentralCache::SetLimit(size_t bytes) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  limit_ = static_cast<int64_t>(std::min(bytes, kMaxBytes));
}

// Without these, a child forked while another thread holds the lock could never allocate.
void CentralCache::RegisterForkHandlers() noexcept {
  pthread_atfork([] { central_cache.mutex_.lock(); }, [] { central_cache.mutex_.unlock(); },
                 [] { central_cache.mutex_.unlock(); });
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_BYPASS_CACHE
