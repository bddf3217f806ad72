// Memory for small objects that come and go by the thousand: nodes of the graph, handles of
// tensors.
//
// A block of up to 512 bytes comes from a list of free blocks of its size (in steps of 16) that
// belongs to the calling thread; allocating and freeing one takes a few nanoseconds. It may be
// freed by another thread. Larger ones are served by Allocate. The figures of GetAllocatorStats
// include them, and the memory limit holds. Bypassed under AddressSanitizer.
//
// A class gets its objects from here by deriving from SlabObject.
//
// Example:
//   struct Node : SlabObject {
//     double value = 0;
//   };
//   Node* node = new Node;
//   std::cout << node->value << "\n";
//   delete node;
#ifndef AUTOGRAD_MEMORY_SLAB_H_
#define AUTOGRAD_MEMORY_SLAB_H_

#include <cstddef>
#include <new>

namespace autograd {
namespace internal {

// Returns `bytes` bytes, uninitialised, aligned to 16 bytes. Throws OutOfMemoryError.
[[nodiscard]] void* SlabAllocate(size_t bytes);

// Gives back what SlabAllocate(bytes) returned, with the same number of bytes. Does nothing for
// nullptr.
void SlabDeallocate(void* block, size_t bytes) noexcept;

}  // namespace internal

// Base that gives a class operator new and delete on slabs. If objects are deleted through a
// pointer to a base class, that class needs a virtual destructor, as always; the size deleted then
// is the whole object's.
struct SlabObject {
  static void* operator new(size_t bytes) { return internal::SlabAllocate(bytes); }
  // Slab blocks are aligned to 16 bytes only.
  static void* operator new(size_t bytes, std::align_val_t) = delete;
  static void* operator new(size_t, void* where) noexcept { return where; }
  static void operator delete(void* block, size_t bytes) noexcept {
    internal::SlabDeallocate(block, bytes);
  }
};

}  // namespace autograd

#endif  // AUTOGRAD_MEMORY_SLAB_H_
