#include "autograd/ops/linear.h"

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/composite_node.h"
#include "autograd/kernels/linear.h"
#include "autograd/kernels/unary.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/activation_kernel.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// True if the derivative of the activation is computed from its result, false if from its argument.
bool ReadsOutput(Activation activation) {
  return activation == Activation::kRelu || activation == Activation::kElu ||
         activation == Activation::kTanh || activation == Activation::kSigmoid;
}

// Weights and biases are f32 where activations are bf16.
DType ParameterDType(DType dtype) { return dtype == DType::kBF16 ? DType::kF32 : dtype; }

template <class T>
struct ParameterOf {
  using Type = T;
};
template <>
struct ParameterOf<BFloat16> {
  using Type = float;
};
template <class T>
using Parameter = typename ParameterOf<T>::Type;

// Calls function(T{}) with the type of x's elements.
template <class Function>
void WithType(const Tensor& x, const Function& function) {
  if (x.dtype() == DType::kF32) return function(float{});
  if (x.dtype() == DType::kF64) return function(double{});
  function(BFloat16{});
}

// The elements, or null for an undefined tensor.
template <class T>
T* Data(const Tensor& t) {
  return t.defined() ? t.raw<T>() : nullptr;
}

// What the fused rule stands for. With bf16 x it is the function in f32, rounded at its end.
Tensor Composite(const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const ActivationSpec& activation) {
  if (x.dtype() == DType::kBF16) {
    return Cast(Composite(Cast(x, DType::kF32), weight, bias, activation), DType::kBF16);
  }
  const Tensor product = MatMul(x, Transpose(weight));
  return Activate(bias.defined() ? product + bias : product, activation);
}

// x as [rows, last axis], its last axis dense.
Tensor Rows(const Tensor& x) {
  const Tensor dense = Contiguous(x);
  const int64_t columns = x.size(-1);
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) rows *= x.shape()[axis];
  return dense.ViewAs({rows, columns}, {columns, 1}, 0);
}

template <class T>
kernels::LinearActivation<T> Kernels(const ActivationSpec& spec) {
  if (spec.activation == Activation::kNone) return {};
  return kernels::LinearActivation<T>::Of(internal::ActivationKernel(spec.activation),
                                          static_cast<T>(spec.parameter));
}

template <class T>
void ForwardInto(const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const ActivationSpec& activation, const Tensor& y, const Tensor& argument) {
  const Tensor rows = Rows(x), matrix = Contiguous(weight);
  const Tensor offset = bias.defined() ? Contiguous(bias) : Tensor();
  using P = Parameter<T>;
  kernels::LinearForward({rows.size(0), matrix.size(1), matrix.size(0)}, rows.raw<T>(),
                         matrix.raw<P>(), static_cast<const P*>(Data<P>(offset)),
                         Kernels<P>(activation), y.raw<T>(), Data<T>(argument));
}

class LinearNode final : public CompositeNode<LinearNode> {
 public:
  static constexpr char kName[] = "Linear";
  // `kept` is the result or the activation's argument, whichever the fused rule reads; undefined
  // without an activation.
  LinearNode(const Tensor& x, const Tensor& weight, const Tensor& bias,
             const ActivationSpec& activation, const Tensor& kept)
      : x_(this, x),
        weight_(this, weight),
        bias_(this, bias),
        kept_(this, kept),
        activation_(activation) {}

  std::vector<Tensor> Inputs() const {
    std::vector<Tensor> inputs = {x_.Get(), weight_.Get()};
    const Tensor bias = bias_.Get();
    if (bias.defined()) inputs.push_back(bias);
    return inputs;
  }
  VectorFunction Function() const {
    return [activation = activation_](const std::vector<Tensor>& in) {
      return std::vector<Tensor>{
          Composite(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), activation)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    WithType(ctx.grad(), [&](auto type) { Fused<decltype(type)>(ctx); });
  }

 private:
  template <class T>
  void Fused(VjpContext& ctx) const {
    const Tensor rows = Rows(x_.Get()), weight = Contiguous(weight_.Get()), dy = Rows(ctx.grad());
    const Tensor kept = kept_.Get();
    const auto gradient = [&](int input) {
      if (static_cast<size_t>(input) >= edges().size() || !ctx.needs(input)) return Tensor();
      return ctx.EmptyGrad(input);
    };
    const Tensor dx = gradient(0), dw = gradient(1), db = gradient(2);
    using P = Parameter<T>;
    kernels::LinearBackward({rows.size(0), weight.size(1), weight.size(0)}, rows.raw<T>(),
                            weight.raw<P>(), Kernels<P>(activation_), Data<T>(kept), dy.raw<T>(),
                            Data<T>(dx), Data<P>(dw), Data<P>(db));
    if (dx.defined()) ctx.SetGrad(0, dx);
    if (dw.defined()) ctx.SetGrad(1, dw);
    if (db.defined()) ctx.SetGrad(2, db);
  }

  SavedTensor x_, weight_, bias_, kept_;
  ActivationSpec activation_;
};

void CheckLinear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const ActivationSpec& activation) {
  internal::CheckDefined("Linear", {&x, &weight});
  const bool floating = IsFloating(x.dtype());
  const DType parameter = ParameterDType(x.dtype());
  const bool fits = x.rank() >= 1 && weight.rank() == 2 && x.size(-1) == weight.size(1) &&
                    weight.dtype() == parameter;
  const bool bias_fits =
      !bias.defined() || (bias.rank() == 1 && weight.rank() == 2 &&
                          bias.size(0) == weight.size(0) && bias.dtype() == parameter);
  if (!floating || !fits || !bias_fits) {
    throw std::invalid_argument("Linear: x " + Describe(x) + ", weight " + Describe(weight) +
                                " and bias " + Describe(bias) +
                                " do not fit; wants [..., in], [out, in] and [out], f32 or f64, "
                                "or bf16 with f32 weight and bias");
  }
  internal::CheckActivation("Linear", activation);
}

