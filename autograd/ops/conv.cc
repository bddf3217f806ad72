#include "autograd/ops/conv.h"

#include "autograd/kernels/conv.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/conv_size.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using kernels::ConvSize;

// The three bilinear operations; `s` is the same in a convolution and its gradients.
Tensor Forward(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSize& s);
Tensor InputGradient(const Tensor& dy, const Tensor& w, const Tensor& bias, const ConvSize& s);
Tensor WeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s);

// run(float()) or run(double()).
template <class Run>
void WithType(const Tensor& x, Run run) {
  x.dtype() == DType::kF32 ? run(float()) : run(double());
}

template <class T>
kernels::ConvEpilogue<T> Epilogue(const Tensor& bias) {
  return {bias.defined() ? bias.raw<T>() : nullptr};
}

// The kernels behind the operations, for any strides; `to` is dense.
void RunForward(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSize& s,
                const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(x), weight = Contiguous(w);
  const Tensor offset = bias.defined() ? Contiguous(bias) : Tensor();
  WithType(x, [&]<class T>(T) {
    kernels::ConvForward(s, image.raw<T>(), weight.raw<T>(), Epilogue<T>(offset), to.raw<T>());
  });
}

void RunInputGradient(const Tensor& dy, const Tensor& w, const Tensor& bias, const ConvSize& s,
                      const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(dy), weight = Contiguous(w);
  const Tensor offset = bias.defined() ? Contiguous(bias) : Tensor();
  WithType(dy, [&]<class T>(T) {
    kernels::ConvInputGradient(s, image.raw<T>(), weight.raw<T>(), Epilogue<T>(offset),
                               to.raw<T>());
  });
}

void RunWeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s, const Tensor& to) {
  const NoGrad guard;
  const Tensor image = Contiguous(x), gradient = Contiguous(dy);
  WithType(x, [&]<class T>(T) {
    kernels::ConvWeightGradient(s, image.raw<T>(), gradient.raw<T>(), to.raw<T>());
  });
}

void RunBiasGradient(const Tensor& dy, const Tensor& to) {
  const NoGrad guard;
  const Tensor gradient = Contiguous(dy);
  WithType(dy, [&]<class T>(T) {
    kernels::ConvBiasGradient(dy.shape()[0] * dy.shape()[1] * dy.shape()[2], dy.size(-1),
                              gradient.raw<T>(), to.raw<T>());
  });
}

// The sum of the terms that are there.
Tensor SumOf(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

// Inputs 0 and 1 are image and weight, 2 the bias.
template <class Derived>
class ConvNode : public NodeOf<Derived> {
 public:
  ConvNode(const Tensor& image, const Tensor& weight, const ConvSize& s)
      : image_(this, image), weight_(this, weight), size_(s) {}

  bool Jvp(JvpContext& ctx) override {
    Tensor tangent;
    if (ctx.has_tangent(0)) {
      tangent = Derived::Apply(ctx.tangent(0), weight_.Get(), Tensor(), size_);
    }
    if (ctx.has_tangent(1)) {
      tangent = SumOf(tangent, Derived::Apply(image_.Get(), ctx.tangent(1), Tensor(), size_));
    }
    if (this->edges().size() > 2 && ctx.has_tangent(2)) {
      const Tensor& bias = ctx.tangent(2);
      tangent = tangent.defined() ? tangent + bias : Expand(bias, this->output_meta(0).shape);
    }
    ctx.SetTangent(0, tangent);
    return true;
  }

 protected:
  void BiasVjp(VjpContext& ctx) const {
    if (this->edges().size() > 2 && ctx.needs(2)) {
      ctx.SetGrad(2, SumTo(ctx.grad(), this->input_meta(2).shape));
    }
  }
  void FusedBiasVjp(VjpContext& ctx) const {
    if (this->edges().size() < 3 || !ctx.needs(2)) return;
    const Tensor db = ctx.EmptyGrad(2);
    RunBiasGradient(ctx.grad(), db);
    ctx.SetGrad(2, db);
  }

  SavedTensor image_, weight_;
  ConvSize size_;
};

class Conv2dNode final : public ConvNode<Conv2dNode> {
 public:
  static constexpr char kName[] = "Conv2d";
  using ConvNode::ConvNode;
  static Tensor Apply(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSize& s) {
    return Forward(x, w, bias, s);
  }

  void Vjp(VjpContext& ctx) override {
    const Tensor dy = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, InputGradient(dy, weight_.Get(), Tensor(), size_));
    if (ctx.needs(1)) ctx.SetGrad(1, WeightGradient(image_.Get(), dy, size_));
    BiasVjp(ctx);
  }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor dy = Contiguous(ctx.grad());
    if (ctx.needs(0)) {
      const Tensor dx = ctx.EmptyGrad(0);
      RunInputGradient(dy, weight_.Get(), Tensor(), size_, dx);
      ctx.SetGrad(0, dx);
    }
    if (ctx.needs(1)) {
      const Tensor dw = ctx.EmptyGrad(1);
      RunWeightGradient(image_.Get(), dy, size_, dw);
      ctx.SetGrad(1, dw);
    }
    FusedBiasVjp(ctx);
  }
};

