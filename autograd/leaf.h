// The node behind a leaf tensor that requires gradients: where Backward accumulates, and where
// hooks are kept.
#ifndef AUTOGRAD_LEAF_H_
#define AUTOGRAD_LEAF_H_

#include <functional>
#include <mutex>
#include <vector>

#include "autograd/node.h"

namespace autograd::internal {

class LeafNode final : public Node {
 public:
  const char* name() const override { return "Leaf"; }
  void Vjp(VjpContext& /*ctx*/) override {}
  bool is_leaf() const override { return true; }

  Tensor grad() const;
  // Replaces the accumulated gradient; an undefined one clears it, and frees the gradient memory
  // for the next pass.
  void set_grad(Tensor grad);
  // Calls update(gradient) with the accumulated gradient, which it may replace; one thread at a
  // time.
  template <class Update>
  void UpdateGrad(Update update) {
    const std::lock_guard<std::mutex> lock(mutex_);
    update(grad_);
  }

  // Gradient memory: where Backward leaves the gradient, such as a slice of one buffer for all
  // parameters of a model. Derivatives are written straight into it where possible
  // (VjpContext::EmptyGrad), and copied otherwise. Undefined: none. Throws std::invalid_argument
  // on another shape or dtype than the leaf's.
  void set_grad_memory(Tensor memory);
  // Hands out the memory to be overwritten, once until the gradient is cleared; undefined if there
  // is none, a gradient is there already, or a hook might keep what is written.
  Tensor ClaimGradMemory();
  // True if `grad` is the gradient memory. Call from UpdateGrad.
  bool IsGradMemory(const Tensor& grad) const { return memory_.defined() && grad.IsSame(memory_); }
  void AddHook(std::function<Tensor(const Tensor&)> hook);
  // Passes a gradient through the hooks, in the order in which they were registered.
  Tensor RunHooks(Tensor grad) const;

 private:
  mutable std::mutex mutex_;
  Tensor grad_;
  Tensor memory_;
  bool claimed_ = false;  // memory_ was handed out since grad_ was cleared
  std::vector<std::function<Tensor(const Tensor&)>> hooks_;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_LEAF_H_
