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
#include "autograd/ops/slice.h"
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
  const int last = x.rank() - 1;
  return x.size(last) <= 1 || x.strides()[static_cast<size_t>(last)] == 1 ? x : Contiguous(x);
}

template <class T, class Element = const T>
kernels::HeadVectors<Element> Vectors(const Tensor& x) {
  if (!x.defined()) return {};
  return {x.raw<T>(), x.strides()[0], x.strides()[1], x.strides()[2]};
}

struct QueriesKeysValues {
  Tensor q, k, v;

  kernels::AttentionSpec Spec(const AttentionOptions& options) const {
    return {{q.size(0), q.size(2), q.size(1), k.size(1), q.size(3), v.size(3)},
            options.scale,
            options.causal};
  }
  template <class T>
  kernels::AttentionInputs<T> Inputs() const {
    return {Vectors<T>(q), Vectors<T>(k), Vectors<T>(v)};
  }
  template <class T>
  kernels::AttentionGradients<T> Gradients() const {
    return {Vectors<T, T>(q), Vectors<T, T>(k), Vectors<T, T>(v)};
  }
};

// Views of one tensor [B, N, 3, heads, d].
QueriesKeysValues Parts(const Tensor& qkv) {
  return {Select(qkv, 2, 0), Select(qkv, 2, 1), Select(qkv, 2, 2)};
}

struct Result {
  Tensor out;
  Tensor log_sum_exp;  // undefined if nothing will be differentiated
};

// Heads are dense.
Result Forward(const QueriesKeysValues& in, const AttentionOptions& options, bool record) {
  const Tensor& q = in.q;
  Result result;
  result.out = Tensor::Empty({q.size(0), q.size(1), q.size(2), in.v.size(3)}, q.dtype());
  const DType math = internal::ComputeDType(q.dtype());
  if (record) result.log_sum_exp = Tensor::Empty({q.size(0), q.size(2), q.size(1)}, math);
  internal::Dispatch<DTypes::kFloatingOrBf16>(q.dtype(), [&]<class T>(T) {
    kernels::AttentionForward<T>(
        in.Spec(options), in.Inputs<T>(), Vectors<T, T>(result.out),
        record ? result.log_sum_exp.raw<kernels::AttentionMath<T>>() : nullptr);
  });
  return result;
}

// Writes those of grads that are defined. Heads are dense.
void Backward(const QueriesKeysValues& in, const Tensor& out, const Tensor& log_sum_exp,
              const Tensor& out_grad, const AttentionOptions& options,
              const QueriesKeysValues& grads) {
  internal::Dispatch<DTypes::kFloatingOrBf16>(out.dtype(), [&]<class T>(T) {
    kernels::AttentionBackward<T>(in.Spec(options), in.Inputs<T>(), Vectors<T>(out),
                                  log_sum_exp.raw<kernels::AttentionMath<T>>(),
                                  Vectors<T>(out_grad), grads.Gradients<T>());
  });
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
    Tensor grads[3];
    for (int i = 0; i < 3; ++i) {
      if (ctx.needs(i)) grads[i] = ctx.EmptyGrad(i);
    }
    Backward({WithDenseHeads(q_.Get()), WithDenseHeads(k_.Get()), WithDenseHeads(v_.Get())},
             out_.Get(), log_sum_exp_.Get(), WithDenseHeads(ctx.grad()), options_,
             {grads[0], grads[1], grads[2]});
    for (int i = 0; i < 3; ++i) {
      if (grads[i].defined()) ctx.SetGrad(i, grads[i]);
    }
  }

 private:
  SavedTensor q_, k_, v_, out_, log_sum_exp_;
  AttentionOptions options_;
};

class PackedAttentionNode final : public CompositeNode<PackedAttentionNode> {
 public:
  static constexpr char kName[] = "ScaledDotProductAttentionPacked";
  PackedAttentionNode(const Tensor& qkv, const Tensor& out, const Tensor& log_sum_exp,
                      const AttentionOptions& options)
      : qkv_(this, qkv), out_(this, out, 0), log_sum_exp_(this, log_sum_exp), options_(options) {}

  std::vector<Tensor> Inputs() const { return {qkv_.Get()}; }
  VectorFunction Function() const {
    return [options = options_](const std::vector<Tensor>& in) {
      const auto [q, k, v] = Parts(in[0]);
      return std::vector<Tensor>{Composite(q, k, v, options)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor grad = ctx.EmptyGrad();
    Backward(Parts(WithDenseHeads(qkv_.Get())), out_.Get(), log_sum_exp_.Get(),
             WithDenseHeads(ctx.grad()), options_, Parts(grad));
    ctx.SetGrad(0, grad);
  }

 private:
  SavedTensor qkv_, out_, log_sum_exp_;
  AttentionOptions options_;
};

void Check(const Tensor& q, const Tensor& k, const Tensor& v) {
  constexpr char kName[] = "ScaledDotProductAttention";
  internal::CheckDTypes(kName, DTypes::kFloatingOrBf16, {&q, &k, &v});
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
}

// The options with the scale they stand for.
AttentionOptions WithScale(const char* operation, const AttentionOptions& options, int64_t d) {
  if (!std::isfinite(options.scale)) {
    throw std::invalid_argument(std::string(operation) + ": the scale is " +
                                std::to_string(options.scale) + ", expected a finite number");
  }
  AttentionOptions scaled = options;
  if (scaled.scale == 0) scaled.scale = 1 / std::sqrt(static_cast<double>(d));
  return scaled;
}

}  // namespace

Tensor ScaledDotProductAttention(const Tensor& q, const Tensor& k, const Tensor& v,
                                 const AttentionOptions& options) {
  constexpr char kName[] = "ScaledDotProductAttention";
  const OpScope scope(kName, {&q, &k, &v});
  Check(q, k, v);
  const AttentionOptions scaled = WithScale(kName, options, q.size(3));
  const Tensor* inputs[] = {&q, &k, &v};
  Result result;
  {
    const bool record = internal::ShouldRecord(inputs);
    const NoGrad guard;
    result = Forward({WithDenseHeads(q), WithDenseHeads(k), WithDenseHeads(v)}, scaled, record);
  }
  return Record<AttentionNode>(result.out, inputs, q, k, v, result.out, result.log_sum_exp, scaled);
}

Tensor ScaledDotProductAttentionPacked(const Tensor& qkv, const AttentionOptions& options) {
  constexpr char kName[] = "ScaledDotProductAttentionPacked";
  const OpScope scope(kName, {&qkv});
  internal::CheckDTypes(kName, DTypes::kFloatingOrBf16, {&qkv});
  if (qkv.rank() != 5 || qkv.size(2) != 3 || qkv.size(4) == 0) {
    throw std::invalid_argument(std::string(kName) + ": qkv " + Describe(qkv) +
                                " does not fit; wants [B, tokens, 3, heads, d] with d > 0");
  }
  const AttentionOptions scaled = WithScale(kName, options, qkv.size(4));
  const Tensor* inputs[] = {&qkv};
  Result result;
  {
    const bool record = internal::ShouldRecord(inputs);
    const NoGrad guard;
    result = Forward(Parts(WithDenseHeads(qkv)), scaled, record);
  }
  return Record<PackedAttentionNode>(result.out, inputs, qkv, result.out, result.log_sum_exp,
                                     scaled);
}

}  // namespace autograd