// The sum of the layers' outputs.
int64_t Outputs(const std::vector<Tensor>& weights) {
  int64_t out = 0;
  for (const Tensor& weight : weights) out += weight.size(0);
  return out;
}

class LinearConcatNode final : public CompositeNode<LinearConcatNode> {
 public:
  static constexpr char kName[] = "LinearConcat";
  LinearConcatNode(const Tensor& x, const std::vector<Tensor>& weights,
                   const std::vector<Tensor>& biases)
      : x_(this, x) {
    for (const Tensor& weight : weights) weights_.emplace_back(this, weight);
    for (const Tensor& bias : biases) biases_.emplace_back(this, bias);
  }

  // x, the weights, the biases.
  std::vector<Tensor> Inputs() const {
    std::vector<Tensor> inputs = {x_.Get()};
    for (const SavedTensor& weight : weights_) inputs.push_back(weight.Get());
    for (const SavedTensor& bias : biases_) inputs.push_back(bias.Get());
    return inputs;
  }
  VectorFunction Function() const {
    return [count = weights_.size(), biased = !biases_.empty()](const std::vector<Tensor>& in) {
      std::vector<Tensor> layers;
      for (size_t i = 1; i <= count; ++i) {
        layers.push_back(Linear(in[0], in[i], biased ? in[i + count] : Tensor()));
      }
      return std::vector<Tensor>{Concat(layers, -1)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    WithType(ctx.grad(), [&](auto type) { Fused<decltype(type)>(ctx); });
  }

 private:
  template <class T>
  void Fused(VjpContext& ctx) const {
    const std::vector<Tensor> inputs = Inputs();
    const int count = static_cast<int>(weights_.size());
    const auto layers = inputs.begin() + 1;
    const Tensor rows = Rows(inputs[0]), dy = Rows(ctx.grad());
    const Tensor weight = Concat(std::vector<Tensor>(layers, layers + count), 0);
    const Tensor dx = ctx.needs(0) ? ctx.EmptyGrad(0) : Tensor();
    const Tensor dw = Joined(ctx, 1, count, weight.shape());
    const Tensor db = Joined(ctx, 1 + count, static_cast<int>(biases_.size()), {weight.size(0)});
    using P = Parameter<T>;
    kernels::LinearBackward({rows.size(0), weight.size(1), weight.size(0)}, rows.raw<T>(),
                            weight.raw<P>(), kernels::LinearActivation<P>(),
                            static_cast<const T*>(nullptr), dy.raw<T>(), Data<T>(dx), Data<P>(dw),
                            Data<P>(db));
    if (dx.defined()) ctx.SetGrad(0, dx);
    SetParts(ctx, 1, count, dw);
    SetParts(ctx, 1 + count, static_cast<int>(biases_.size()), db);
  }

  // Memory for the gradients of `count` inputs from `first` on, one below the other; undefined if
  // none of them is needed.
  static Tensor Joined(const VjpContext& ctx, int first, int count, const Shape& shape) {
    for (int i = first; i < first + count; ++i) {
      if (ctx.needs(i)) return Tensor::Empty(shape, ParameterDType(ctx.grad().dtype()));
    }
    return Tensor();
  }

  void SetParts(VjpContext& ctx, int first, int count, const Tensor& joined) const {
    int64_t row = 0;
    for (int i = 0; i < count; ++i) {
      const int64_t rows = weights_[static_cast<size_t>(i)].Get().size(0);
      if (ctx.needs(first + i)) {
        const Tensor grad = ctx.EmptyGrad(first + i);
        const int64_t start = grad.numel() == 0 ? 0 : row * joined.strides()[0];
        internal::CopyElements(grad, joined.ViewAs(grad.shape(), joined.strides(), start));
        ctx.SetGrad(first + i, grad);
      }
      row += rows;
    }
  }

  SavedTensor x_;
  std::deque<SavedTensor> weights_, biases_;
};

void CheckLinearConcat(const Tensor& x, const std::vector<Tensor>& weights,
                       const std::vector<Tensor>& biases) {
  internal::CheckDefined("LinearConcat", {&x});
  bool fits = !weights.empty() && (biases.empty() || biases.size() == weights.size());
  fits = fits && IsFloating(x.dtype()) && x.rank() >= 1;
  const DType parameter = ParameterDType(x.dtype());
  std::string text;
  for (const Tensor& weight : weights) {
    internal::CheckDefined("LinearConcat", {&weight});
    fits =
        fits && weight.rank() == 2 && weight.size(1) == x.size(-1) && weight.dtype() == parameter;
    text += ", weight " + Describe(weight);
  }
  for (size_t i = 0; i < biases.size(); ++i) {
    internal::CheckDefined("LinearConcat", {&biases[i]});
    fits = fits && biases[i].rank() == 1 && biases[i].size(0) == weights[i].size(0) &&
           biases[i].dtype() == parameter;
    text += ", bias " + Describe(biases[i]);
  }
  if (!fits) {
    throw std::invalid_argument("LinearConcat: x " + Describe(x) + text +
                                " do not fit; wants [..., in], one or more [out, in] and as many "
                                "[out] or none, f32 or f64, or bf16 with f32 weights and biases");
  }
}

}  // namespace

Tensor Linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ActivationSpec& activation) {
  const OpScope scope("Linear", {&x, &weight, &bias});
  CheckLinear(x, weight, bias, activation);
  Shape shape = x.shape();
  shape[shape.rank() - 1] = weight.size(0);
  Tensor y = Tensor::Empty(shape, x.dtype()), argument;
  const bool keeps_argument =
      activation.activation != Activation::kNone && !ReadsOutput(activation.activation);
  {
    const Tensor* inputs[] = {&x, &weight, &bias};
    if (keeps_argument && internal::ShouldRecord(inputs))
      argument = Tensor::Empty(shape, x.dtype());
    const NoGrad guard;
    WithType(x, [&](auto type) {
      ForwardInto<decltype(type)>(x, weight, bias, activation, y, argument);
    });
  }
  const Tensor kept = activation.activation == Activation::kNone ? Tensor()
                      : keeps_argument                           ? argument
                                                                 : y.Detach();
  return bias.defined()
             ? Record<LinearNode>(y, {&x, &weight, &bias}, x, weight, bias, activation, kept)
             : Record<LinearNode>(y, {&x, &weight}, x, weight, bias, activation, kept);
}

