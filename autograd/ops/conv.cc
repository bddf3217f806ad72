#include "autograd/ops/conv.h"

#include <span>

#include "autograd/kernels/conv.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/conv_size.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using kernels::ConvSize;

// What is added to the sum of products; each may be undefined.
struct Terms {
  Tensor bias, shift, residual;
};

// The three bilinear operations; `s` is the same in a convolution and its gradients.
Tensor Forward(const Tensor& x, const Tensor& w, const Terms& terms, const ConvSize& s);
Tensor InputGradient(const Tensor& dy, const Tensor& w, const Terms& terms, const ConvSize& s);
Tensor WeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s);

// run(float()), run(double()) or run(BFloat16()).
template <class Run>
void WithType(const Tensor& x, Run run) {
  switch (x.dtype()) {
    case DType::kF32:
      return run(float());
    case DType::kBF16:
      return run(BFloat16());
    default:
      return run(double());
  }
}

// Of the weights of images of this dtype, and of their gradients.
DType ParameterDType(DType images) { return images == DType::kBF16 ? DType::kF32 : images; }

Tensor DenseOrUndefined(const Tensor& x) { return x.defined() ? Contiguous(x) : x; }

Terms Dense(const Terms& terms) {
  return {DenseOrUndefined(terms.bias), DenseOrUndefined(terms.shift),
          DenseOrUndefined(terms.residual)};
}

template <class T>
kernels::ConvEpilogue<T> Epilogue(const Terms& dense) {
  const auto data = []<class P>(const Tensor& x, P) -> const P* {
    return x.defined() ? x.raw<P>() : nullptr;
  };
  using P = kernels::ConvParameter<T>;
  return {data(dense.bias, P()), data(dense.shift, P()), data(dense.residual, T())};
}

// The kernels behind the operations, for any strides; `to` is dense.
void RunForward(const Tensor& x, const Tensor& w, const Terms& terms, const ConvSize& s,
                const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(x), weight = Contiguous(w);
  const Terms dense = Dense(terms);
  WithType(x, [&]<class T>(T) {
    kernels::ConvForward(s, image.raw<T>(), weight.raw<kernels::ConvParameter<T>>(),
                         Epilogue<T>(dense), to.raw<T>());
  });
}

void RunInputGradient(const Tensor& dy, const Tensor& w, const Terms& terms, const ConvSize& s,
                      const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(dy), weight = Contiguous(w);
  const Terms dense = Dense(terms);
  WithType(dy, [&]<class T>(T) {
    kernels::ConvInputGradient(s, image.raw<T>(), weight.raw<kernels::ConvParameter<T>>(),
                               Epilogue<T>(dense), to.raw<T>());
  });
}

void RunWeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s, const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(x), gradient = Contiguous(dy);
  WithType(x, [&]<class T>(T) {
    kernels::ConvWeightGradient(s, image.raw<T>(), gradient.raw<T>(),
                                to.raw<kernels::ConvParameter<T>>());
  });
}

// dy [..., channels].
void RunBiasGradient(const Tensor& dy, const Tensor& to) {
  const NoGrad guard;
  int64_t pixels = 1;
  for (int axis = 0; axis + 1 < dy.rank(); ++axis) pixels *= dy.shape()[axis];
  const Tensor gradient = Contiguous(dy);
  WithType(dy, [&]<class T>(T) {
    kernels::ConvBiasGradient(pixels, dy.size(-1), gradient.raw<T>(),
                              to.raw<kernels::ConvParameter<T>>());
  });
}

void RunShiftGradient(const Tensor& dy, const Tensor& to) {
  const NoGrad guard;
  const Tensor gradient = Contiguous(dy);
  WithType(dy, [&]<class T>(T) {
    kernels::ConvShiftGradient(dy.size(0), dy.size(1) * dy.size(2), dy.size(3), gradient.raw<T>(),
                               to.raw<kernels::ConvParameter<T>>());
  });
}

