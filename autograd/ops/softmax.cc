#include "autograd/ops/softmax.h"

#include <cmath>
#include <limits>

#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/reduce_rows.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::ComputeDType;
using internal::DTypes;
using internal::MapRows;
using internal::ReducedAxes;
using internal::RowKernels;

// The fused rules: dx from the gradient and the output, by the kernel that pick(kernels) names.
template <class Pick>
Tensor RowGradient(const Tensor& g, const Tensor& y, int axis, Pick pick) {
  Tensor dx = Tensor::Empty(y.shape(), y.dtype());
  internal::Dispatch<DTypes::kFloating>(ComputeDType(y.dtype()), [&]<class T>(T) {
    const auto kernel = pick(RowKernels<T>());
    MapRows(dx, {&g, &y}, axis, [&](const void* const* in, void* out, int64_t rows, int64_t size) {
      kernel(static_cast<const T*>(in[0]), static_cast<const T*>(in[1]), static_cast<T*>(out), rows,
             size);
    });
  });
  return dx;
}

class SoftmaxNode final : public NodeOf<SoftmaxNode> {
 public:
  static constexpr char kName[] = "Softmax";
  SoftmaxNode(const Tensor& y, int axis) : y_(this, y, 0), axis_(axis) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Apply(ctx.grad())); }
  void FusedVjp(VjpContext& ctx) override {
    ctx.SetGrad(0, RowGradient(ctx.grad(), y_.Get(), axis_,
                               [](const auto& kernels) { return kernels.softmax_grad; }));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Apply(ctx.tangent()));
    return true;
  }

 private:
  // The Jacobian diag(y) - y y^T is symmetric.
  Tensor Apply(const Tensor& v) const {
    const Tensor y = y_.Get();
    return y * (v - Sum(v * y, {axis_}, true));
  }

  SavedTensor y_;
  int axis_;
};

class LogSoftmaxNode final : public NodeOf<LogSoftmaxNode> {
 public:
  static constexpr char kName[] = "LogSoftmax";
  LogSoftmaxNode(const Tensor& y, int axis) : y_(this, y, 0), axis_(axis) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, ctx.grad() - Exp(y_.Get()) * Sum(ctx.grad(), {axis_}, true));
  }
  void FusedVjp(VjpContext& ctx) override {
    ctx.SetGrad(0, RowGradient(ctx.grad(), y_.Get(), axis_,
                               [](const auto& kernels) { return kernels.log_softmax_grad; }));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, ctx.tangent() - Sum(Exp(y_.Get()) * ctx.tangent(), {axis_}, true));
    return true;
  }

 private:
  SavedTensor y_;
  int axis_;
};

class LogSumExpNode final : public NodeOf<LogSumExpNode> {
 public:
  static constexpr char kName[] = "LogSumExp";
  LogSumExpNode(const Tensor& x, const Tensor& y, const Dims& axes, bool keepdim)
      : x_(this, x), y_(this, y, 0), axes_(axes), keepdim_(keepdim) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, Reshape(ctx.grad(), Broadcastable()) * Weights());
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Sum(ctx.tangent() * Weights(), axes_, keepdim_));
    return true;
  }

 private:
  Shape Broadcastable() const {
    const Shape& shape = input_meta(0).shape;
    return ReducedAxes(kName, axes_, shape).Reduce(shape, true);
  }
  // The softmax of x.
  Tensor Weights() const { return Exp(x_.Get() - Reshape(y_.Get(), Broadcastable())); }

  SavedTensor x_, y_;
  Dims axes_;
  bool keepdim_;
};

// y with the rows of x along `axis` put through the kernel that pick(kernels) names.
template <class Pick>
Tensor RowFunction(const char* operation, const Tensor& x, int axis, Pick pick) {
  internal::CheckDTypes(operation, DTypes::kFloatingOrBf16, {&x});
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  internal::Dispatch<DTypes::kFloating>(ComputeDType(x.dtype()), [&]<class T>(T) {
    const auto kernel = pick(RowKernels<T>());
    MapRows(y, {&x}, axis, [&](const void* const* in, void* out, int64_t rows, int64_t size) {
      kernel(static_cast<const T*>(in[0]), static_cast<T*>(out), rows, size);
    });
  });
  return y;
}

// log(sum e^x) of part of a row as (max, sum e^(x - max)), so that parts can be combined.
struct ScaledSum {
  double max;
  double sum;
};

template <class T>
ScaledSum SumExpOf(const T* x, int64_t n) {
  if (n == 0) return {0, 0};
  const T max = RowKernels<T>().max(x, n);
  // An infinite maximum would meet itself in infinity - infinity.
  const T shift = std::isinf(max) ? T{0} : max;
  return {static_cast<double>(shift), RowKernels<T>().sum_exp(x, n, shift)};
}

ScaledSum CombineScaled(const ScaledSum* parts, int64_t count) {
  // Parts of -infinity alone say nothing, and their shift is arbitrary.
  ScaledSum all{-std::numeric_limits<double>::infinity(), 0};
  for (int64_t i = 0; i < count; ++i) {
    if (parts[i].sum != 0) all.max = std::fmax(all.max, parts[i].max);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (parts[i].sum != 0) all.sum += parts[i].sum * std::exp(parts[i].max - all.max);
  }
  return all.sum == 0 ? ScaledSum{0, 0} : all;
}

}  // namespace

Tensor Softmax(const Tensor& x, int64_t axis) {
  const OpScope scope("Softmax", {&x});
  internal::CheckDTypes("Softmax", DTypes::kFloatingOrBf16, {&x});
  const int along = NormalizeAxis("Softmax", axis, x.shape());
  const Tensor y =
      RowFunction("Softmax", x, along, [](const auto& kernels) { return kernels.softmax; });
  return Record<SoftmaxNode>(y, {&x}, y, along);
}

Tensor LogSoftmax(const Tensor& x, int64_t axis) {
  const OpScope scope("LogSoftmax", {&x});
  internal::CheckDTypes("LogSoftmax", DTypes::kFloatingOrBf16, {&x});
  const int along = NormalizeAxis("LogSoftmax", axis, x.shape());
  const Tensor y =
      RowFunction("LogSoftmax", x, along, [](const auto& kernels) { return kernels.log_softmax; });
  return Record<LogSoftmaxNode>(y, {&x}, y, along);
}

Tensor LogSumExp(const Tensor& x, const Dims& axes, bool keepdim) {
  const OpScope scope("LogSumExp", {&x});
  internal::CheckDTypes("LogSumExp", DTypes::kFloatingOrBf16, {&x});
  const ReducedAxes reduced("LogSumExp", axes, x.shape());
  const Tensor sums = Tensor::Empty(reduced.Reduce(x.shape(), keepdim), ComputeDType(x.dtype()));
  const internal::Folded folded = internal::FoldToRows(x, reduced);
  internal::Dispatch<DTypes::kFloating>(sums.dtype(), [&]<class T>(T) {
    internal::ReduceRows<ScaledSum>(folded.dense.raw<T>(), folded.outer, folded.count, SumExpOf<T>,
                                    CombineScaled, [&](int64_t row, const ScaledSum& all) {
                                      sums.raw<T>()[row] =
                                          static_cast<T>(all.max + std::log(all.sum));
                                    });
  });
  const Tensor y = internal::CastCopy(sums, x.dtype());
  return Record<LogSumExpNode>(y, {&x}, x, y, axes, keepdim);
}

}  // namespace autograd
