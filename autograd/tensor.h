// Tensor: an n-dimensional array that can be differentiated.
//
// A Tensor is a handle of one pointer; copying it shares the array. Its elements live in a storage
// that views (Reshape, Transpose, Slice, ...) share, addressed by shape and strides (in elements).
// When recording is on (grad_mode.h) and an input requires gradients, each operation leaves a node
// behind that knows how to differentiate it; Grad and Backward (grad.h) walk those nodes.
//
// Operations are free functions in autograd/ops/. Elements may be changed in place only where
// nothing is recorded (inside NoGrad, or on a tensor without gradients), and each change is
// counted, so that differentiating with an overwritten value is an error and never a wrong number.
//
// Example:
//   Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 6}, {2, 3});
//   std::cout << x.shape().ToString() << " of " << DTypeName(x.dtype()) << "\n";  // [2, 3] of f32
//   float sum = 0;
//   for (float value : x.span<float>()) sum += value;
//   std::cout << x.at<float>({1, -1}) << "\n";  // 6
//   std::vector<double> mine = {1, 2};
//   Tensor borrowed = Tensor::FromBuffer(mine.data(), {2});  // no copy: mine must outlive it
//   std::cout << borrowed << "\n";
#ifndef AUTOGRAD_TENSOR_H_
#define AUTOGRAD_TENSOR_H_

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/intrusive_ptr.h"
#include "autograd/shape.h"
#include "autograd/storage.h"

namespace autograd {

class Node;
class Tensor;

namespace internal {

// What a Tensor points to.
struct TensorImpl : RefCounted {
  static IntrusivePtr<TensorImpl> New();
  static void Destroy(TensorImpl* impl);

  DType dtype = DType::kF32;
  bool contiguous = true;
  uint32_t output_index = 0;  // which output of `node` this is
  int64_t numel = 0;
  char* data = nullptr;  // first element
  Node* node = nullptr;  // a counted reference: the operation that made it, or its leaf node; null:
                         // no gradients
  IntrusivePtr<Storage> storage;
  Shape shape;
  Strides strides;
};

}  // namespace internal

class Tensor {
 public:
  // An undefined tensor: what "no gradient" looks like. It can be copied, assigned to, described
  // and asked whether it is defined(); everything else throws std::invalid_argument.
  Tensor() = default;

  // Uninitialised elements. Throws OutOfMemoryError, or std::invalid_argument for a bad shape.
  static Tensor Empty(const Shape& shape, DType dtype = DType::kF32);
  // A copy of `values`. Throws std::invalid_argument if their number is not the shape's.
  template <class T>
  static Tensor FromVector(const std::vector<T>& values, const Shape& shape) {
    return FromSpan(std::span<const T>(values), shape);
  }
  template <class T>
  static Tensor FromSpan(std::span<const T> values, const Shape& shape) {
    return CopyFrom(values.data(), values.size(), shape, DTypeOf<T>);
  }
  // A tensor of rank 0.
  template <class T>
  static Tensor Scalar(T value) {
    return CopyFrom(&value, 1, Shape{}, DTypeOf<T>);
  }
  // The caller's row-major memory without a copy. `release` is called when the last tensor over it
  // goes.
  template <class T>
  static Tensor FromBuffer(T* data, const Shape& shape, std::function<void()> release = {}) {
    return Borrow(data, shape, DTypeOf<T>, std::move(release));
  }

  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const { return get()->shape; }
  const Strides& strides() const { return get()->strides; }
  int rank() const { return get()->shape.rank(); }
  // Size along an axis, which may be negative to count from the end.
  int64_t size(int64_t axis) const {
    return get()->shape[NormalizeAxis("Tensor::size", axis, get()->shape)];
  }
  int64_t numel() const { return get()->numel; }
  DType dtype() const { return get()->dtype; }
  // True if the elements lie densely in row-major order.
  bool is_contiguous() const { return get()->contiguous; }

