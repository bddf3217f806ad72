#include "autograd/ops/loss.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "autograd/kernels/binary.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/reduce_rows.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::RowKernels;

[[noreturn]] void ThrowMismatch(const char* operation, const char* wanted, const Tensor& a,
                                const Tensor& b) {
  throw std::invalid_argument(std::string(operation) + ": wants " + wanted + ", got " +
                              Describe(a) + " and " + Describe(b));
}

// Elements subtracted and then multiplied while they are in the first-level cache.
constexpr int64_t kBlock = 2048;

// Mean or sum of squared differences: y = scale sum (a - b)^2.
class MseLossNode final : public NodeOf<MseLossNode> {
 public:
  static constexpr char kName[] = "MseLoss";
  MseLossNode(const Tensor& a, const Tensor& b, double scale)
      : a_(this, a), b_(this, b), scale_(scale) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor slope = (a_.Get() - b_.Get()) * (ctx.grad() * (2 * scale_));
    if (ctx.needs(0)) ctx.SetGrad(0, slope);
    if (ctx.needs(1)) ctx.SetGrad(1, -slope);
  }

  void FusedVjp(VjpContext& ctx) override {
    const double factor = 2 * scale_ * ctx.grad().item();
    if (ctx.needs(0)) ctx.SetGrad(0, Slope(factor));
    if (ctx.needs(1)) ctx.SetGrad(1, Slope(-factor));
  }

  bool Jvp(JvpContext& ctx) override {
    Tensor difference;
    if (ctx.has_tangent(0)) difference = ctx.tangent(0);
    if (ctx.has_tangent(1)) {
      difference = difference.defined() ? difference - ctx.tangent(1) : -ctx.tangent(1);
    }
    ctx.SetTangent(0, Sum((a_.Get() - b_.Get()) * difference) * (2 * scale_));
    return true;
  }

 private:
  // factor (a - b)
  Tensor Slope(double factor) const {
    const Tensor a = a_.Get(), b = b_.Get();
    Tensor slope = Tensor::Empty(a.shape(), a.dtype());
    const Tensor* inputs[] = {&a, &b};
    internal::Dispatch<DTypes::kFloating>(a.dtype(), [&]<class T>(T) {
      const auto subtract = kernels::GetBinary<T>().Arithmetic(kernels::BinaryOp::kSub,
                                                               kernels::Operands::kArrayArray);
      const auto multiply = kernels::GetBinary<T>().Arithmetic(kernels::BinaryOp::kMul,
                                                               kernels::Operands::kArrayScalar);
      const T f = static_cast<T>(factor);
      const auto kernel = [&](int64_t n, void* out, const void* const* in) {
        const T* x = static_cast<const T*>(in[0]);
        const T* y = static_cast<const T*>(in[1]);
        T* to = static_cast<T*>(out);
        for (int64_t i = 0; i < n; i += kBlock) {
          const int64_t size = std::min(n - i, kBlock);
          subtract(x + i, y + i, to + i, size);
          multiply(to + i, &f, to + i, size);
        }
      };
      internal::DenseElementwiseLoop(slope, inputs, kernel);
    });
    return slope;
  }

  SavedTensor a_, b_;
  double scale_;
};

// One at the target of each row, zero elsewhere.
Tensor OneHot(const Tensor& target, const Shape& shape, DType dtype) {
  Tensor one_hot = Zeros(shape, dtype);
  const int64_t classes = shape[shape.rank() - 1];
  internal::Dispatch<DTypes::kFloating>(dtype, [&]<class T>(T) {
    for (int64_t row = 0; row < target.numel(); ++row) {
      one_hot.raw<T>()[row * classes + target.raw<int64_t>()[row]] = 1;
    }
  });
  return one_hot;
}

// The target as it is saved is dense i64 and was checked.
class CrossEntropyNode final : public NodeOf<CrossEntropyNode> {
 public:
  static constexpr char kName[] = "CrossEntropy";
  CrossEntropyNode(const Tensor& logits, const Tensor& target, double scale)
      : logits_(this, logits), target_(this, target), scale_(scale) {}

  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Residual() * RowGradients(ctx)); }

  void FusedVjp(VjpContext& ctx) override {
    const Tensor target = target_.Get(), logits = logits_.Get();
    const Tensor rows = Contiguous(Expand(RowGradients(ctx), RowShape()));
    const NoGrad guard;
    Tensor dx = Softmax(logits, -1);
    internal::Dispatch<DTypes::kFloating>(dx.dtype(), [&]<class T>(T) {
      const int64_t classes = dx.size(-1);
      internal::ForEachRow(target.numel(), classes, [&](int64_t row) {
        T* p = dx.raw<T>() + row * classes;
        const T g = rows.raw<T>()[row];
        p[target.raw<int64_t>()[row]] -= 1;
        for (int64_t i = 0; i < classes; ++i) p[i] *= g;
      });
    });
    ctx.SetGrad(0, dx);
  }

  bool Jvp(JvpContext& ctx) override {
    const Tensor rows = Sum(Residual() * ctx.tangent(), {-1});
    ctx.SetTangent(0, output_meta(0).shape.rank() < rows.rank() ? Sum(rows) * scale_ : rows);
    return true;
  }

 private:
  // The derivative of a row's loss by its logits: Softmax(logits) - one_hot(target).
  Tensor Residual() const {
    const Tensor logits = logits_.Get();
    return Softmax(logits, -1) - OneHot(target_.Get(), logits.shape(), logits.dtype());
  }
  // [..., 1]
  Shape RowShape() const {
    Shape shape = input_meta(0).shape;
    shape[shape.rank() - 1] = 1;
    return shape;
  }
  // The gradient of each row's loss, or of all alike: [..., 1] or [].
  Tensor RowGradients(const VjpContext& ctx) const {
    const Tensor g = ctx.grad() * scale_;
    return output_meta(0).shape.rank() + 1 == input_meta(0).shape.rank() ? Reshape(g, RowShape())
                                                                         : g;
  }

  SavedTensor logits_, target_;
  double scale_;
};

