// What element-wise operations of one tensor have in common. Their Jacobian is diagonal, so one
// rule serves reverse and forward mode alike: multiply what arrives by the slope.
//
// An operation with a kernel is a small struct:
//   struct ExpRule : KernelRule<kernels::UnaryOp::kExp, 4> {
//     static constexpr char kName[] = "Exp";
//     // g times the slope, in differentiable operations; y is the saved tensor (see kernels/unary.h).
//     Tensor Chain(const Tensor& g, const Tensor& y) const { return g * y; }
//   };
// Others derive from UnaryRule, hold their scalar parameters and state
//   template <class T>
//   void Forward(int64_t n, const T* x, T* y) const;
// (T = BFloat16 among the types: in_f32.h is for rules that have no kernel for it) and may state,
// as the fused rule, the gradient in one pass over raw elements:
//   template <class T>
//   void Backward(int64_t n, const T* g, const T* saved, T* dx) const;
#ifndef AUTOGRAD_OPS_UNARY_OP_H_
#define AUTOGRAD_OPS_UNARY_OP_H_

#include <cstdint>

#include "autograd/kernels/unary.h"
#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/trace/op_scope.h"

namespace autograd::internal {

enum class Saves { kNothing, kInput, kOutput };

// What a rule saves, its cost (see ElementwiseLoop) and the dtypes it takes.
template <Saves kSavedTensor, int kWork, DTypes kWanted = DTypes::kFloatingOrBf16>
struct UnaryRule {
  static constexpr Saves kSaves = kSavedTensor;
  static constexpr int kCost = kWork;
  static constexpr DTypes kDTypes = kWanted;
};

// An operation with kernels for the forward pass and the gradient; `parameter` is theirs. A rule
// that takes integers too has a Forward of its own for them.
template <kernels::UnaryOp kOp, int kWork, DTypes kWanted = DTypes::kFloatingOrBf16>
struct KernelRule {
  double parameter = 0;

  static constexpr Saves kSaves =
      kernels::UnaryGradReadsOutput(kOp) ? Saves::kOutput : Saves::kInput;
  static constexpr int kCost = kWork;
  static constexpr DTypes kDTypes = kWanted;
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    kernels::GetUnary<T>(kOp)(x, y, n, static_cast<kernels::ComputeType<T>>(parameter));
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* saved, T* dx) const {
    kernels::GetUnaryGrad<T>(kOp)(g, saved, dx, n, static_cast<kernels::ComputeType<T>>(parameter));
  }
};

template <class Rule>
concept HasFusedRule = requires(const Rule& rule, const double* in, double* out) {
  rule.Backward(int64_t{1}, in, in, out);
};

template <class Rule>
class UnaryNode final : public NodeOf<UnaryNode<Rule>> {
 public:
  static constexpr const char* kName = Rule::kName;

  UnaryNode(const Rule& rule, const Tensor& x, const Tensor& y)
      : rule_(rule),
        saved_(Rule::kSaves == Saves::kOutput  ? SavedTensor(this, y, 0)
               : Rule::kSaves == Saves::kInput ? SavedTensor(this, x)
                                               : SavedTensor(this, Tensor())) {}

  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, rule_.Chain(ctx.grad(), saved_.Get())); }

  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, rule_.Chain(ctx.tangent(), saved_.Get()));
    return true;
  }

  void FusedVjp(VjpContext& ctx) override {
    if constexpr (HasFusedRule<Rule>) {
      const Tensor g = ctx.grad(), saved = saved_.Get();
      Tensor dx = Tensor::Empty(g.shape(), g.dtype());
      const Tensor* inputs[] = {&g, &saved};
      Dispatch<DTypes::kFloatingOrBf16>(g.dtype(), [&]<class T>(T) {
        const auto kernel = [&](int64_t n, void* out, const void* const* in) {
          rule_.Backward(n, static_cast<const T*>(in[0]), static_cast<const T*>(in[1]),
                         static_cast<T*>(out));
        };
        DenseElementwiseLoop(dx, inputs, kernel, Rule::kCost);
      });
      ctx.SetGrad(0, dx);
    } else {
      Vjp(ctx);
    }
  }

 private:
  [[no_unique_address]] Rule rule_;
  SavedTensor saved_;
};

template <class Rule>
Tensor ApplyUnary(const Tensor& x, const Rule& rule = {}) {
  const OpScope scope(Rule::kName, {&x});
  CheckDTypes(Rule::kName, Rule::kDTypes, {&x});
  Tensor y = Tensor::Empty(x.shape(), x.dtype());
  const Tensor* inputs[] = {&x};
  Dispatch<Rule::kDTypes>(x.dtype(), [&]<class T>(T) {
    const auto kernel = [&](int64_t n, void* out, const void* const* in) {
      rule.Forward(n, static_cast<const T*>(in[0]), static_cast<T*>(out));
    };
    DenseElementwiseLoop(y, inputs, kernel, Rule::kCost);
  });
  return Record<UnaryNode<Rule>>(y, {&x}, rule, x, y);
}

// y[i] = function(x[i]).
template <class T, class Function>
void Map(int64_t n, const T* x, T* y, Function function) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(function(x[i]));
}
}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_UNARY_OP_H_
