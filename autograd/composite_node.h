// CompositeNode: the base of operations whose derivatives are those of a formula in other
// operations.
//
// Such an operation computes its result in one pass of its own, and often its first-order gradients
// too (FusedVjp). For everything else, gradients of gradients and forward mode, it states the same
// function in differentiable operations, and Vjp and Jvp differentiate that.
//
// Derived, a node type, has two member functions:
//   std::vector<Tensor> Inputs() const;    // the saved inputs, in the order Record was given them
//   VectorFunction Function() const;       // the one result from such inputs; must not hold `this`
//
// Example:
//   class NormNode final : public CompositeNode<NormNode> {
//    public:
//     static constexpr char kName[] = "EuclideanNorm";
//     NormNode(const Tensor& x, const Tensor& y) : x_(this, x), y_(this, y) {}
//     std::vector<Tensor> Inputs() const { return {x_.Get(), y_.Get()}; }
//     VectorFunction Function() const {
//       return [](const std::vector<Tensor>& in) {
//         return std::vector<Tensor>{Sqrt(in[0] * in[0] + in[1] * in[1])};
//       };
//     }
//
//    private:
//     SavedTensor x_, y_;
//   };
//   Tensor x = Tensor::Scalar(3.0).set_requires_grad(true), y = Tensor::Scalar(4.0);
//   Tensor r = Record<NormNode>(Tensor::Scalar(5.0), {&x, &y}, x, y);
//   std::cout << Grad({r}, {x})[0].item() << "\n";  // 0.6
#ifndef AUTOGRAD_COMPOSITE_NODE_H_
#define AUTOGRAD_COMPOSITE_NODE_H_

#include <vector>

#include "autograd/grad.h"
#include "autograd/node.h"
#include "autograd/ops/creation.h"

namespace autograd {

template <class Derived>
class CompositeNode : public NodeOf<Derived> {
 public:
  void Vjp(VjpContext& ctx) override {
    const auto [outputs, grads] =
        autograd::Vjp(derived().Function(), derived().Inputs(), {ctx.grad()});
    for (size_t i = 0; i < grads.size(); ++i) ctx.SetGrad(static_cast<int>(i), grads[i]);
  }

  bool Jvp(JvpContext& ctx) override {
    const std::vector<Tensor> inputs = derived().Inputs();
    std::vector<Tensor> tangents;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& tangent = ctx.tangent(static_cast<int>(i));
      tangents.push_back(tangent.defined() ? tangent : ZerosLike(inputs[i]));
    }
    ctx.SetTangent(0, autograd::Jvp(derived().Function(), inputs, tangents).second[0]);
    return true;
  }

 private:
  const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

}  // namespace autograd

#endif  // AUTOGRAD_COMPOSITE_NODE_H_
