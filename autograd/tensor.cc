#include "autograd/tensor.h"

#include <cstring>
#include <new>
#include <stdexcept>

#include "autograd/leaf.h"
#include "autograd/memory/slab.h"
#include "autograd/node.h"

namespace autograd {
namespace internal {

IntrusivePtr<TensorImpl> TensorImpl::New() {
  return IntrusivePtr<TensorImpl>::Adopt(new (SlabAllocate(sizeof(TensorImpl))) TensorImpl);
}

void TensorImpl::Destroy(TensorImpl* impl) {
  Node* node = impl->node;
  impl->~TensorImpl();
  SlabDeallocate(impl, sizeof(TensorImpl));
  if (node != nullptr && node->Unref()) Node::Destroy(node);
}

}  // namespace internal

namespace {

using internal::IntrusivePtr;
using internal::LeafNode;
using internal::Storage;
using internal::TensorImpl;

// Strides along axes of size 1 do not matter.
bool IsDense(const Shape& shape, const Strides& strides) {
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[axis] != step) return false;
    step *= shape[axis];
  }
  return true;
}

Tensor Wrap(IntrusivePtr<Storage> storage, const Shape& shape, DType dtype) {
  IntrusivePtr<TensorImpl> impl = TensorImpl::New();
  impl->dtype = dtype;
  impl->numel = shape.numel();
  impl->data = static_cast<char*>(storage->data());
  impl->storage = std::move(storage);
  impl->shape = shape;
  impl->strides = ContiguousStrides(shape);
  return Tensor::FromImpl(std::move(impl));
}

template <class T>
double Load(const void* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return static_cast<double>(value);
}

}  // namespace

Tensor Tensor::Empty(const Shape& shape, DType dtype) {
  CheckShape("Empty", shape);
  const size_t bytes = static_cast<size_t>(shape.numel()) * ItemSize(dtype);
  return Wrap(Storage::Allocate(bytes), shape, dtype);
}

Tensor Tensor::CopyFrom(const void* values, size_t count, const Shape& shape, DType dtype) {
  Tensor result = Empty(shape, dtype);
  if (count != static_cast<size_t>(result.numel())) {
    throw std::invalid_argument("Tensor: " + std::to_string(count) + " values for shape " +
                                shape.ToString());
  }
  if (count > 0) std::memcpy(result.impl_->data, values, count * ItemSize(dtype));
  return result;
}

Tensor Tensor::Borrow(void* data, const Shape& shape, DType dtype, std::function<void()> release) {
  CheckShape("FromBuffer", shape);
  if (data == nullptr && shape.numel() > 0) {
    throw std::invalid_argument("FromBuffer: null data for shape " + shape.ToString());
  }
  const size_t bytes = static_cast<size_t>(shape.numel()) * ItemSize(dtype);
  return Wrap(Storage::Borrow(data, bytes, std::move(release)), shape, dtype);
}

Tensor Tensor::ViewAs(const Shape& shape, const Strides& strides, int64_t offset) const {
  IntrusivePtr<TensorImpl> view = TensorImpl::New();
  view->dtype = get()->dtype;
  view->numel = shape.numel();
  view->data = get()->data + offset * static_cast<int64_t>(ItemSize(get()->dtype));
  view->storage = get()->storage;
  view->shape = shape;
  view->strides = strides;
  view->contiguous = IsDense(shape, strides);
  return FromImpl(std::move(view));
}

Tensor Tensor::Detach() const {
  if (!defined()) return Tensor();
  return ViewAs(get()->shape, get()->strides, 0);
}

Tensor& Tensor::set_requires_grad(bool requires_grad) {
  if (!is_leaf()) {
    throw std::invalid_argument("set_requires_grad: the tensor of shape " + shape().ToString() +
                                " was computed by a recorded operation; use Detach to get a leaf");
  }
  if (requires_grad && !IsFloating(dtype())) {
    throw std::invalid_argument("set_requires_grad: " + Describe(*this) +
                                " cannot carry gradients; only f32, f64 and bf16 can");
  }
  if (requires_grad == this->requires_grad()) return *this;
  if (requires_grad) {
    auto leaf = IntrusivePtr<LeafNode>::Adopt(new LeafNode);
    leaf->AddOutput(*this);
  } else {
    Node* leaf = std::exchange(get()->node, nullptr);
    if (leaf->Unref()) Node::Destroy(leaf);
  }
  return *this;
}

