// Node: one recorded operation on the tape, and the base class of every differentiable operation.
//
// An operation computes its result and hands it to Record with a node that keeps what its
// derivatives need. The node states up to three rules:
// - Vjp: gradients of the inputs from those of the outputs, written in differentiable tensor
//   operations, so that gradients of any order exist. The only rule that must be there.
// - FusedVjp: the same first-order gradients computed faster, used only where no graph of the
//   backward pass is wanted.
// - Jvp: tangents of the outputs from those of the inputs, in differentiable operations. Without it
//   forward mode differentiates Vjp twice.
//
// tests/autograd/ops/cases holds the rules of every node type against each other and against finite
// differences; a node type without a case there fails the suite.
//
// Example:
//   #include "autograd/ops/arithmetic.h"
//   class CubeNode final : public NodeOf<CubeNode> {
//    public:
//     static constexpr char kName[] = "Cube";
//     explicit CubeNode(const Tensor& x) : x_(this, x) {}
//     void Vjp(VjpContext& ctx) override {
//       Tensor x = x_.Get();
//       ctx.SetGrad(0, ctx.grad() * x * x * 3.0);
//     }
//
//    private:
//     SavedTensor x_;
//   };
//   auto Cube = [](const Tensor& x) {
//     Tensor y;
//     {
//       NoGrad guard;
//       y = x * x * x;
//     }
//     return Record<CubeNode>(y, {&x}, x);
//   };
//   Tensor x = Tensor::Scalar(2.0).set_requires_grad(true);
//   std::cout << Cube(x).item() << "\n";  // 8
#ifndef AUTOGRAD_NODE_H_
#define AUTOGRAD_NODE_H_

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/intrusive_ptr.h"
#include "autograd/tensor.h"

namespace autograd {

class Node;
namespace internal {
struct CheckpointedTensor;
}

// Where a gradient flows next: output `index` of `node`. A null node means that the input needs no
// gradient.
struct Edge {
  Node* node = nullptr;
  uint32_t index = 0;
};

// A tensor kept for differentiation. Declare it as a member of a node, constructed with the node:
// SavedTensor x_{this, x}. An input keeps its own graph, an output is tied to the node without
// owning it. The engine drops it after the backward pass unless the graph is retained.
class SavedTensor {
 public:
  // Keeps an input of the operation.
  SavedTensor(Node* owner, const Tensor& input);
  // Keeps output number `output_index` of the operation, which will be recorded with `owner`.
  SavedTensor(Node* owner, const Tensor& output, int output_index);
  SavedTensor(const SavedTensor&) = delete;
  SavedTensor& operator=(const SavedTensor&) = delete;
  ~SavedTensor();

  // The tensor, undefined if an undefined one was saved. Throws std::invalid_argument naming the
  // operation if the graph was already freed, or if the tensor was changed in place since it was
  // saved.
  Tensor Get() const;

 private:
  friend class Node;
  void Release();

  Node* owner_;
  SavedTensor* next_;
  Tensor value_;
  std::unique_ptr<internal::CheckpointedTensor> checkpointed_;
  uint32_t version_ = 0;
  int output_index_ = -1;
};

// What a node's Vjp reads and fills.
class VjpContext {
 public:
  // Gradient of an output, of the output's shape and dtype; zeros where none arrived.
  Tensor grad(int output = 0) const;
  // False where no gradient arrived at this output (its grad() would be zeros).
  bool has_grad(int output = 0) const { return grads_[static_cast<size_t>(output)].defined(); }
  // True if the gradient of this input is wanted. Computing others is wasted work.
  bool needs(int input = 0) const { return needed_[static_cast<size_t>(input)] != 0; }
  // Sets the gradient of an input: of the input's shape and dtype, or undefined for none.
  void SetGrad(int input, Tensor grad) { results_[static_cast<size_t>(input)] = std::move(grad); }

  // Where to write the gradient of an input that needs(input): uninitialised, dense, of its shape
  // and dtype. Where the gradient goes to a leaf with memory of its own (a parameter in a flat
  // buffer), this is that memory, and SetGrad with it saves a copy. For FusedVjp, which must
  // overwrite every element.
  Tensor EmptyGrad(int input = 0) const;

