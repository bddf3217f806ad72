#include "autograd/grad.h"

#include <span>
#include <stdexcept>
#include <string>

#include "autograd/grad_mode.h"
#include "autograd/graph_walk.h"
#include "autograd/leaf.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// One run over a graph, from the last node to the first.
class BackwardPass {
 public:
  // `into_leaves`: the gradients of leaves will be accumulated into them.
  BackwardPass(const std::vector<Tensor>& outputs, bool create_graph, bool retain_graph,
               bool into_leaves)
      : walk_(outputs),
        create_graph_(create_graph),
        retain_graph_(retain_graph),
        into_leaves_(into_leaves),
        grads_(static_cast<size_t>(walk_.num_slots())),
        captured_(grads_.size()),
        wanted_(walk_.visits().size()) {}

  const GraphWalk& walk() const { return walk_; }
  Tensor& grad(int32_t slot) { return grads_[static_cast<size_t>(slot)]; }

  // Keeps the gradient of this slot for the caller.
  void Capture(int32_t slot) {
    captured_[static_cast<size_t>(slot)] = 1;
    wanted_[walk_.VisitOf(slot)] = 1;
  }

  // Adds a gradient to a slot.
  void Add(int32_t slot, Tensor grad) {
    Tensor& sum = grads_[static_cast<size_t>(slot)];
    if (!sum.defined()) {
      sum = std::move(grad);
    } else if (!create_graph_ && VjpContext::MayOverwrite(sum)) {
      AddInPlace(sum, grad);
    } else {
      sum = autograd::Add(sum, grad);
    }
  }

  void Run() {
    const GradModeGuard mode(create_graph_);
    const std::vector<GraphWalk::Visit>& visits = walk_.visits();
    // Nodes with something wanted below them; ascending, so what lies below is known first.
    std::vector<char> runs(visits.size());
    for (size_t i = 0; i < visits.size(); ++i) {
      for (const int32_t target : walk_.targets(visits[i])) {
        if (target != GraphWalk::kNoSlot && wanted_[walk_.VisitOf(target)]) runs[i] = 1;
      }
      if (runs[i]) wanted_[i] = 1;
    }
    for (size_t i = visits.size(); i-- > 0;) {
      if (runs[i]) RunNode(visits[i]);
    }
  }

 private:
  void RunNode(const GraphWalk::Visit& visit) {
    Node& node = *visit.node;
    if (!TakeGradients(visit)) return;
    if (node.freed()) {
      throw std::invalid_argument(std::string(node.name()) +
                                  ": the graph was freed by an earlier backward pass; pass "
                                  "retain_graph = true to differentiate it twice");
    }
    const std::span<const int32_t> targets = walk_.targets(visit);
    needed_.assign(targets.size(), 0);
    for (size_t i = 0; i < targets.size(); ++i) {
      needed_[i] = targets[i] != GraphWalk::kNoSlot && wanted_[walk_.VisitOf(targets[i])];
    }
    results_.assign(targets.size(), Tensor());
    {
      const OpScope scope(node.name(), OpScope::Pass::kBackward);
      const internal::DerivativeScope derivative(node.name());
      VjpContext::Sums sums;
      if (!create_graph_) sums = {grads_, targets};
      VjpContext context(node, working_, needed_, results_, sums, into_leaves_);
      create_graph_ ? node.Vjp(context) : node.FusedVjp(context);
      working_.clear();
    }
    for (size_t i = 0; i < targets.size(); ++i) {
      if (!needed_[i] || !results_[i].defined()) continue;
      CheckGradient(node, i);
      Add(targets[i], std::move(results_[i]));
    }
    if (!retain_graph_) node.Free();
  }

  // Moves the gradients of a node's outputs to working_, but for a copy of those the caller wants.
  // False if there is none.
  bool TakeGradients(const GraphWalk::Visit& visit) {
    working_.clear();
    bool any = false;
    for (int i = 0; i < visit.node->num_outputs(); ++i) {
      const size_t slot = visit.first_slot + static_cast<size_t>(i);
      any = any || grads_[slot].defined();
      working_.push_back(captured_[slot] ? grads_[slot] : std::move(grads_[slot]));
    }
    return any;
  }

  void CheckGradient(const Node& node, size_t input) const {
    const Edge& edge = node.edges()[input];
    const Node::Meta& meta = edge.node->output_meta(static_cast<int>(edge.index));
    const Tensor& grad = results_[input];
    if (grad.shape() != meta.shape || grad.dtype() != meta.dtype) {
      throw std::invalid_argument(std::string(node.name()) + ": its derivative gave a gradient " +
                                  Describe(grad) + " for input " + std::to_string(input) +
                                  " of shape " + meta.shape.ToString() + " " +
                                  DTypeName(meta.dtype));
    }
    const internal::ResultChecker* checker =
        internal::result_checker.load(std::memory_order_relaxed);
    if (checker != nullptr) checker->gradient(node.name(), static_cast<int>(input), grad);
  }

