// The memory behind tensors: a block of bytes with a version counter, shared by all views of it.
#ifndef AUTOGRAD_STORAGE_H_
#define AUTOGRAD_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "autograd/intrusive_ptr.h"

namespace autograd::internal {

// Bytes from the caching allocator, from the user, or a part of another storage.
class Storage : public RefCounted {
 public:
  // Uninitialised bytes from the caching allocator. Throws OutOfMemoryError.
  static IntrusivePtr<Storage> Allocate(size_t bytes);
  // The user's memory; `release` (may be empty) is called when the last tensor over it goes.
  static IntrusivePtr<Storage> Borrow(void* data, size_t bytes, std::function<void()> release);
  // A part of `parent` with a version counter of its own: how parameters in one flat buffer are
  // told apart.
  static IntrusivePtr<Storage> Part(const IntrusivePtr<Storage>& parent, size_t offset,
                                    size_t bytes);
  static void Destroy(Storage* storage);

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

  // Counts in-place changes, so that a saved tensor which was overwritten is noticed.
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void BumpVersion() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  Storage(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  ~Storage() = default;

  void* data_;
  size_t bytes_;
  std::atomic<uint32_t> version_{0};
  bool allocated_ = false;
  IntrusivePtr<Storage> parent_;
  std::function<void()>* release_ = nullptr;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_STORAGE_H_
