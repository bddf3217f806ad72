#include "nn/parameter_buffer.h"

#include <stdexcept>

#include "autograd/grad_mode.h"
#include "autograd/leaf.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::internal::Storage;

// A cache line and a vector register of the widest kernels.
constexpr int64_t kAlignment = 64;

// The slice with a version counter of its own.
Tensor PartFor(const ParameterBuffer::Entry& entry, const Tensor& flat) {
  Tensor part = ParameterBuffer::SliceFor(entry, flat);
  const size_t item = autograd::ItemSize(flat.dtype());
  part.impl()->storage =
      Storage::Part(flat.impl()->storage, static_cast<size_t>(entry.begin) * item,
                    static_cast<size_t>(part.numel()) * item);
  return part;
}

// Makes `tensor` itself stand on the memory of `part`.
void MoveTo(const Tensor& tensor, const Tensor& part) {
  Tensor target = part;
  CopyInPlace(target, tensor.Detach());
  autograd::internal::TensorImpl& impl = *tensor.impl();
  impl.storage = part.impl()->storage;
  impl.data = part.impl()->data;
  impl.strides = part.strides();
  impl.contiguous = true;
}

}  // namespace

ParameterBuffer::ParameterBuffer(const Module& module)
    : ParameterBuffer(module.NamedParameters()) {}

ParameterBuffer::ParameterBuffer(const NamedTensors& parameters) {
  if (parameters.empty()) throw std::invalid_argument("ParameterBuffer: no parameters");
  const DType dtype = parameters[0].second.dtype();
  const int64_t step = kAlignment / static_cast<int64_t>(autograd::ItemSize(dtype));
  int64_t size = 0;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.dtype() != dtype || (dtype != DType::kF32 && dtype != DType::kF64)) {
      throw std::invalid_argument("ParameterBuffer: wants parameters all f32 or all f64, got " +
                                  parameters[0].first + " " + Describe(parameters[0].second) +
                                  " and " + name + " " + Describe(parameter));
    }
    entries_.push_back({name, parameter, size, Tensor()});
    size += (parameter.numel() + step - 1) / step * step;
  }
  values_ = autograd::Zeros({size}, dtype);
  gradients_ = autograd::Zeros({size}, dtype);
  has_gradient_.resize(entries_.size());
  const autograd::NoGrad guard;
  for (Entry& entry : entries_) {
    MoveTo(entry.parameter, PartFor(entry, values_));
    entry.gradient = PartFor(entry, gradients_);
    if (!entry.parameter.requires_grad()) continue;
    auto& leaf = *static_cast<autograd::internal::LeafNode*>(entry.parameter.impl()->node);
    leaf.set_grad_memory(entry.gradient);
  }
}

Tensor ParameterBuffer::SliceFor(const Entry& entry, const Tensor& flat) {
  const autograd::Shape& shape = entry.parameter.shape();
  return flat.ViewAs(shape, autograd::ContiguousStrides(shape), entry.begin);
}

void ParameterBuffer::MarkChanged() {
  for (Entry& entry : entries_) entry.parameter.impl()->storage->BumpVersion();
}

void ParameterBuffer::MarkGradientsChanged() {
  for (Entry& entry : entries_) entry.gradient.impl()->storage->BumpVersion();
}

void ParameterBuffer::ZeroGrad() {
  for (Entry& entry : entries_) {
    if (entry.parameter.requires_grad()) entry.parameter.set_grad(Tensor());
  }
}

void ParameterBuffer::GatherGradients() {
  const autograd::NoGrad guard;
  const int64_t item = static_cast<int64_t>(autograd::ItemSize(dtype()));
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (entry.parameter.raw<char>() != values_.raw<char>() + entry.begin * item) {
      throw std::invalid_argument("ParameterBuffer: the parameter " + entry.name +
                                  " was moved to another ParameterBuffer");
    }
    const Tensor gradient = entry.parameter.grad();
    has_gradient_[i] = gradient.defined();
    if (!gradient.defined()) {
      FillInPlace(entry.gradient, 0);
      continue;
    }
    if (gradient.IsSame(entry.gradient)) continue;
    CopyInPlace(entry.gradient, gradient);
    entry.parameter.set_grad(entry.gradient);
  }
}

}  // namespace nn