  GraphWalk walk_;
  bool create_graph_;
  bool retain_graph_;
  bool into_leaves_;
  std::vector<Tensor> grads_;
  std::vector<char> captured_;
  std::vector<char> wanted_;
  // Scratch of the node being run.
  std::vector<char> needed_;
  std::vector<Tensor> results_;
  std::vector<Tensor> working_;
};

// Adds to a leaf's accumulated gradient; takes `grad` over where nobody else has a handle to it.
void Accumulate(internal::LeafNode& leaf, Tensor grad) {
  if (Tensor memory = leaf.ClaimGradMemory(); memory.defined()) {
    CopyInPlace(memory, grad);
    grad = std::move(memory);
  }
  leaf.UpdateGrad([&](Tensor& sum) {
    const auto ours = [&](const Tensor& tensor) {
      return leaf.IsGradMemory(tensor) || VjpContext::MayOverwrite(tensor);
    };
    if (!sum.defined()) {
      sum = ours(grad) ? std::move(grad) : Clone(grad);
    } else if (ours(sum)) {
      AddInPlace(sum, grad);
    } else {
      // Somebody else has a handle to it, such as the tensor given to set_grad.
      sum = Add(sum, grad);
    }
  });
}

// The gradient a pass starts from at an output.
Tensor StartGradient(const char* operation, const Tensor& output, const Tensor& given) {
  if (given.defined()) {
    if (given.shape() != output.shape() || given.dtype() != output.dtype()) {
      throw std::invalid_argument(std::string(operation) + ": grad_output " + Describe(given) +
                                  " for an output " + Describe(output));
    }
    return given;
  }
  if (output.numel() != 1) {
    throw std::invalid_argument(std::string(operation) + ": the output " + Describe(output) +
                                " has more than one element; pass grad_outputs");
  }
  return Full(output.shape(), 1.0, output.dtype());
}

void CheckHasGraph(const char* operation, const char* what, const Tensor& tensor) {
  if (!tensor.defined() || !tensor.requires_grad()) {
    throw std::invalid_argument(std::string(operation) + ": the " + what + " " + Describe(tensor) +
                                " does not require gradients");
  }
}

}  // namespace

std::vector<Tensor> Grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options) {
  if (!options.grad_outputs.empty() && options.grad_outputs.size() != outputs.size()) {
    throw std::invalid_argument("Grad: " + std::to_string(options.grad_outputs.size()) +
                                " grad_outputs for " + std::to_string(outputs.size()) + " outputs");
  }
  for (const Tensor& output : outputs) CheckHasGraph("Grad", "output", output);
  for (const Tensor& input : inputs) CheckHasGraph("Grad", "input", input);
  BackwardPass pass(outputs, options.create_graph,
                    options.retain_graph.value_or(options.create_graph), /*into_leaves=*/false);
  std::vector<int32_t> slots;
  for (const Tensor& input : inputs) {
    slots.push_back(pass.walk().SlotOf(input));
    if (slots.back() != GraphWalk::kNoSlot) pass.Capture(slots.back());
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor given = options.grad_outputs.empty() ? Tensor() : options.grad_outputs[i];
    const GradModeGuard mode(options.create_graph);
    pass.Add(pass.walk().SlotOf(outputs[i]), StartGradient("Grad", outputs[i], given));
  }
  pass.Run();
  std::vector<Tensor> grads;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor grad = slots[i] == GraphWalk::kNoSlot ? Tensor() : pass.grad(slots[i]);
    if (!grad.defined() && !options.allow_unused) {
      throw std::invalid_argument("Grad: the outputs do not depend on input " + std::to_string(i) +
                                  " " + Describe(inputs[i]) + "; pass allow_unused = true");
    }
    if (grad.defined() && inputs[i].is_leaf()) {
      grad = static_cast<internal::LeafNode*>(inputs[i].impl()->node)->RunHooks(std::move(grad));
    }
    grads.push_back(std::move(grad));
  }
  return grads;
}

void Backward(const Tensor& loss, bool retain_graph) {
  CheckHasGraph("Backward", "loss", loss);
  BackwardPass pass({loss}, /*create_graph=*/false, retain_graph, /*into_leaves=*/true);
  pass.Add(pass.walk().SlotOf(loss), StartGradient("Backward", loss, Tensor()));
  const std::vector<GraphWalk::Visit>& visits = pass.walk().visits();
  for (const GraphWalk::Visit& visit : visits) {
    if (visit.node->is_leaf()) pass.Capture(static_cast<int32_t>(visit.first_slot));
  }
  pass.Run();
  const NoGrad guard;
  for (const GraphWalk::Visit& visit : visits) {
    if (!visit.node->is_leaf()) continue;
    auto& leaf = *static_cast<internal::LeafNode*>(visit.node);
    Tensor grad = std::move(pass.grad(static_cast<int32_t>(visit.first_slot)));
    if (grad.defined()) Accumulate(leaf, leaf.RunHooks(std::move(grad)));
  }
}

}  // namespace autograd
