#include "autograd/ops/identity.h"

#include "autograd/node.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

class IdentityNode final : public NodeOf<IdentityNode> {
 public:
  static constexpr char kName[] = "Identity";
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, ctx.grad()); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, ctx.tangent());
    return true;
  }
};

}  // namespace

Tensor Identity(const Tensor& x) {
  const OpScope scope("Identity", {&x});
  return Record<IdentityNode>(x.Detach(), {&x});
}

}  // namespace autograd