// The sum of the terms that are there.
Tensor SumOf(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

// Inputs 0 and 1 are image and weight, 2 to 4 bias, shift and residual as far as there are any.
template <class Derived>
class ConvNode : public NodeOf<Derived> {
 public:
  ConvNode(const Tensor& image, const Tensor& weight, const ConvSize& s)
      : image_(this, image), weight_(this, weight), size_(s) {}

  bool Jvp(JvpContext& ctx) override {
    Tensor tangent;
    if (ctx.has_tangent(0)) {
      tangent = Derived::Apply(ctx.tangent(0), weight_.Get(), {}, size_);
    }
    if (ctx.has_tangent(1)) {
      tangent = SumOf(tangent, Derived::Apply(image_.Get(), ctx.tangent(1), {}, size_));
    }
    const auto& [shape, dtype] = this->output_meta(0);
    if (HasInput(kBias) && ctx.has_tangent(kBias)) {
      tangent = SumOf(tangent, Expand(Cast(ctx.tangent(kBias), dtype), shape));
    }
    if (HasInput(kShift) && ctx.has_tangent(kShift)) {
      const Tensor shift = Reshape(ctx.tangent(kShift), {shape[0], 1, 1, shape[3]});
      tangent = SumOf(tangent, Expand(Cast(shift, dtype), shape));
    }
    if (HasInput(kResidual)) tangent = SumOf(tangent, ctx.tangent(kResidual));
    ctx.SetTangent(0, tangent);
    return true;
  }

 protected:
  static constexpr int kBias = 2, kShift = 3, kResidual = 4;

  bool HasInput(int input) const { return static_cast<size_t>(input) < this->edges().size(); }
  bool Needs(const VjpContext& ctx, int input) const { return HasInput(input) && ctx.needs(input); }

  void TermsVjp(VjpContext& ctx) const {
    const Tensor dy = ctx.grad();
    if (Needs(ctx, kBias)) {
      const auto& [shape, dtype] = this->input_meta(kBias);
      ctx.SetGrad(kBias, SumTo(Cast(dy, dtype), shape));
    }
    if (Needs(ctx, kShift)) {
      const auto& [shape, dtype] = this->input_meta(kShift);
      ctx.SetGrad(kShift, Reshape(SumTo(Cast(dy, dtype), {shape[0], 1, 1, shape[1]}), shape));
    }
    if (Needs(ctx, kResidual)) ctx.SetGrad(kResidual, dy);
  }

  void FusedTermsVjp(VjpContext& ctx) const {
    Tensor sums = ctx.grad();
    if (Needs(ctx, kShift)) {
      const Tensor shift = ctx.EmptyGrad(kShift);
      RunShiftGradient(ctx.grad(), shift);
      ctx.SetGrad(kShift, shift);
      sums = shift;
    }
    if (Needs(ctx, kBias)) {
      const Tensor bias = ctx.EmptyGrad(kBias);
      RunBiasGradient(sums, bias);
      ctx.SetGrad(kBias, bias);
    }
    if (Needs(ctx, kResidual)) ctx.SetGrad(kResidual, ctx.grad());
  }

  SavedTensor image_, weight_;
  ConvSize size_;
};

class Conv2dNode final : public ConvNode<Conv2dNode> {
 public:
  static constexpr char kName[] = "Conv2d";
  using ConvNode::ConvNode;
  static Tensor Apply(const Tensor& x, const Tensor& w, const Terms& terms, const ConvSize& s) {
    return Forward(x, w, terms, s);
  }

  void Vjp(VjpContext& ctx) override {
    const Tensor dy = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, InputGradient(dy, weight_.Get(), {}, size_));
    if (ctx.needs(1)) ctx.SetGrad(1, WeightGradient(image_.Get(), dy, size_));
    TermsVjp(ctx);
  }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor dy = Contiguous(ctx.grad());
    if (ctx.needs(0)) {
      const Tensor dx = ctx.EmptyGrad(0);
      RunInputGradient(dy, weight_.Get(), {}, size_, dx);
      ctx.SetGrad(0, dx);
    }
    if (ctx.needs(1)) {
      const Tensor dw = ctx.EmptyGrad(1);
      RunWeightGradient(image_.Get(), dy, size_, dw);
      ctx.SetGrad(1, dw);
    }
    FusedTermsVjp(ctx);
  }
};

// y = I(x, w): the image is what a convolution calls dy.
class ConvTranspose2dNode final : public ConvNode<ConvTranspose2dNode> {
 public:
  static constexpr char kName[] = "ConvTranspose2d";
  using ConvNode::ConvNode;
  static Tensor Apply(const Tensor& x, const Tensor& w, const Terms& terms, const ConvSize& s) {
    return InputGradient(x, w, terms, s);
  }

