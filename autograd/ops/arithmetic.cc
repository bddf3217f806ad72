#include "autograd/ops/arithmetic.h"

#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/ops/expand.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::ElementwiseArg;
using internal::ElementwiseLoop;

// Throws unless the operands have one arithmetic dtype.
void CheckArithmetic(const char* operation, const Tensor& a, const Tensor& b) {
  const DType dtype = a.dtype();
  const bool arithmetic =
      dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kI32 || dtype == DType::kI64;
  if (dtype == b.dtype() && arithmetic) return;
  throw std::invalid_argument(std::string(operation) +
                              ": wants two tensors of one dtype among "
                              "f32, f64, i32 and i64, got " +
                              Describe(a) + " and " + Describe(b));
}

template <class Function>
void Loop(DType dtype, Tensor& y, std::span<const Tensor* const> inputs, Function function) {
  ElementwiseLoop(y, inputs, [&](int64_t n, void* out, const ElementwiseArg* args) {
    const auto run = [&]<class T>(T* to) {
      const T* a = args[0].as<T>();
      const T* b = args[1].as<T>();
      const int64_t step_a = args[0].scalar ? 0 : 1, step_b = args[1].scalar ? 0 : 1;
      for (int64_t i = 0; i < n; ++i) to[i] = function(a[i * step_a], b[i * step_b]);
    };
    switch (dtype) {
      case DType::kF32:
        return run(static_cast<float*>(out));
      case DType::kF64:
        return run(static_cast<double*>(out));
      case DType::kI32:
        return run(static_cast<int32_t*>(out));
      default:
        return run(static_cast<int64_t*>(out));
    }
  });
}

template <class Function>
Tensor Binary(const char* operation, const Tensor& a, const Tensor& b, Function function) {
  CheckArithmetic(operation, a, b);
  Tensor y = Tensor::Empty(BroadcastShapes(operation, a.shape(), b.shape()), a.dtype());
  const Tensor* inputs[] = {&a, &b};
  Loop(a.dtype(), y, inputs, function);
  return y;
}

class AddNode final : public NodeOf<AddNode> {
 public:
  static constexpr char kName[] = "Add";
  AddNode(const Shape& a, const Shape& b) : a_(a), b_(b) {}
  void Vjp(VjpContext& ctx) override {
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(ctx.grad(), a_));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(ctx.grad(), b_));
  }

 private:
  Shape a_, b_;
};

class MulNode final : public NodeOf<MulNode> {
 public:
  static constexpr char kName[] = "Mul";
  MulNode(const Tensor& a, const Tensor& b) : a_(this, a), b_(this, b) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor a = a_.Get(), b = b_.Get();
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(ctx.grad() * b, a.shape()));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(ctx.grad() * a, b.shape()));
  }
  bool Jvp(JvpContext& ctx) override {
    const Tensor a = a_.Get(), b = b_.Get();
    Tensor tangent;
    if (ctx.has_tangent(0)) tangent = ctx.tangent(0) * b;
    if (ctx.has_tangent(1)) {
      const Tensor second = a * ctx.tangent(1);
      tangent = tangent.defined() ? tangent + second : second;
    }
    ctx.SetTangent(0, tangent);
    return true;
  }

 private:
  SavedTensor a_, b_;
};

class SubNode final : public NodeOf<SubNode> {
 public:
  static constexpr char kName[] = "Sub";
  SubNode(const Shape& a, const Shape& b) : a_(a), b_(b) {}
  void Vjp(VjpContext& ctx) override {
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(ctx.grad(), a_));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(-ctx.grad(), b_));
  }

 private:
  Shape a_, b_;
};

class DivNode final : public NodeOf<DivNode> {
 public:
  static constexpr char kName[] = "Div";
  DivNode(const Tensor& a, const Tensor& b) : a_(this, a), b_(this, b) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor a = a_.Get(), b = b_.Get();
    const Tensor scaled = ctx.grad() / b;
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(scaled, a.shape()));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(-(scaled * a / b), b.shape()));
  }

 private:
  SavedTensor a_, b_;
};

class AffineNode final : public NodeOf<AffineNode> {
 public:
  static constexpr char kName[] = "Affine";
  explicit AffineNode(double a) : a_(a) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Affine(ctx.grad(), a_, 0)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Affine(ctx.tangent(), a_, 0));
    return true;
  }

 private:
  double a_;
};

}  // namespace

Tensor Add(const Tensor& a, const Tensor& b) {
  const OpScope scope("Add", {&a, &b});
  return Record<AddNode>(Binary("Add", a, b, [](auto x, auto y) { return x + y; }), {&a, &b},
                         a.shape(), b.shape());
}

Tensor Mul(const Tensor& a, const Tensor& b) {
  const OpScope scope("Mul", {&a, &b});
  return Record<MulNode>(Binary("Mul", a, b, [](auto x, auto y) { return x * y; }), {&a, &b}, a, b);
}

Tensor Sub(const Tensor& a, const Tensor& b) {
  const OpScope scope("Sub", {&a, &b});
  return Record<SubNode>(Binary("Sub", a, b, [](auto x, auto y) { return x - y; }), {&a, &b},
                         a.shape(), b.shape());
}

Tensor Div(const Tensor& a, const Tensor& b) {
  const OpScope scope("Div", {&a, &b});
  const auto divide = [](auto x, auto y) {
    if constexpr (std::is_integral_v<decltype(x)>) {
      return y == 0    ? decltype(x){0}
             : y == -1 ? static_cast<decltype(x)>(0 - x)
                       : static_cast<decltype(x)>(x / y);
    } else {
      return x / y;
    }
  };
  return Record<DivNode>(Binary("Div", a, b, divide), {&a, &b}, a, b);
}

Tensor Neg(const Tensor& x) { return Affine(x, -1, 0); }

Tensor Affine(const Tensor& x, double a, double b) {
  const OpScope scope("Affine", {&x});
  CheckArithmetic("Affine", x, x);
  Tensor y = Tensor::Empty(x.shape(), x.dtype());
  const Tensor* inputs[] = {&x, &x};
  Loop(x.dtype(), y, inputs, [a, b](auto value, auto) {
    using T = decltype(value);
    return static_cast<T>(static_cast<T>(a) * value + static_cast<T>(b));
  });
  return Record<AffineNode>(y, {&x}, a);
}

Tensor operator/(const Tensor& x, double a) { return Affine(x, 1 / a, 0); }
Tensor operator/(double a, const Tensor& x) { return Div(Full({}, a, x.dtype()), x); }

}  // namespace autograd
