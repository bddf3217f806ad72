#include "autograd/ops/cast.h"

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

class CastNode final : public NodeOf<CastNode> {
 public:
  static constexpr char kName[] = "Cast";
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Cast(ctx.grad(), input_meta(0).dtype)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Cast(ctx.tangent(), output_meta(0).dtype));
    return true;
  }
};

}  // namespace

Tensor Cast(const Tensor& x, DType dtype) {
  const OpScope scope("Cast", {&x});
  internal::CheckDTypes("Cast", internal::DTypes::kAll, {&x});
  if (x.dtype() == dtype) return IsFloating(dtype) ? Record<CastNode>(x.Detach(), {&x}) : x;
  const Tensor y = internal::CastCopy(x, dtype);
  if (!IsFloating(dtype)) return y;
  return Record<CastNode>(y, {&x});
}

}  // namespace autograd
