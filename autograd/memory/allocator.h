// Memory for tensors: an allocator that keeps what is freed and hands it out again.
//
// A training step asks for the same sizes again and again. Pages fresh from the system are slow to
// touch the first time (some 3 GB/s, ten times slower than memory itself), so freed buffers stay in
// a cache by size, and from the second identical step on nothing comes from the system any more.
//
// Sizes are rounded up to one of eight steps between powers of two, so that at most 1/8 is wasted
// (to a multiple of 64 bytes below 512). Buffers are aligned to 64 bytes; those of 2 MiB and more
// to 2 MiB, and on huge pages where the system has them. Sizes up to 256 KiB come from a cache of
// the calling thread's own without a lock. A buffer may be freed by another thread than the one
// that allocated it. A thread's cache returns to the common one when the thread ends.
//
// Under AddressSanitizer there is no cache and no rounding, so that it sees every access beyond or
// after a buffer.
//
// Example:
//   void* buffer = Allocate(1 << 20);
//   Deallocate(buffer, 1 << 20);
//   const AllocatorStats stats = GetAllocatorStats();
//   std::cout << stats.bytes_live << " bytes in use, " << stats.bytes_cached << " kept for reuse\n";
//   EmptyCache();
#ifndef AUTOGRAD_MEMORY_ALLOCATOR_H_
#define AUTOGRAD_MEMORY_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>

namespace autograd {

// Returns `bytes` bytes, uninitialised, aligned to 64 bytes; for 0 bytes a pointer like any other.
// Throws OutOfMemoryError, naming CurrentOperation(), if the system has no more or the memory limit
// would be exceeded although the cache has been emptied.
[[nodiscard]] void* Allocate(size_t bytes);

// Gives back what Allocate(bytes) returned, with the same number of bytes. Does nothing for
// nullptr.
void Deallocate(void* buffer, size_t bytes) noexcept;

// All in bytes of this process, buffers and slab blocks (slab.h) together.
struct AllocatorStats {
  int64_t bytes_live = 0;    // Allocated and not freed, rounded up as said above.
  int64_t bytes_cached = 0;  // Taken from the system and not live.
  // The largest bytes_live since the start or the last ResetPeakStats. Buffers up to 256 KiB are
  // noticed only when a thread has allocated 64 KiB more than before, so it may be too small by
  // that much for each thread.
  int64_t bytes_peak = 0;
  int64_t system_bytes = 0;  // bytes_live + bytes_cached.
  int64_t system_allocations =
      0;  // How often memory was asked from the system, ever. Stands still in a warm loop.
};
AllocatorStats GetAllocatorStats();

// Sets bytes_peak to the present bytes_live.
void ResetPeakStats();

// Returns to the system what is in the common cache and in that of the calling thread; small blocks
// as far as whole chunks of them are free.
void EmptyCache();

// No more than `bytes` may be live and cached together; 0 means no limit. A limit below what is in
// use now lets nothing new come from the system until enough has been freed.
void SetMemoryLimit(size_t bytes);

// Whether freed memory is kept; false under AddressSanitizer, where every allocation comes from the
// system.
bool AllocatorCaches();

}  // namespace autograd

#endif  // AUTOGRAD_MEMORY_ALLOCATOR_H_
