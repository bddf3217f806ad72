// The allocator without a cache, for AddressSanitizer.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "autograd/memory/allocator.h"
#include "autograd/memory/out_of_memory.h"
#include "autograd/memory/size_class.h"
#include "autograd/memory/slab.h"

#ifdef AUTOGRAD_BYPASS_CACHE

namespace autograd {
namespace {

constinit std::atomic<int64_t> live{0}, peak{0}, allocations{0}, limit{0};

void* AllocateExactly(size_t bytes, size_t alignment) {
  const auto signed_bytes = static_cast<int64_t>(bytes);
  const int64_t most = limit.load();
  void* block = nullptr;
  if (bytes > internal::kMaxBytes || (most != 0 && live.load() + signed_bytes > most) ||
      posix_memalign(&block, alignment, bytes) != 0) {
    internal::ThrowOutOfMemory(bytes, live.load(), 0, most);
  }
  ++allocations;
  const int64_t now = live.fetch_add(signed_bytes) + signed_bytes;
  for (int64_t before = peak.load(); before < now && !peak.compare_exchange_weak(before, now);) {
  }
  return block;
}

void Free(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  live.fetch_sub(static_cast<int64_t>(bytes));
  std::free(block);
}

}  // namespace

void* Allocate(size_t bytes) { return AllocateExactly(bytes, internal::kBufferAlignment); }
void Deallocate(void* buffer, size_t bytes) noexcept { Free(buffer, bytes); }
void* internal::SlabAllocate(size_t bytes) {
  return AllocateExactly(bytes, internal::kSlabAlignment);
}
void internal::SlabDeallocate(void* block, size_t bytes) noexcept { Free(block, bytes); }

AllocatorStats GetAllocatorStats() {
  AllocatorStats stats;
  stats.bytes_live = stats.system_bytes = live.load();
  stats.bytes_peak = peak.load();
  stats.system_allocations = allocations.load();
  return stats;
}
void ResetPeakStats() { peak.store(live.load()); }
void EmptyCache() {}
void SetMemoryLimit(size_t bytes) {
  limit.store(static_cast<int64_t>(bytes < internal::kMaxBytes ? bytes : internal::kMaxBytes));
}
bool AllocatorCaches() { return false; }

}  // namespace autograd

#endif  // AUTOGRAD_BYPASS_CACHE
