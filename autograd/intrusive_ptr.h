// A pointer of one word to an object that counts its own references.
//
// T derives from RefCounted and has a static `void Destroy(T*)` that the last pointer calls.
#ifndef AUTOGRAD_INTRUSIVE_PTR_H_
#define AUTOGRAD_INTRUSIVE_PTR_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace autograd::internal {

class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void Ref() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  // True if this was the last reference. The only owner need not pay for an atomic decrement.
  bool Unref() const {
    return refs_.load(std::memory_order_acquire) == 1 ||
           refs_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool unique() const { return refs_.load(std::memory_order_acquire) == 1; }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::atomic<uint32_t> refs_{1};
};

template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  IntrusivePtr(const IntrusivePtr& other) : ptr_(other.ptr_) {
    if (ptr_ != nullptr) ptr_->Ref();
  }
  IntrusivePtr(IntrusivePtr&& other) noexcept : ptr_(std::exchange(other.ptr_, nullptr)) {}
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(ptr_, other.ptr_);
    return *this;
  }
  ~IntrusivePtr() {
    if (ptr_ != nullptr && ptr_->Unref()) T::Destroy(ptr_);
  }

  // Takes over the reference a new object is born with.
  static IntrusivePtr Adopt(T* ptr) {
    IntrusivePtr result;
    result.ptr_ = ptr;
    return result;
  }
  // Adds a reference.
  static IntrusivePtr Share(T* ptr) {
    if (ptr != nullptr) ptr->Ref();
    return Adopt(ptr);
  }

  T* get() const { return ptr_; }
  T* operator->() const { return ptr_; }
  T& operator*() const { return *ptr_; }
  explicit operator bool() const { return ptr_ != nullptr; }
  friend bool operator==(const IntrusivePtr& a, const IntrusivePtr& b) { return a.ptr_ == b.ptr_; }

 private:
  T* ptr_ = nullptr;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_INTRUSIVE_PTR_H_
