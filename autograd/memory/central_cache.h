// The cache all threads share, and the way to the system. Guarded by one lock, which the callers of
// a thread's cache need only once for a batch of blocks.
#ifndef AUTOGRAD_MEMORY_CENTRAL_CACHE_H_
#define AUTOGRAD_MEMORY_CENTRAL_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "autograd/memory/allocator.h"
#include "autograd/memory/size_class.h"

namespace autograd::internal {

// A free block holds the links of its list: to the next block, and in the first block of a batch to
// the next batch.
struct FreeBlock {
  FreeBlock* next;
  FreeBlock* next_batch;
};

// One thread's free blocks. Only its thread touches the lists; the two counters are read by others.
struct ThreadCache {
  struct List {
    FreeBlock* head;  // Served first.
    FreeBlock*
        spare;  // A whole batch or none, so that a thread going up and down by one needs no lock.
    uint32_t room;  // How many blocks are missing for a whole batch at head.
  };
  List lists[kThreadCachedClasses];
  std::atomic<int64_t>
      live;  // Bytes this thread has allocated minus those it freed; negative if others allocated.
  std::atomic<int64_t> next_peak_check;  // When live passes this, the peak may have been passed.
  ThreadCache* next;                     // All there ever were, in use or not.
  bool in_use;
};

// Constant-initialised and never destroyed, so that static objects may allocate and free at any
// time.
class CentralCache {
 public:
  constexpr CentralCache() = default;

  // Up to BatchBlocks(size_class) linked blocks, their number in *count. Throws OutOfMemoryError.
  FreeBlock* TakeBatch(int size_class, uint32_t* count);
  void GiveBatch(int size_class, FreeBlock* batch) noexcept;

  // For sizes no thread caches, and threads that have no cache because they are ending. Count as
  // live here.
  void* TakeOne(int size_class);
  void GiveOne(int size_class, void* block) noexcept;

  // nullptr if there is no memory for one.
  ThreadCache* AcquireThreadCache() noexcept;
  void ReleaseThreadCache(ThreadCache* cache) noexcept;

  void CheckPeak(ThreadCache* cache) noexcept;
  AllocatorStats Stats() noexcept;
  void ResetPeak() noexcept;
  void Empty() noexcept;
  void SetLimit(size_t bytes) noexcept;

 private:
  struct List {
    FreeBlock* batches = nullptr;  // Whole batches.
    FreeBlock* loose = nullptr;    // Single blocks.
    char* uncut = nullptr;         // The rest of the newest chunk.
    char* uncut_end = nullptr;
  };
  struct ChunkHeader;

  static ChunkHeader* ChunkOf(FreeBlock* block);

  // All of these are called with the lock held.
  FreeBlock* TakeLoose(int size_class);
  FreeBlock* CutOne(int size_class);
  char* ObtainFromSystem(size_t bytes, char* (CentralCache::*obtain)(size_t));
  char* ObtainBlock(size_t bytes);
  char* ObtainChunk(size_t bytes);
  void ReturnBlock(char* block, size_t bytes) noexcept;
  void ReturnAll() noexcept;
  void ReturnFreeChunks(int size_class) noexcept;
  void Flush(ThreadCache* cache) noexcept;
  int64_t Live() const noexcept;
  void UpdatePeak(ThreadCache* cache) noexcept;
  void RegisterForkHandlers() noexcept;

  std::mutex mutex_;
  List lists_[kClasses];
  ThreadCache* thread_caches_ = nullptr;
  ChunkHeader* free_chunks_ = nullptr;
  char* region_ = nullptr;  // The rest of the newest mapping, which chunks are taken from.
  char* region_end_ = nullptr;
  int64_t limit_ = 0;
  int64_t held_ = 0;  // From the system and not returned.
  int64_t live_ = 0;  // Of what is counted here; the rest is in the threads' caches.
  int64_t peak_ = 0;
  int64_t system_allocations_ = 0;
};

extern CentralCache central_cache;

// The calling thread's cache, or nullptr before its first allocation and when it is ending.
// Initial-exec makes it one instruction to read, also from a shared library.
extern thread_local constinit ThreadCache* thread_cache __attribute__((tls_model("initial-exec")));

}  // namespace autograd::internal

#endif  // AUTOGRAD_MEMORY_CENTRAL_CACHE_H_
