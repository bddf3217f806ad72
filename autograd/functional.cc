// Vjp, Jvp and HessianVectorProduct of functions.
#include <stdexcept>
#include <string>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/graph_walk.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/identity.h"

namespace autograd {
namespace {

void CheckMatches(const char* operation, const char* what, const std::vector<Tensor>& wanted,
                  const std::vector<Tensor>& given) {
  if (wanted.size() != given.size()) {
    throw std::invalid_argument(std::string(operation) + ": " + std::to_string(given.size()) + " " +
                                what + "s for " + std::to_string(wanted.size()) + " tensors");
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].shape() != wanted[i].shape() || given[i].dtype() != wanted[i].dtype()) {
      throw std::invalid_argument(std::string(operation) + ": " + what + " " + std::to_string(i) +
                                  " is " + Describe(given[i]) + ", expected " +
                                  Describe(wanted[i]));
    }
  }
}

// The inputs as nodes of their own, so that only what the function does with them is
// differentiated, and not other ways by which a captured tensor may depend on them.
std::vector<Tensor> Isolate(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> isolated;
  for (const Tensor& input : inputs) {
    if (!IsFloating(input.dtype())) {
      isolated.push_back(input);
    } else if (input.requires_grad()) {
      isolated.push_back(Identity(input));
    } else {
      isolated.push_back(input.Detach().set_requires_grad(true));
    }
  }
  return isolated;
}

std::vector<Tensor> DetachUnlessRecording(std::vector<Tensor> tensors) {
  if (GradEnabled()) return tensors;
  for (Tensor& tensor : tensors) tensor = tensor.Detach();
  return tensors;
}

// The tangents of a node's outputs by differentiating its Vjp, which is linear in the cotangents u:
// if g(u) = u^T J then d(g(u)^T t)/du = J t.
void JvpByDoubleVjp(Node& node, std::span<const Tensor> tangents, std::span<Tensor> results) {
  std::vector<Tensor> cotangents;
  std::vector<Tensor> gradients(tangents.size());
  {
    const EnableGrad recording;
    for (int i = 0; i < node.num_outputs(); ++i) {
      const Node::Meta& meta = node.output_meta(i);
      cotangents.push_back(Zeros(meta.shape, meta.dtype).set_requires_grad(true));
    }
    std::vector<char> needed;
    for (const Tensor& tangent : tangents) needed.push_back(tangent.defined());
    std::vector<Tensor> working = cotangents;
    VjpContext context(node, working, needed, gradients);
    node.Vjp(context);
  }
  std::vector<Tensor> outputs, weights;
  for (size_t i = 0; i < tangents.size(); ++i) {
    if (!tangents[i].defined() || !gradients[i].defined() || !gradients[i].requires_grad()) {
      continue;
    }
    outputs.push_back(gradients[i]);
    weights.push_back(tangents[i]);
  }
  if (outputs.empty()) return;
  const std::vector<Tensor> found =
      Grad(outputs, cotangents,
           {.grad_outputs = weights, .create_graph = GradEnabled(), .allow_unused = true});
  for (size_t i = 0; i < found.size(); ++i) results[i] = found[i];
}

// Carries tangents from the slots where they are set to all later ones.
void PushForward(const GraphWalk& walk, std::vector<Tensor>& tangents) {
  for (const GraphWalk::Visit& visit : walk.visits()) {
    std::vector<Tensor> in;
    bool any = false;
    for (const int32_t target : walk.targets(visit)) {
      in.push_back(target == GraphWalk::kNoSlot ? Tensor() : tangents[static_cast<size_t>(target)]);
      any = any || in.back().defined();
    }
    const std::span<Tensor> out(tangents.data() + visit.first_slot,
                                static_cast<size_t>(visit.node->num_outputs()));
    bool given = false;
    for (const Tensor& tangent : out) given = given || tangent.defined();
    if (!any || given) continue;
    const internal::DerivativeScope derivative(visit.node->name());
    JvpContext context(in, out);
    if (!visit.node->Jvp(context)) JvpByDoubleVjp(*visit.node, in, out);
    for (size_t i = 0; i < out.size(); ++i) {
      const Node::Meta& meta = visit.node->output_meta(static_cast<int>(i));
      if (out[i].defined() && (out[i].shape() != meta.shape || out[i].dtype() != meta.dtype)) {
        throw std::invalid_argument(std::string(visit.node->name()) +
                                    ": its forward rule gave a tangent " + Describe(out[i]) +
                                    " for an output of shape " + meta.shape.ToString() + " " +
                                    DTypeName(meta.dtype));
      }
    }
  }
}