Tensor LinearConcat(const Tensor& x, const std::vector<Tensor>& weights,
                    const std::vector<Tensor>& biases) {
  std::vector<const Tensor*> inputs = {&x};
  for (const Tensor& weight : weights) inputs.push_back(&weight);
  for (const Tensor& bias : biases) inputs.push_back(&bias);
  const OpScope scope("LinearConcat", inputs);
  CheckLinearConcat(x, weights, biases);
  Shape shape = x.shape();
  shape[shape.rank() - 1] = Outputs(weights);
  const Tensor y = Tensor::Empty(shape, x.dtype());
  {
    const NoGrad guard;
    const Tensor weight = Concat(weights, 0), bias = biases.empty() ? Tensor() : Concat(biases, 0);
    WithType(x, [&](auto type) { ForwardInto<decltype(type)>(x, weight, bias, {}, y, Tensor()); });
  }
  return Record<LinearConcatNode>(y, inputs, x, weights, biases);
}

Tensor Activate(const Tensor& x, const ActivationSpec& activation) {
  switch (activation.activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return Relu(x);
    case Activation::kLeakyRelu:
      return LeakyRelu(x, activation.parameter);
    case Activation::kElu:
      return Elu(x, activation.parameter);
    case Activation::kSilu:
      return Silu(x);
    case Activation::kTanh:
      return Tanh(x);
    case Activation::kSigmoid:
      return Sigmoid(x);
    case Activation::kGeluTanh:
      return GeluTanh(x);
    case Activation::kGeluErf:
      return GeluErf(x);
  }
  throw std::invalid_argument("Activate: unknown activation");
}

}  // namespace autograd
