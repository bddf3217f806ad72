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
  void set_grad(Tensor grad);
  // Calls update(gradient) with the accumulated gradient, which it may replace; one thread at a
  // time.
  template <class Update>
  void UpdateGrad(Update update) {
    const std::lock_guard<std::mutex> lock(mutex_);
    update(grad_);
  }
  void AddHook(std::function<Tensor(const Tensor&)> hook);
  // Passes a gradient through the hooks, in the order in which they were registered.
  Tensor RunHooks(Tensor grad) const;

 private:
  mutable std::mutex mutex_;
  Tensor grad_;
  std::vector<std::function<Tensor(const Tensor&)>> hooks_;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_LEAF_H_