  void Vjp(VjpContext& ctx) override {
    const Tensor dy = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, Forward(dy, weight_.Get(), {}, size_));
    if (ctx.needs(1)) ctx.SetGrad(1, WeightGradient(dy, image_.Get(), size_));
    TermsVjp(ctx);
  }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor dy = Contiguous(ctx.grad());
    if (ctx.needs(0)) {
      const Tensor dx = ctx.EmptyGrad(0);
      RunForward(dy, weight_.Get(), {}, size_, dx);
      ctx.SetGrad(0, dx);
    }
    if (ctx.needs(1)) {
      const Tensor dw = ctx.EmptyGrad(1);
      RunWeightGradient(dy, image_.Get(), size_, dw);
      ctx.SetGrad(1, dw);
    }
    FusedTermsVjp(ctx);
  }
};

// dw = W(x, dy).
class Conv2dWeightGradientNode final : public NodeOf<Conv2dWeightGradientNode> {
 public:
  static constexpr char kName[] = "Conv2dWeightGradient";
  Conv2dWeightGradientNode(const Tensor& x, const Tensor& dy, const ConvSize& s)
      : x_(this, x), dy_(this, dy), size_(s) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor w = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, InputGradient(dy_.Get(), w, {}, size_));
    if (ctx.needs(1)) ctx.SetGrad(1, Forward(x_.Get(), w, {}, size_));
  }

  bool Jvp(JvpContext& ctx) override {
    Tensor tangent;
    if (ctx.has_tangent(0)) tangent = WeightGradient(ctx.tangent(0), dy_.Get(), size_);
    if (ctx.has_tangent(1)) {
      tangent = SumOf(tangent, WeightGradient(x_.Get(), ctx.tangent(1), size_));
    }
    ctx.SetTangent(0, tangent);
    return true;
  }

 private:
  SavedTensor x_, dy_;
  ConvSize size_;
};

template <class NodeType>
Tensor RecordConv(const Tensor& result, const Tensor& image, const Tensor& w, const Terms& terms,
                  const ConvSize& s) {
  const Tensor* inputs[] = {&image, &w, &terms.bias, &terms.shift, &terms.residual};
  size_t count = 5;
  while (!inputs[count - 1]->defined()) --count;
  return Record<NodeType>(result, std::span<const Tensor* const>(inputs, count), image, w, s);
}

Tensor Forward(const Tensor& x, const Tensor& w, const Terms& terms, const ConvSize& s) {
  const OpScope scope("Conv2d", {&x, &w, &terms.bias, &terms.shift, &terms.residual});
  const Tensor y = Tensor::Empty({s.batch, s.out_height, s.out_width, s.out_channels}, x.dtype());
  RunForward(x, w, terms, s, y);
  return RecordConv<Conv2dNode>(y, x, w, terms, s);
}

Tensor InputGradient(const Tensor& dy, const Tensor& w, const Terms& terms, const ConvSize& s) {
  const OpScope scope("ConvTranspose2d", {&dy, &w, &terms.bias});
  const Tensor dx = Tensor::Empty({s.batch, s.height, s.width, s.channels}, dy.dtype());
  RunInputGradient(dy, w, terms, s, dx);
  return RecordConv<ConvTranspose2dNode>(dx, dy, w, terms, s);
}

Tensor WeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s) {
  const OpScope scope("Conv2dWeightGradient", {&x, &dy});
  const Tensor dw =
      Tensor::Empty({s.out_channels, s.kernel_height, s.kernel_width, s.group_channels()},
                    ParameterDType(x.dtype()));
  RunWeightGradient(x, dy, s, dw);
  return Record<Conv2dWeightGradientNode>(dw, {&x, &dy}, x, dy, s);
}

}  // namespace

Tensor Conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options, const ConvAddends& addends) {
  const ConvSize size = internal::Conv2dSize(x, weight, bias, options);
  internal::CheckConvAddends(size, x, weight, addends.shift, addends.residual);
  return Forward(x, weight, {bias, addends.shift, addends.residual}, size);
}

Tensor ConvTranspose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const ConvTranspose2dOptions& options) {
  return InputGradient(x, weight, {bias, {}, {}},
                       internal::ConvTranspose2dSize(x, weight, bias, options));
}

}  // namespace autograd