bool Tensor::is_leaf() const { return get()->node == nullptr || get()->node->is_leaf(); }

namespace {
LeafNode& LeafOf(const char* operation, const Tensor& tensor) {
  if (!tensor.requires_grad() || !tensor.is_leaf()) {
    throw std::invalid_argument(std::string(operation) + ": the tensor " + Describe(tensor) +
                                " is not a leaf that requires gradients");
  }
  return *static_cast<LeafNode*>(tensor.impl()->node);
}
}  // namespace

Tensor Tensor::grad() const {
  if (!requires_grad() || !is_leaf()) return Tensor();
  return LeafOf("grad", *this).grad();
}

void Tensor::set_grad(const Tensor& grad) {
  LeafNode& leaf = LeafOf("set_grad", *this);
  if (grad.defined() && (grad.shape() != shape() || grad.dtype() != dtype())) {
    throw std::invalid_argument("set_grad: gradient " + Describe(grad) + " for a tensor " +
                                Describe(*this));
  }
  leaf.set_grad(grad);
}

void Tensor::RegisterHook(std::function<Tensor(const Tensor&)> hook) {
  LeafOf("RegisterHook", *this).AddHook(std::move(hook));
}

void Tensor::MarkChanged(const char* operation) {
  if (requires_grad() && GradEnabled()) {
    throw std::invalid_argument(std::string(operation) + ": the tensor " + Describe(*this) +
                                " requires gradients; change it in place only under NoGrad");
  }
  get()->storage->BumpVersion();
}

void Tensor::ThrowUndefined() {
  throw std::invalid_argument(
      "Tensor: it is undefined (as a gradient is where none arrived, or the bias of a layer "
      "without "
      "one); ask defined() first");
}

void Tensor::ThrowWrongType(DType wanted) const {
  throw std::invalid_argument(std::string("the data of a tensor ") + Describe(*this) +
                              " was asked for as " + DTypeName(wanted));
}

void Tensor::CheckContiguous(const char* operation) const {
  if (!is_contiguous()) {
    throw std::invalid_argument(std::string(operation) + ": the tensor " + Describe(*this) +
                                " with strides " + strides().ToString() + " is not contiguous");
  }
}

int64_t Tensor::OffsetOf(const Dims& index) const {
  bool inside = index.rank() == rank();
  int64_t offset = 0;
  for (int axis = 0; inside && axis < rank(); ++axis) {
    const int64_t size = shape()[axis];
    inside = index[axis] >= -size && index[axis] < size;
    offset += (index[axis] < 0 ? index[axis] + size : index[axis]) * strides()[axis];
  }
  if (!inside) {
    throw std::invalid_argument("at: index " + index.ToString() + " is not in a tensor " +
                                Describe(*this));
  }
  return offset;
}

double Tensor::ItemAsDouble() const {
  if (!defined() || numel() != 1) {
    throw std::invalid_argument("item: wants a tensor of one element, got " + Describe(*this));
  }
  switch (dtype()) {
    case DType::kF32:
      return Load<float>(get()->data);
    case DType::kF64:
      return Load<double>(get()->data);
    case DType::kBF16:
      return static_cast<double>(ToFloat(*raw<BFloat16>()));
    case DType::kI32:
      return Load<int32_t>(get()->data);
    case DType::kI64:
      return Load<int64_t>(get()->data);
    case DType::kU8:
    case DType::kBool:
      return Load<uint8_t>(get()->data);
  }
  return 0;
}

std::string Describe(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  return tensor.shape().ToString() + " " + DTypeName(tensor.dtype());
}

}  // namespace autograd