  // What other users of this input have already contributed to its gradient, taken out of the
  // engine: of the input's shape and dtype and any strides, or undefined where nothing is there or
  // can be had. Who takes it must add it: the gradient set for this input is pending + the node's
  // own, in this order. For FusedVjp, which can add
  // while it writes and so spares the engine a pass over three arrays:
  //   const Tensor pending = ctx.TakePending(0);
  //   const Tensor dx = VjpContext::MayOverwrite(pending) ? pending : ctx.EmptyGrad(0);
  Tensor TakePending(int input = 0) const;
  // True if nobody but the caller, with its one handle, can see the (dense) memory of the tensor.
  static bool MayOverwrite(const Tensor& tensor);

  // Where gradients of inputs are summed: `slots` by the numbers `targets` has for each input.
  struct Sums {
    std::span<Tensor> slots;
    std::span<const int32_t> targets;
  };
  // For the engine. `sums`: what TakePending may take from, empty if nothing. `into_leaves`:
  // gradients of leaves are accumulated into them, not returned.
  VjpContext(const Node& node, std::span<Tensor> grads, std::span<const char> needed,
             std::span<Tensor> results, const Sums& sums = {}, bool into_leaves = false)
      : node_(node),
        grads_(grads),
        needed_(needed),
        results_(results),
        sums_(sums),
        into_leaves_(into_leaves) {}

 private:
  const Node& node_;
  std::span<Tensor> grads_;
  std::span<const char> needed_;
  std::span<Tensor> results_;
  Sums sums_;
  bool into_leaves_;
};

// What a node's Jvp reads and fills.
class JvpContext {
 public:
  // Tangent of an input; undefined stands for zero.
  const Tensor& tangent(int input = 0) const { return tangents_[static_cast<size_t>(input)]; }
  bool has_tangent(int input = 0) const { return tangent(input).defined(); }
  // Sets the tangent of an output: of the output's shape and dtype, or undefined for zero.
  void SetTangent(int output, Tensor tangent) {
    results_[static_cast<size_t>(output)] = std::move(tangent);
  }

  JvpContext(std::span<const Tensor> tangents, std::span<Tensor> results)
      : tangents_(tangents), results_(results) {}

 private:
  std::span<const Tensor> tangents_;
  std::span<Tensor> results_;
};

class Node : public internal::RefCounted {
 public:
  Node();
  virtual ~Node();

  virtual const char* name() const = 0;
  virtual void Vjp(VjpContext& ctx) = 0;
  virtual void FusedVjp(VjpContext& ctx) { Vjp(ctx); }
  // Returns false if the node has no forward rule of its own.
  virtual bool Jvp(JvpContext& /*ctx*/) { return false; }

  // Nodes are numbered in the order in which they are made, so inputs come before what is computed
  // from them.
  uint64_t sequence() const { return sequence_; }
  int num_outputs() const { return num_outputs_; }
  std::span<const Edge> edges() const { return {edges_, num_edges_}; }
  // Shape and dtype of an output.
  struct Meta {
    Shape shape;
    DType dtype = DType::kF32;
  };
  const Meta& output_meta(int output) const {
    return output == 0 ? first_output_ : more_outputs_[static_cast<size_t>(output - 1)];
  }
  // Of an input that requires gradients.
  const Meta& input_meta(int input) const {
    const Edge& edge = edges()[static_cast<size_t>(input)];
    return edge.node->output_meta(static_cast<int>(edge.index));
  }
  virtual bool is_leaf() const { return false; }

  // Drops the saved tensors: the graph cannot be differentiated again.
  void Free();
  bool freed() const { return freed_; }

  // Connects the node to its inputs and outputs. Called by Record.
  void SetInputs(std::span<const Tensor* const> inputs);
  void AddOutput(Tensor& output);

  // Deletes without recursion, however long the chain of inputs is.
  static void Destroy(Node* node);
  static void* operator new(size_t bytes);
  static void operator delete(void* memory, size_t bytes);

 private:
  friend class SavedTensor;
  friend class GraphWalk;

  static constexpr int kInlineEdges = 3;

