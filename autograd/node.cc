#include "autograd/node.h"

#include <atomic>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "autograd/checkpoint_frame.h"
#include "autograd/leaf.h"
#include "autograd/memory/slab.h"

namespace autograd {
namespace {

using internal::CheckpointedTensor;
using internal::IntrusivePtr;

std::atomic<uint64_t> next_sequence{1};

struct NodeTypes {
  std::mutex mutex;
  std::vector<std::string> names;
};

NodeTypes& GetNodeTypes() {
  static NodeTypes& types = *new NodeTypes;
  return types;
}

// Nodes whose last reference went while another one was being deleted in this thread.
thread_local Node* deletion_queue = nullptr;
thread_local bool deleting = false;

// A tensor over the elements of `value` that stands at output `index` of `node` in the graph.
Tensor Attach(const Tensor& value, Node* node, uint32_t index) {
  Tensor attached = value.Detach();
  node->Ref();
  attached.impl()->node = node;
  attached.impl()->output_index = index;
  return attached;
}

}  // namespace

namespace internal {

bool RegisterNodeType(const char* name) {
  NodeTypes& types = GetNodeTypes();
  const std::lock_guard<std::mutex> lock(types.mutex);
  types.names.emplace_back(name);
  return true;
}

std::vector<std::string> RegisteredNodeTypes() {
  NodeTypes& types = GetNodeTypes();
  const std::lock_guard<std::mutex> lock(types.mutex);
  return types.names;
}

}  // namespace internal

SavedTensor::SavedTensor(Node* owner, const Tensor& input)
    : owner_(owner), next_(std::exchange(owner->saved_, this)) {
  if (!input.defined()) return;
  version_ = input.version();
  // A leaf is alive anyway, so keeping it costs nothing.
  if (internal::ActiveCheckpointFrame() == nullptr || input.is_leaf()) {
    value_ = input;
    return;
  }
  checkpointed_ = std::make_unique<CheckpointedTensor>();
  checkpointed_->frame = internal::ActiveCheckpointFrame();
  checkpointed_->slot = checkpointed_->frame->Save(input);
  checkpointed_->producer = IntrusivePtr<Node>::Share(input.impl()->node);
  checkpointed_->producer_output = input.impl()->output_index;
}

SavedTensor::SavedTensor(Node* owner, const Tensor& output, int output_index)
    : owner_(owner), next_(std::exchange(owner->saved_, this)), output_index_(output_index) {
  version_ = output.version();
  if (internal::ActiveCheckpointFrame() == nullptr) {
    // Not the handle itself: it will own the node.
    value_ = output.Detach();
    return;
  }
  checkpointed_ = std::make_unique<CheckpointedTensor>();
  checkpointed_->frame = internal::ActiveCheckpointFrame();
  checkpointed_->slot = checkpointed_->frame->Save(output);
}

SavedTensor::~SavedTensor() { Release(); }

void SavedTensor::Release() {
  value_ = Tensor();
  if (checkpointed_ != nullptr) {
    checkpointed_->frame->Drop(checkpointed_->slot);
    checkpointed_.reset();
  }
}

Tensor SavedTensor::Get() const {
  if (owner_->freed()) {
    throw std::invalid_argument(
        std::string(owner_->name()) +
        ": its saved tensors were freed by an earlier backward pass; pass retain_graph = true to "
        "differentiate a graph twice");
  }
  if (checkpointed_ != nullptr) {
    const Tensor value = checkpointed_->frame->Load(checkpointed_->slot);
    if (output_index_ >= 0) return Attach(value, owner_, static_cast<uint32_t>(output_index_));
    if (!checkpointed_->producer) return value;
    return Attach(value, checkpointed_->producer.get(), checkpointed_->producer_output);
  }
  if (!value_.defined()) return Tensor();
  if (value_.version() != version_) {
    throw std::invalid_argument(std::string(owner_->name()) + ": a saved tensor " +
                                Describe(value_) + " was changed in place: saved at version " +
                                std::to_string(version_) + ", now at version " +
                                std::to_string(value_.version()));
  }
  if (output_index_ < 0 || !GradEnabled()) return value_;
  return Attach(value_, owner_, static_cast<uint32_t>(output_index_));
}

Tensor VjpContext::grad(int output) const {
  Tensor& grad = grads_[static_cast<size_t>(output)];
  if (!grad.defined()) {
    const Node::Meta& meta = node_.output_meta(output);
    grad = Tensor::Empty(meta.shape, meta.dtype);
    // All zero bytes are the number zero in every floating-point dtype.
    if (grad.numel() > 0) {
      std::memset(grad.raw<char>(), 0, static_cast<size_t>(grad.numel()) * ItemSize(meta.dtype));
    }
  }
  return grad;
}

Tensor VjpContext::EmptyGrad(int input) const {
  const Edge& edge = node_.edges()[static_cast<size_t>(input)];
  if (into_leaves_ && edge.node->is_leaf()) {
    Tensor memory = static_cast<internal::LeafNode*>(edge.node)->ClaimGradMemory();
    if (memory.defined()) return memory;
  }
  const Node::Meta& meta = edge.node->output_meta(static_cast<int>(edge.index));
  return Tensor::Empty(meta.shape, meta.dtype);
}

Tensor VjpContext::TakePending(int input) const {
  // In anomaly mode the node's own gradient is looked at, not a sum.
  if (sums_.slots.empty() || !needs(input) || internal::result_checker.load() != nullptr) return {};
  const int32_t slot = sums_.targets[static_cast<size_t>(input)];
  return std::move(sums_.slots[static_cast<size_t>(slot)]);
}

bool VjpContext::MayOverwrite(const Tensor& tensor) {
  return tensor.defined() && tensor.impl()->unique() && tensor.impl()->storage->unique() &&
         tensor.is_contiguous();
}

Node::Node() : sequence_(next_sequence.fetch_add(1, std::memory_order_relaxed)) {}

Node::~Node() {
  for (const Edge& edge : edges()) {
    if (edge.node != nullptr && edge.node->Unref()) Destroy(edge.node);
  }
  if (edges_ != inline_edges_) delete[] edges_;
}

void Node::Destroy(Node* node) {
  if (deleting) {
    node->next_to_delete_ = std::exchange(deletion_queue, node);
    return;
  }
  deleting = true;
  for (delete node; deletion_queue != nullptr;) {
    Node* next = deletion_queue;
    deletion_queue = next->next_to_delete_;
    delete next;
  }
  deleting = false;
}

void* Node::operator new(size_t bytes) { return internal::SlabAllocate(bytes); }
void Node::operator delete(void* memory, size_t bytes) { internal::SlabDeallocate(memory, bytes); }

void Node::Free() {
  freed_ = true;
  for (SavedTensor* saved = saved_; saved != nullptr; saved = saved->next_) saved->Release();
}

void Node::SetInputs(std::span<const Tensor* const> inputs) {
  num_edges_ = static_cast<uint32_t>(inputs.size());
  if (num_edges_ > kInlineEdges) edges_ = new Edge[num_edges_];
  for (uint32_t i = 0; i < num_edges_; ++i) {
    const Tensor& input = *inputs[i];
    if (!input.defined() || input.impl()->node == nullptr) continue;
    edges_[i] = {input.impl()->node, input.impl()->output_index};
    edges_[i].node->Ref();
  }
}

void Node::AddOutput(Tensor& output) {
  internal::TensorImpl& impl = *output.impl();
  if (impl.node != nullptr) {
    throw std::logic_error(std::string(name()) + ": the result " + Describe(output) +
                           " is already part of a graph; an operation must return a new tensor");
  }
  Meta meta{impl.shape, impl.dtype};
  if (num_outputs_ == 0) {
    first_output_ = meta;
  } else {
    more_outputs_.push_back(meta);
  }
  Ref();
  impl.node = this;
  impl.output_index = static_cast<uint32_t>(num_outputs_++);
}

}  // namespace autograd