// The target as dense i64, or throws.
Tensor CheckedTarget(const Tensor& logits, const Tensor& target) {
  constexpr const char* kWanted =
      "f32 or f64 logits [..., classes] (Cast bf16 first) and i32 or i64 targets [...]";
  if (!logits.defined() || !target.defined() || logits.rank() == 0 ||
      !internal::Contains(DTypes::kFloating, logits.dtype()) ||
      (target.dtype() != DType::kI64 && target.dtype() != DType::kI32)) {
    ThrowMismatch("CrossEntropy", kWanted, logits, target);
  }
  Shape shape = logits.shape();
  shape.erase(shape.rank() - 1);
  if (target.shape() != shape) ThrowMismatch("CrossEntropy", kWanted, logits, target);
  const Tensor dense = Contiguous(Cast(target.Detach(), DType::kI64));
  const int64_t classes = logits.size(-1);
  for (int64_t row = 0; row < dense.numel(); ++row) {
    const int64_t value = dense.raw<int64_t>()[row];
    if (value >= 0 && value < classes) continue;
    throw std::invalid_argument("CrossEntropy: target " + std::to_string(value) + " at position " +
                                std::to_string(row) + " is not in [0, " + std::to_string(classes) +
                                ") for logits " + Describe(logits));
  }
  return dense;
}

double ScaleOf(Reduction reduction, int64_t n) {
  return reduction == Reduction::kMean ? 1 / static_cast<double>(n) : 1;
}

}  // namespace

Tensor MseLoss(const Tensor& input, const Tensor& target, Reduction reduction) {
  const OpScope scope("MseLoss", {&input, &target});
  internal::CheckDTypes("MseLoss", DTypes::kFloating, {&input, &target});
  if (input.shape() != target.shape()) {
    ThrowMismatch("MseLoss", "two tensors of one shape", input, target);
  }
  if (reduction == Reduction::kNone) return Square(input - target);
  const Tensor a = input.is_contiguous() ? input : internal::DenseCopy(input);
  const Tensor b = target.is_contiguous() ? target : internal::DenseCopy(target);
  const double scale = ScaleOf(reduction, a.numel());
  Tensor y = Tensor::Empty({}, a.dtype());
  internal::Dispatch<DTypes::kFloating>(a.dtype(), [&]<class T>(T) {
    const T* left = a.raw<T>();
    const auto piece = [&](const T* x, int64_t n) {
      return RowKernels<T>().squared_difference(x, b.raw<T>() + (x - left), n);
    };
    internal::ReduceRows<double>(
        left, 1, a.numel(), piece, RowKernels<double>().sum,
        [&](int64_t, double sum) { *y.raw<T>() = static_cast<T>(sum * scale); });
  });
  return Record<MseLossNode>(y, {&input, &target}, input, target, scale);
}

Tensor CrossEntropy(const Tensor& logits, const Tensor& target, Reduction reduction) {
  const OpScope scope("CrossEntropy", {&logits, &target});
  const Tensor classes = CheckedTarget(logits, target);
  Tensor losses = Tensor::Empty(target.shape(), logits.dtype());
  {
    const NoGrad guard;
    const Tensor x = Contiguous(logits), total = LogSumExp(logits, {-1});
    internal::Dispatch<DTypes::kFloating>(x.dtype(), [&]<class T>(T) {
      for (int64_t row = 0; row < losses.numel(); ++row) {
        losses.raw<T>()[row] =
            total.raw<T>()[row] - x.raw<T>()[row * x.size(-1) + classes.raw<int64_t>()[row]];
      }
    });
    if (reduction != Reduction::kNone) {
      losses = reduction == Reduction::kMean ? Mean(losses) : Sum(losses);
    }
  }
  return Record<CrossEntropyNode>(losses, {&logits}, logits, classes,
                                  ScaleOf(reduction, classes.numel()));
}

}  // namespace autograd
