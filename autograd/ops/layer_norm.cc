#include "autograd/ops/layer_norm.h"

#include <span>
#include <utility>
#include <vector>

#include "autograd/composite_node.h"
#include "autograd/kernels/row_norm.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/norm_common.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DataOf;
using internal::DenseOrUndefined;
using internal::DTypes;

kernels::RowNormSize SizeOf(const Tensor& x, bool centred) {
  const int64_t channels = x.size(-1);
  return {channels == 0 ? 0 : x.numel() / channels, channels, centred};
}

// What the fused rule stands for.
Tensor Composite(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                 bool centred) {
  const Tensor distance = centred ? x - Mean(x, {-1}, true) : x;
  const Tensor inverse = Rsqrt(Mean(Square(distance), {-1}, true) + eps);
  return internal::Affine(distance * inverse, weight, bias);
}

// Derived says whether the mean is subtracted.
template <class Derived>
class RowNormNode : public CompositeNode<Derived> {
 public:
  // `statistics` are the kernel's.
  RowNormNode(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
              const Tensor& statistics)
      : x_(this, x),
        weight_(this, weight),
        bias_(this, bias),
        statistics_(this, statistics),
        eps_(eps) {}

  // x, and of weight and bias those that are there.
  std::vector<Tensor> Inputs() const {
    std::vector<Tensor> inputs = {x_.Get()};
    for (const Tensor& parameter : {weight_.Get(), bias_.Get()}) {
      if (parameter.defined()) inputs.push_back(parameter);
    }
    return inputs;
  }
  VectorFunction Function() const {
    const bool weighted = weight_.Get().defined(), biased = bias_.Get().defined();
    return [eps = eps_, weighted, biased](const std::vector<Tensor>& in) {
      return std::vector<Tensor>{Composite(in[0], weighted ? in[1] : Tensor(),
                                           biased ? in.back() : Tensor(), eps, Derived::kCentred)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    internal::Dispatch<DTypes::kFloating>(ctx.grad().dtype(), [&]<class T>(T) { Fused<T>(ctx); });
  }

 private:
  template <class T>
  void Fused(VjpContext& ctx) const {
    const Tensor x = Contiguous(x_.Get()), weight = DenseOrUndefined(weight_.Get()),
                 dy = Contiguous(ctx.grad());
    const bool biased = bias_.Get().defined();
    Tensor gradients[3];  // of x, weight and bias
    int inputs[3] = {0, 1, weight.defined() ? 2 : 1};
    const bool is_input[3] = {true, weight.defined(), biased};
    for (int i = 0; i < 3; ++i) {
      if (is_input[i] && ctx.needs(inputs[i])) gradients[i] = ctx.EmptyGrad(inputs[i]);
    }
    kernels::RowNormBackward(SizeOf(x, Derived::kCentred), x.raw<T>(), DataOf<T>(weight),
                             statistics_.Get().template raw<double>(), dy.raw<T>(),
                             DataOf<T>(gradients[0]), DataOf<T>(gradients[1]),
                             DataOf<T>(gradients[2]));
    for (int i = 0; i < 3; ++i) {
      if (gradients[i].defined()) ctx.SetGrad(inputs[i], gradients[i]);
    }
  }

  SavedTensor x_, weight_, bias_, statistics_;
  double eps_;
};

class LayerNormNode final : public RowNormNode<LayerNormNode> {
 public:
  static constexpr char kName[] = "LayerNorm";
  static constexpr bool kCentred = true;
  using RowNormNode::RowNormNode;
};

class RmsNormNode final : public RowNormNode<RmsNormNode> {
 public:
  static constexpr char kName[] = "RmsNorm";
  static constexpr bool kCentred = false;
  using RowNormNode::RowNormNode;
};

template <class NodeType>
Tensor Normalise(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const kernels::RowNormSize size = SizeOf(x, NodeType::kCentred);
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  const Tensor statistics = Tensor::Empty({size.rows, 2}, DType::kF64);
  {
    const NoGrad guard;
    const Tensor dense = Contiguous(x), w = DenseOrUndefined(weight), b = DenseOrUndefined(bias);
    internal::Dispatch<DTypes::kFloating>(x.dtype(), [&]<class T>(T) {
      kernels::RowNormForward(size, dense.raw<T>(), DataOf<T>(w), DataOf<T>(b), eps, y.raw<T>(),
                              statistics.raw<double>());
    });
  }
  const Tensor* inputs[3] = {&x};
  size_t count = 1;
  for (const Tensor* parameter : {&weight, &bias}) {
    if (parameter->defined()) inputs[count++] = parameter;
  }
  return Record<NodeType>(y, std::span<const Tensor* const>(inputs, count), x, weight, bias, eps,
                          statistics);
}

// bf16 by way of f32.
template <class NodeType>
Tensor NormaliseWide(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor wide = Cast(x, internal::NormDType(x.dtype()));
  return Cast(Normalise<NodeType>(wide, weight, bias, eps), x.dtype());
}

}  // namespace

Tensor LayerNorm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const OpScope scope("LayerNorm", {&x, &weight, &bias});
  internal::CheckNorm("LayerNorm", 1, "[..., C], [C] and [C]", x, weight, bias, eps);
  return NormaliseWide<LayerNormNode>(x, weight, bias, eps);
}

Tensor RmsNorm(const Tensor& x, const Tensor& weight, double eps) {
  const OpScope scope("RmsNorm", {&x, &weight});
  internal::CheckNorm("RmsNorm", 1, "[..., C] and [C]", x, weight, Tensor(), eps);
  return NormaliseWide<RmsNormNode>(x, weight, Tensor(), eps);
}

}  // namespace autograd