  uint64_t sequence_;
  SavedTensor* saved_ = nullptr;
  Edge* edges_ = inline_edges_;
  uint32_t num_edges_ = 0;
  int num_outputs_ = 0;
  bool freed_ = false;
  // Scratch of the graph walk that last visited this node.
  uint64_t walk_ = 0;
  uint32_t walk_index_ = 0;
  Node* next_to_delete_ = nullptr;
  Edge inline_edges_[kInlineEdges];
  Meta first_output_;
  std::vector<Meta> more_outputs_;
};

namespace internal {

// Names of all node types in the program, for the test that each has a case.
std::vector<std::string> RegisteredNodeTypes();
bool RegisterNodeType(const char* name);

// Name of the operation whose derivative this thread is computing, for anomaly mode: the operation
// of a Vjp that fails is not one the user wrote.
inline constinit thread_local const char* current_derivative = nullptr;
class DerivativeScope {
 public:
  explicit DerivativeScope(const char* name) : outer_(std::exchange(current_derivative, name)) {}
  ~DerivativeScope() { current_derivative = outer_; }
  DerivativeScope(const DerivativeScope&) = delete;
  DerivativeScope& operator=(const DerivativeScope&) = delete;

 private:
  const char* outer_;
};

// What looks at each result and gradient before it is handed on, in anomaly mode (trace/anomaly.h);
// null otherwise.
struct ResultChecker {
  void (*result)(const char* operation, const Tensor& result);
  void (*gradient)(const char* operation, int input, const Tensor& gradient);
};
inline std::atomic<const ResultChecker*> result_checker = nullptr;
inline void CheckResult(const char* operation, const Tensor& result) {
  const ResultChecker* checker = result_checker.load(std::memory_order_relaxed);
  if (checker != nullptr) [[unlikely]]
    checker->result(operation, result);
}

// True if recording is on and an input requires gradients.
inline bool ShouldRecord(std::span<const Tensor* const> inputs) {
  if (!GradEnabled()) return false;
  for (const Tensor* input : inputs) {
    if (input->defined() && input->requires_grad()) return true;
  }
  return false;
}

}  // namespace internal

// Base of node types: Derived has a `static constexpr char kName[]`.
template <class Derived>
class NodeOf : public Node {
 public:
  NodeOf() { (void)registered_; }
  const char* name() const override { return Derived::kName; }

 private:
  static const bool registered_;
};
template <class Derived>
const bool NodeOf<Derived>::registered_ = internal::RegisterNodeType(Derived::kName);

// Hands out the result of an operation; if recording is on and an input requires gradients, with a
// new node NodeType(args...) behind it. `inputs` are those the node's rules count; args are what
// its constructor takes.
template <class NodeType, class... Args>
Tensor Record(Tensor output, std::span<const Tensor* const> inputs, Args&&... args) {
  internal::CheckResult(NodeType::kName, output);
  if (internal::ShouldRecord(inputs)) {
    auto node = internal::IntrusivePtr<Node>::Adopt(new NodeType(std::forward<Args>(args)...));
    node->SetInputs(inputs);
    node->AddOutput(output);
  }
  return output;
}
template <class NodeType, class... Args>
Tensor Record(Tensor output, std::initializer_list<const Tensor*> inputs, Args&&... args) {
  return Record<NodeType>(std::move(output),
                          std::span<const Tensor* const>(inputs.begin(), inputs.size()),
                          std::forward<Args>(args)...);
}

// The same for an operation with several results.
template <class NodeType, class... Args>
std::vector<Tensor> RecordMany(std::vector<Tensor> outputs, std::span<const Tensor* const> inputs,
                               Args&&... args) {
  for (const Tensor& output : outputs) internal::CheckResult(NodeType::kName, output);
  if (internal::ShouldRecord(inputs)) {
    auto node = internal::IntrusivePtr<Node>::Adopt(new NodeType(std::forward<Args>(args)...));
    node->SetInputs(inputs);
    for (Tensor& output : outputs) node->AddOutput(output);
  }
  return outputs;
}

}  // namespace autograd

#endif  // AUTOGRAD_NODE_H_