// y = I(x, w): the image is what a convolution calls dy.
class ConvTranspose2dNode final : public ConvNode<ConvTranspose2dNode> {
 public:
  static constexpr char kName[] = "ConvTranspose2d";
  using ConvNode::ConvNode;
  static Tensor Apply(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSize& s) {
    return InputGradient(x, w, bias, s);
  }

  void Vjp(VjpContext& ctx) override {
    const Tensor dy = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, Forward(dy, weight_.Get(), Tensor(), size_));
    if (ctx.needs(1)) ctx.SetGrad(1, WeightGradient(dy, image_.Get(), size_));
    BiasVjp(ctx);
  }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor dy = Contiguous(ctx.grad());
    if (ctx.needs(0)) {
      const Tensor dx = ctx.EmptyGrad(0);
      RunForward(dy, weight_.Get(), Tensor(), size_, dx);
      ctx.SetGrad(0, dx);
    }
    if (ctx.needs(1)) {
      const Tensor dw = ctx.EmptyGrad(1);
      RunWeightGradient(dy, image_.Get(), size_, dw);
      ctx.SetGrad(1, dw);
    }
    FusedBiasVjp(ctx);
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
    if (ctx.needs(0)) ctx.SetGrad(0, InputGradient(dy_.Get(), w, Tensor(), size_));
    if (ctx.needs(1)) ctx.SetGrad(1, Forward(x_.Get(), w, Tensor(), size_));
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
Tensor RecordConv(const Tensor& result, const Tensor& image, const Tensor& w, const Tensor& bias,
                  const ConvSize& s) {
  return bias.defined() ? Record<NodeType>(result, {&image, &w, &bias}, image, w, s)
                        : Record<NodeType>(result, {&image, &w}, image, w, s);
}

Tensor Forward(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSize& s) {
  const OpScope scope("Conv2d", {&x, &w, &bias});
  const Tensor y = Tensor::Empty({s.batch, s.out_height, s.out_width, s.out_channels}, x.dtype());
  RunForward(x, w, bias, s, y);
  return RecordConv<Conv2dNode>(y, x, w, bias, s);
}

Tensor InputGradient(const Tensor& dy, const Tensor& w, const Tensor& bias, const ConvSize& s) {
  const OpScope scope("ConvTranspose2d", {&dy, &w, &bias});
  const Tensor dx = Tensor::Empty({s.batch, s.height, s.width, s.channels}, dy.dtype());
  RunInputGradient(dy, w, bias, s, dx);
  return RecordConv<ConvTranspose2dNode>(dx, dy, w, bias, s);
}

Tensor WeightGradient(const Tensor& x, const Tensor& dy, const ConvSize& s) {
  const OpScope scope("Conv2dWeightGradient", {&x, &dy});
  const Tensor dw = Tensor::Empty(
      {s.out_channels, s.kernel_height, s.kernel_width, s.group_channels()}, x.dtype());
  RunWeightGradient(x, dy, s, dw);
  return Record<Conv2dWeightGradientNode>(dw, {&x, &dy}, x, dy, s);
}

}  // namespace

Tensor Conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  return Forward(x, weight, bias, internal::Conv2dSize(x, weight, bias, options));
}

Tensor ConvTranspose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const ConvTranspose2dOptions& options) {
  return InputGradient(x, weight, bias, internal::ConvTranspose2dSize(x, weight, bias, options));
}

}  // namespace autograd