  // First element. Throws std::invalid_argument if T is not the dtype's type.
  template <class T>
  const T* data() const {
    CheckType(DTypeOf<T>);
    return reinterpret_cast<const T*>(get()->data);
  }
  // As data(), to write to. Counts as a change in place: throws std::invalid_argument if the tensor
  // requires gradients and recording is on.
  template <class T>
  T* mutable_data() {
    CheckType(DTypeOf<T>);
    MarkChanged("mutable_data");
    return reinterpret_cast<T*>(get()->data);
  }
  // All elements, in row-major order. Throws std::invalid_argument if not contiguous (see
  // Contiguous in ops/shape.h).
  template <class T>
  std::span<const T> span() const {
    CheckContiguous("span");
    return {data<T>(), static_cast<size_t>(get()->numel)};
  }
  // The only element, converted to T. Throws std::invalid_argument unless numel() is 1.
  template <class T = double>
  T item() const {
    if constexpr (std::is_integral_v<T>) {
      // A double does not hold every 64-bit integer.
      if (defined() && dtype() == DType::kI64 && numel() == 1)
        return static_cast<T>(*raw<int64_t>());
    }
    return static_cast<T>(ItemAsDouble());
  }
  // One element. Throws std::invalid_argument if T is not the dtype's type, or unless there is one
  // index for each axis, within its size; negative ones count from the end.
  template <class T>
  T at(const Dims& index) const {
    CheckType(DTypeOf<T>);
    return reinterpret_cast<const T*>(get()->data)[OffsetOf(index)];
  }
  // A copy of all elements in row-major order, whatever the strides.
  template <class T>
  std::vector<T> ToVector() const {
    CheckType(DTypeOf<T>);
    std::vector<T> values(static_cast<size_t>(get()->numel));
    for (int64_t i = 0; i < get()->numel; ++i) values[static_cast<size_t>(i)] = At<T>(i);
    return values;
  }

  // True if gradients flow into this tensor: a leaf that asked for them, or computed from one.
  bool requires_grad() const { return get()->node != nullptr; }
  // Makes this a leaf that collects gradients (or stops it). Throws std::invalid_argument for an
  // integer dtype or a tensor computed by a recorded operation.
  Tensor& set_requires_grad(bool requires_grad);
  // True if no recorded operation computed it.
  bool is_leaf() const;
  // What Backward accumulated into this leaf; undefined if nothing yet.
  Tensor grad() const;
  // Replaces it; an undefined tensor clears it. Throws std::invalid_argument on another shape or
  // dtype.
  void set_grad(const Tensor& grad);
  // `hook` sees, and may replace by returning a defined tensor, each gradient that reaches this
  // leaf.
  void RegisterHook(std::function<Tensor(const Tensor& grad)> hook);

  // The same elements without the graph.
  Tensor Detach() const;

  // Number of changes in place so far, shared by all views.
  uint32_t version() const { return get()->storage->version(); }
  // Declares a change in place by the operation called `operation`. Throws std::invalid_argument if
  // the tensor requires gradients and recording is on.
  void MarkChanged(const char* operation);

  // True if both are handles to the same tensor.
  bool IsSame(const Tensor& other) const { return impl_ == other.impl_; }

  // For operations: a tensor over the same storage. `offset` counts elements from this one's first
  // element.
  Tensor ViewAs(const Shape& shape, const Strides& strides, int64_t offset) const;
  // For operations: the memory of a result not handed out yet, or to read from.
  template <class T>
  T* raw() const {
    return reinterpret_cast<T*>(impl_->data);
  }
  internal::TensorImpl* impl() const { return impl_.get(); }
  static Tensor FromImpl(internal::IntrusivePtr<internal::TensorImpl> impl) {
    Tensor tensor;
    tensor.impl_ = std::move(impl);
    return tensor;
  }

 private:
  static Tensor CopyFrom(const void* values, size_t count, const Shape& shape, DType dtype);
  static Tensor Borrow(void* data, const Shape& shape, DType dtype, std::function<void()> release);
  internal::TensorImpl* get() const {
    if (!impl_) [[unlikely]]
      ThrowUndefined();
    return impl_.get();
  }
  [[noreturn]] static void ThrowUndefined();
  void CheckType(DType wanted) const {
    if (get()->dtype != wanted) ThrowWrongType(wanted);
  }
  [[noreturn]] void ThrowWrongType(DType wanted) const;
  void CheckContiguous(const char* operation) const;
  double ItemAsDouble() const;
  int64_t OffsetOf(const Dims& index) const;
  // Element `index` in row-major order.
  template <class T>
  T At(int64_t index) const {
    int64_t offset = index;
    if (!get()->contiguous) {
      offset = 0;
      for (int axis = rank() - 1; axis >= 0; --axis) {
        offset += index % get()->shape[axis] * get()->strides[axis];
        index /= get()->shape[axis];
      }
    }
    return reinterpret_cast<const T*>(get()->data)[offset];
  }

  internal::IntrusivePtr<internal::TensorImpl> impl_;
};

// "[2, 3] f32": how errors speak of a tensor; "undefined" for an undefined one.
std::string Describe(const Tensor& tensor);

// Values as nested brackets, then shape and dtype; the middle of long axes is left out.
std::string ToString(const Tensor& tensor);
std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

}  // namespace autograd

#endif  // AUTOGRAD_TENSOR_H_
