// The sizes of blocks the allocator works with. Classes 0 ... 31 are slab blocks of 16, 32 ... 512
// bytes; those after are buffers of 64, 128 ... 512 bytes and then of eight sizes between one power
// of two and the next.
#ifndef AUTOGRAD_MEMORY_SIZE_CLASS_H_
#define AUTOGRAD_MEMORY_SIZE_CLASS_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

// Defined where every block is to come from the system, so that AddressSanitizer sees it.
#if defined(__SANITIZE_ADDRESS__)
#define AUTOGRAD_BYPASS_CACHE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AUTOGRAD_BYPASS_CACHE 1
#endif
#endif

namespace autograd::internal {

inline constexpr size_t kBufferAlignment = 64;
inline constexpr size_t kSlabAlignment = 16;
inline constexpr size_t kMaxSlabBytes = 512;
// Blocks up to this size are cut from chunks of kChunkBytes; larger ones come from the system one
// by one.
inline constexpr size_t kMaxChunkedBytes = 4096;
inline constexpr size_t kChunkBytes = 64 * 1024;
inline constexpr size_t kMaxThreadCachedBytes = 256 * 1024;
// From here on blocks are mapped pages of their own, aligned to the size of a huge page.
inline constexpr size_t kHugePageBytes = 2 * 1024 * 1024;
inline constexpr size_t kMaxBytes = size_t{1} << 47;  // All a process can address.

inline constexpr int kSlabClasses = static_cast<int>(kMaxSlabBytes / kSlabAlignment);

constexpr int SlabClass(size_t bytes) {
  return static_cast<int>((bytes - 1) / kSlabAlignment);  // 1 <= bytes <= kMaxSlabBytes
}

constexpr int BufferClass(size_t bytes) {  // 1 <= bytes <= kMaxBytes
  if (bytes <= 512) return kSlabClasses + static_cast<int>((bytes - 1) / kBufferAlignment);
  const int octave = 63 - std::countl_zero(static_cast<uint64_t>(bytes - 1));
  return kSlabClasses + (octave - 9) * 8 + static_cast<int>((bytes - 1) >> (octave - 3));
}

constexpr size_t ClassBytes(int size_class) {
  if (size_class < kSlabClasses) return static_cast<size_t>(size_class + 1) * kSlabAlignment;
  const int buffer = size_class - kSlabClasses;
  if (buffer < 8) return static_cast<size_t>(buffer + 1) * kBufferAlignment;
  return static_cast<size_t>(buffer % 8 + 9) << (buffer / 8 - 1 + 6);
}

inline constexpr int kThreadCachedClasses = BufferClass(kMaxThreadCachedBytes) + 1;
inline constexpr int kClasses = BufferClass(kMaxBytes) + 1;

// How many blocks move at once between a thread's cache, which holds at most two such batches, and
// the common one.
constexpr uint32_t BatchBlocks(int size_class) {
  const size_t bytes = ClassBytes(size_class);
  if (bytes <= kMaxChunkedBytes)
    return static_cast<uint32_t>(std::clamp<size_t>(32768 / bytes, 8, 128));
  return bytes <= 32768 ? 4 : 2;
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_MEMORY_SIZE_CLASS_H_
