#include "autograd/storage.h"

#include <new>
#include <utility>

#include "autograd/memory/allocator.h"
#include "autograd/memory/slab.h"

namespace autograd::internal {

IntrusivePtr<Storage> Storage::Allocate(size_t bytes) {
  void* data = bytes == 0 ? nullptr : autograd::Allocate(bytes);
  auto* storage = new (SlabAllocate(sizeof(Storage))) Storage(data, bytes);
  storage->allocated_ = true;
  return IntrusivePtr<Storage>::Adopt(storage);
}

IntrusivePtr<Storage> Storage::Borrow(void* data, size_t bytes, std::function<void()> release) {
  auto* storage = new (SlabAllocate(sizeof(Storage))) Storage(data, bytes);
  if (release) storage->release_ = new std::function<void()>(std::move(release));
  return IntrusivePtr<Storage>::Adopt(storage);
}

IntrusivePtr<Storage> Storage::Part(const IntrusivePtr<Storage>& parent, size_t offset,
                                    size_t bytes) {
  auto* storage = new (SlabAllocate(sizeof(Storage)))
      Storage(static_cast<char*>(parent->data()) + offset, bytes);
  storage->parent_ = parent;
  return IntrusivePtr<Storage>::Adopt(storage);
}

void Storage::Destroy(Storage* storage) {
  if (storage->allocated_ && storage->data_ != nullptr) {
    autograd::Deallocate(storage->data_, storage->bytes_);
  }
  if (storage->release_ != nullptr) {
    (*storage->release_)();
    delete storage->release_;
  }
  storage->~Storage();
  SlabDeallocate(storage, sizeof(Storage));
}

}  // namespace autograd::internal