Tensor ZerosFor(const Tensor& tensor) { return Zeros(tensor.shape(), tensor.dtype()); }

}  // namespace

std::pair<std::vector<Tensor>, std::vector<Tensor>> Vjp(const VectorFunction& function,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& cotangents) {
  std::vector<Tensor> isolated, outputs;
  {
    const EnableGrad recording;
    isolated = Isolate(inputs);
    outputs = function(isolated);
  }
  CheckMatches("Vjp", "cotangent", outputs, cotangents);
  std::vector<Tensor> differentiable, weights, sources;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) continue;
    differentiable.push_back(outputs[i]);
    weights.push_back(cotangents[i]);
  }
  for (const Tensor& input : isolated) {
    if (input.requires_grad()) sources.push_back(input);
  }
  const std::vector<Tensor> found =
      Grad(differentiable, sources,
           {.grad_outputs = weights, .create_graph = GradEnabled(), .allow_unused = true});
  std::vector<Tensor> gradients;
  size_t next = 0;
  for (const Tensor& input : isolated) {
    Tensor gradient = input.requires_grad() ? found[next++] : Tensor();
    gradients.push_back(gradient.defined() ? gradient : ZerosFor(input));
  }
  return {DetachUnlessRecording(std::move(outputs)), std::move(gradients)};
}

std::pair<std::vector<Tensor>, std::vector<Tensor>> Jvp(const VectorFunction& function,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& tangents) {
  CheckMatches("Jvp", "tangent", inputs, tangents);
  std::vector<Tensor> isolated, outputs;
  {
    const EnableGrad recording;
    isolated = Isolate(inputs);
    outputs = function(isolated);
  }
  const GraphWalk walk(outputs);
  std::vector<Tensor> slots(static_cast<size_t>(walk.num_slots()));
  for (size_t i = 0; i < isolated.size(); ++i) {
    const int32_t slot = walk.SlotOf(isolated[i]);
    if (slot != GraphWalk::kNoSlot) slots[static_cast<size_t>(slot)] = tangents[i];
  }
  PushForward(walk, slots);
  std::vector<Tensor> results;
  for (const Tensor& output : outputs) {
    const int32_t slot = walk.SlotOf(output);
    Tensor tangent = slot == GraphWalk::kNoSlot ? Tensor() : slots[static_cast<size_t>(slot)];
    results.push_back(tangent.defined() ? tangent : ZerosFor(output));
  }
  return {DetachUnlessRecording(std::move(outputs)), std::move(results)};
}

Tensor HessianVectorProduct(const std::function<Tensor(const Tensor&)>& function, const Tensor& x,
                            const Tensor& v) {
  const VectorFunction gradient = [&](const std::vector<Tensor>& inputs) {
    const Tensor value = function(inputs[0]);
    if (!value.requires_grad()) return std::vector<Tensor>{ZerosFor(inputs[0])};
    std::vector<Tensor> found = Grad({value}, inputs, {.create_graph = true, .allow_unused = true});
    if (!found[0].defined()) found[0] = ZerosFor(inputs[0]);
    return found;
  };
  return Jvp(gradient, {x}, {v}).second[0];
}

}  // namespace autograd
