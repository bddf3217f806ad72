// The part of a graph behind some outputs, laid out in arrays: what Grad, Backward and Jvp run
// over.
#ifndef AUTOGRAD_GRAPH_WALK_H_
#define AUTOGRAD_GRAPH_WALK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "autograd/node.h"

namespace autograd {

// Collects every node reachable from the outputs, in ascending order of sequence numbers, so that a
// node stands behind everything it was computed from. Each output of each node has a slot, for its
// gradient or tangent.
//
// The layout does not refer to scratch in the nodes once it is built, so several walks over one
// graph may be alive, in one thread (a hook that calls Grad) or in several.
class GraphWalk {
 public:
  struct Visit {
    Node* node;
    uint32_t first_slot;
    uint32_t first_edge;
  };
  static constexpr int32_t kNoSlot = -1;

  explicit GraphWalk(std::span<const Tensor> outputs);

  const std::vector<Visit>& visits() const { return visits_; }
  int32_t num_slots() const { return num_slots_; }
  // The slot each edge of a visited node leads to; kNoSlot where the input needs no gradient.
  std::span<const int32_t> targets(const Visit& visit) const {
    return {targets_.data() + visit.first_edge, visit.node->edges().size()};
  }
  // The slot of a tensor in the graph; kNoSlot if it is not there.
  int32_t SlotOf(const Tensor& tensor) const;
  // The visit a slot belongs to.
  uint32_t VisitOf(int32_t slot) const { return visit_of_slot_[static_cast<size_t>(slot)]; }

 private:
  void Collect(std::span<const Tensor> outputs, uint64_t walk);
  void AssignSlots();
  void ResolveEdges();

  std::vector<Visit> visits_;
  std::vector<int32_t> targets_;
  std::vector<uint32_t> visit_of_slot_;
  int32_t num_slots_ = 0;
};

}  // namespace autograd

#endif  // AUTOGRAD_GRAPH_WALK_H_
