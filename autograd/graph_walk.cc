#include "autograd/graph_walk.h"

#include <algorithm>
#include <mutex>

namespace autograd {
namespace {

// Guards the nodes' scratch while a walk is laid out.
std::mutex scratch_mutex;
uint64_t last_walk = 0;

bool Before(const GraphWalk::Visit& a, const GraphWalk::Visit& b) {
  return a.node->sequence() < b.node->sequence();
}

}  // namespace

GraphWalk::GraphWalk(std::span<const Tensor> outputs) {
  const std::lock_guard<std::mutex> lock(scratch_mutex);
  Collect(outputs, ++last_walk);
  AssignSlots();
  ResolveEdges();
}

void GraphWalk::Collect(std::span<const Tensor> outputs, uint64_t walk) {
  std::vector<Node*> stack;
  const auto visit = [&](Node* node) {
    if (node == nullptr || node->walk_ == walk) return;
    node->walk_ = walk;
    visits_.push_back({node, 0, 0});
    stack.push_back(node);
  };
  for (const Tensor& output : outputs) {
    if (output.defined()) visit(output.impl()->node);
  }
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    for (const Edge& edge : node->edges()) visit(edge.node);
  }
  // A chain is found from its end, so reversing usually sorts it.
  std::reverse(visits_.begin(), visits_.end());
  if (!std::is_sorted(visits_.begin(), visits_.end(), Before)) {
    std::sort(visits_.begin(), visits_.end(), Before);
  }
}

void GraphWalk::AssignSlots() {
  uint32_t edges = 0;
  visit_of_slot_.reserve(visits_.size());
  for (uint32_t i = 0; i < visits_.size(); ++i) {
    Visit& visit = visits_[i];
    visit.first_slot = static_cast<uint32_t>(num_slots_);
    visit.first_edge = edges;
    visit.node->walk_index_ = visit.first_slot;
    num_slots_ += visit.node->num_outputs();
    visit_of_slot_.insert(visit_of_slot_.end(), static_cast<size_t>(visit.node->num_outputs()), i);
    edges += static_cast<uint32_t>(visit.node->edges().size());
  }
  targets_.reserve(edges);
}

void GraphWalk::ResolveEdges() {
  for (const Visit& visit : visits_) {
    for (const Edge& edge : visit.node->edges()) {
      targets_.push_back(edge.node == nullptr
                             ? kNoSlot
                             : static_cast<int32_t>(edge.node->walk_index_ + edge.index));
    }
  }
}

int32_t GraphWalk::SlotOf(const Tensor& tensor) const {
  if (!tensor.defined() || tensor.impl()->node == nullptr) return kNoSlot;
  const Visit wanted{tensor.impl()->node, 0, 0};
  const auto found = std::lower_bound(visits_.begin(), visits_.end(), wanted, Before);
  if (found == visits_.end() || found->node != wanted.node) return kNoSlot;
  return static_cast<int32_t>(found->first_slot + tensor.impl()->output_index);
}

}  // namespace autograd
