#include "autograd/ops/cast.h"

#include "autograd/kernels/convert.h"
#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
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

kernels::CastType TypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return kernels::CastType::kF32;
    case DType::kF64:
      return kernels::CastType::kF64;
    case DType::kBF16:
      return kernels::CastType::kBf16;
    case DType::kI32:
      return kernels::CastType::kI32;
    case DType::kI64:
      return kernels::CastType::kI64;
    case DType::kU8:
      return kernels::CastType::kU8;
    case DType::kBool:
      break;
  }
  return kernels::CastType::kBool;
}

}  // namespace

Tensor Cast(const Tensor& x, DType dtype) {
  const OpScope scope("Cast", {&x});
  internal::CheckDTypes("Cast", internal::DTypes::kAll, {&x});
  if (x.dtype() == dtype) return IsFloating(dtype) ? Record<CastNode>(x.Detach(), {&x}) : x;
  Tensor y = Tensor::Empty(x.shape(), dtype);
  const Tensor* inputs[] = {&x};
  const kernels::CastFn cast = kernels::GetCast(TypeOf(x.dtype()), TypeOf(dtype));
  internal::DenseElementwiseLoop(
      y, inputs, [cast](int64_t n, void* out, const void* const* in) { cast(in[0], out, n); });
  if (!IsFloating(dtype)) return y;
  return Record<CastNode>(y, {&x});
}

}  // namespace autograd
