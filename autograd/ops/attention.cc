#include "autograd/ops/attention.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/composite_node.h"
#include "autograd/kernels/attention.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/select.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/triangle.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;

// What the fused rule stands for; the scale is not 0.
Tensor Composite(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) {
  const Dims heads_first = {0, 2, 1, 3};
  Tensor scores = MatMul(Permute(q, heads_first) * options.scale, Permute(k, {0, 2, 3, 1}));
  if (options.causal) {
    const Tensor visible = Tril(Ones({q.size(1), k.size(1)}, DType::kBool));
    scores = Where(visible, scores, -std::numeric_limits<double>::infinity());
  }
  return Permute(MatMul(Softmax(scores, -1), Permute(v, heads_first)), heads_first);
}

// x if the elements of each head lie side by side, otherwise a copy.
Tensor WithDenseHeads(const Tensor& x) {
  return x.size(3) <= 1 || x.strides()[3] == 1 ? x : Contiguous(x);
}

template <class T, class Element = const T>
kernels::HeadVectors<Element> Vectors(const Tensor& x) {
  if (!x.defined()) return {};
  return {x.raw<T>(), x.strides()[0], x.strides()[1], x.strides()[2]};
}

kernels::AttentionSpec Spec(const Tensor& q, const Tensor& k, const Tensor& v,
                            const AttentionOptions& options) {
  return {{q.size(0), q.size(2), q.size(1), k.size(1), q.size(3), v.size(3)},
          options.scale,
          options.causal};
}

class AttentionNode final : public CompositeNode<AttentionNode> {
 public:
  static constexpr char kName[] = "ScaledDotProductAttention";
  AttentionNode(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                const Tensor& log_sum_exp, const AttentionOptions& options)
      : q_(this, q),
        k_(this, k),
        v_(this, v),
        out_(this, out, 0),
        log_sum_exp_(this, log_sum_exp),
        options_(options) {}

  std::vector<Tensor> Inputs() const { return {q_.Get(), k_.Get(), v_.Get()}; }
  VectorFunction Function() const {
    return [options = options_](const std::vector<Tensor>& in) {
      return std::vector<Tensor>{Composite(in[0], in[1], in[2], options)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    internal::Dispatch<DTypes::kFloating>(ctx.grad().dtype(), [&]<class T>(T) { Fused<T>(ctx); });
  }

 private:
  template <class T>
  void Fused(VjpContext& ctx) const {
    const Tensor q = WithDenseHeads(q_.Get()), k = WithDenseHeads(k_.Get()),
                 v = WithDenseHeads(v_.Get()), out = out_.Get(), sums = log_sum_exp_.Get(),
                 g = WithDenseHeads(ctx.grad());
    Tensor grads[3];
    for (int i = 0; i < 3; ++i) {
      if (ctx.needs(i)) grads[i] = ctx.EmptyGrad(i);
    }
    kernels::AttentionBackward<T>(
        Spec(q, k, v, options_), {Vectors<T>(q), Vectors<T>(k), Vectors<T>(v)}, Vectors<T>(out),
        sums.raw<T>(), Vectors<T>(g),
        {Vectors<T, T>(grads[0]), Vectors<T, T>(grads[1]), Vectors<T, T>(grads[2])});
    for (int i = 0; i < 3; ++i) {
      if (grads[i].defined()) ctx.SetGrad(i, grads[i]);
    }
  }

  SavedTensor q_, k_, v_, out_, log_sum_exp_;
  AttentionOptions options_;
};

void Check(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  constexpr char kName[] = "ScaledDotProductAttention";
  internal::CheckDTypes(kName, DTypes::kFloating, {&q, &k, &v});
  const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
  const bool fits = ranks && q.size(0) == k.size(0) && q.size(0) == v.size(0) &&
                    q.size(2) == k.size(2) && q.size(2) == v.size(2) && q.size(3) == k.size(3) &&
                    k.size(1) == v.size(1) && q.size(3) > 0;
  if (!fits) {
    throw std::invalid_argument(std::string(kName) + ": q " + Describe(q) + ", k " + Describe(k) +
                                " and v " + Describe(v) +
                                " do not fit; wants [B, queries, heads, d], [B, keys, heads, d] "
                                "and [B, keys, heads, dv] with d > 0");
  }
  if (!std::isfinite(options.scale)) {
    throw std::invalid_argument(std::string(kName) + ": the scale is " +
                                std::to_string(options.scale) + ", expected a finite number");
  }
}

}  // namespace

Tensor ScaledDotProductAttention(const Tensor& q, const Tensor& k, const Tensor& v,
                                 const AttentionOptions& options) {
  const OpScope scope("ScaledDotProductAttention", {&q, &k, &v});
  Check(q, k, v, options);
  AttentionOptions scaled = options;
  if (scaled.scale == 0) scaled.scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const Tensor out = Tensor::Empty({q.size(0), q.size(1), q.size(2), v.size(3)}, q.dtype());
  const Tensor* inputs[] = {&q, &k, &v};
  Tensor sums;
  if (internal::ShouldRecord(inputs))
    sums = Tensor::Empty({q.size(0), q.size(2), q.size(1)}, q.dtype());
  {
    const NoGrad guard;
    const Tensor queries = WithDenseHeads(q), keys = WithDenseHeads(k), values = WithDenseHeads(v);
    internal::Dispatch<DTypes::kFloating>(q.dtype(), [&]<class T>(T) {
      kernels::AttentionForward<T>(Spec(queries, keys, values, scaled),
                                   {Vectors<T>(queries), Vectors<T>(keys), Vectors<T>(values)},
                                   Vectors<T, T>(out), sums.defined() ? sums.raw<T>() : nullptr);
    });
  }
  return Record<AttentionNode>(out, inputs, q, k, v, out, sums, scaled);
}

}  // namespace autograd
