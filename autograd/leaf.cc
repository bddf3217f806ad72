#include "autograd/leaf.h"

#include <stdexcept>
#include <utility>

namespace autograd::internal {

Tensor LeafNode::grad() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return grad_;
}

void LeafNode::set_grad(Tensor grad) {
  const std::lock_guard<std::mutex> lock(mutex_);
  grad_ = std::move(grad);
  if (!grad_.defined()) claimed_ = false;
}

void LeafNode::set_grad_memory(Tensor memory) {
  const Meta& meta = output_meta(0);
  if (memory.defined() && (memory.shape() != meta.shape || memory.dtype() != meta.dtype)) {
    throw std::invalid_argument("set_grad_memory: memory " + Describe(memory) + " for a leaf " +
                                meta.shape.ToString() + " " + DTypeName(meta.dtype));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  memory_ = std::move(memory);
  claimed_ = false;
}

Tensor LeafNode::ClaimGradMemory() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!memory_.defined() || claimed_ || grad_.defined() || !hooks_.empty()) return Tensor();
  claimed_ = true;
  memory_.impl()->storage->BumpVersion();
  return memory_;
}

void LeafNode::AddHook(std::function<Tensor(const Tensor&)> hook) {
  const std::lock_guard<std::mutex> lock(mutex_);
  hooks_.push_back(std::move(hook));
}

Tensor LeafNode::RunHooks(Tensor grad) const {
  std::vector<std::function<Tensor(const Tensor&)>> hooks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (hooks_.empty()) return grad;
    hooks = hooks_;
  }
  for (const auto& hook : hooks) {
    Tensor replaced = hook(grad);
    if (!replaced.defined()) continue;
    if (replaced.shape() != grad.shape() || replaced.dtype() != grad.dtype()) {
      throw std::invalid_argument("gradient hook: returned " + Describe(replaced) +
                                  " for a gradient " + Describe(grad));
    }
    grad = std::move(replaced);
  }
  return grad;
}

}  // namespace autograd::internal
