#include "autograd/ops/activation.h"

#include <numbers>
#include <stdexcept>
#include <string>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/compare.h"
#include "autograd/ops/select.h"
#include "autograd/ops/unary.h"
#include "autograd/ops/unary_op.h"

namespace autograd {
namespace {

using internal::ApplyUnary;
using internal::KernelRule;
using kernels::UnaryOp;

constexpr double kSeluScale = kernels::kSeluScale;
constexpr double kSeluScaledAlpha = kernels::kSeluScale * kernels::kSeluAlpha;
constexpr double kInvSqrt2Pi = 0.39894228040143267794;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kGeluCubic = 0.044715;

struct TanhRule : KernelRule<UnaryOp::kTanh, 4> {
  static constexpr char kName[] = "Tanh";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (1.0 - Square(y)); }
};

struct SigmoidRule : KernelRule<UnaryOp::kSigmoid, 4> {
  static constexpr char kName[] = "Sigmoid";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (y * (1.0 - y)); }
};

struct SoftplusRule : KernelRule<UnaryOp::kSoftplus, 8> {
  static constexpr char kName[] = "Softplus";
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Sigmoid(x); }
};

struct ReluRule : KernelRule<UnaryOp::kRelu, 1> {
  static constexpr char kName[] = "Relu";
  Tensor Chain(const Tensor& g, const Tensor& y) const { return Where(LessEqual(y, 0), 0, g); }
};

struct LeakyReluRule : KernelRule<UnaryOp::kLeakyRelu, 1> {
  static constexpr char kName[] = "LeakyRelu";
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    return Where(Greater(x, 0), g, g * parameter);
  }
};

// scale * (x > 0 ? x : alpha (e^x - 1)); the sign of y is that of x, and scale alpha e^x = y +
// scale alpha.
struct EluRule : KernelRule<UnaryOp::kElu, 4> {
  static constexpr char kName[] = "Elu";
  Tensor Chain(const Tensor& g, const Tensor& y) const {
    return Where(Greater(y, 0), g, g * (y + parameter));
  }
};

struct SeluRule : KernelRule<UnaryOp::kSelu, 4> {
  static constexpr char kName[] = "Selu";
  Tensor Chain(const Tensor& g, const Tensor& y) const {
    return Where(Greater(y, 0), g * kSeluScale, g * (y + kSeluScaledAlpha));
  }
};

struct GeluErfRule : KernelRule<UnaryOp::kGeluErf, 8> {
  static constexpr char kName[] = "GeluErf";
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor cdf = Affine(Erf(x * (1 / std::numbers::sqrt2)), 0.5, 0.5);
    return g * (cdf + x * Exp(Square(x) * -0.5) * kInvSqrt2Pi);
  }
};

struct GeluTanhRule : KernelRule<UnaryOp::kGeluTanh, 8> {
  static constexpr char kName[] = "GeluTanh";
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor xx = Square(x);
    const Tensor t = Tanh(x * Affine(xx, kSqrt2OverPi * kGeluCubic, kSqrt2OverPi));
    const Tensor inner = Affine(xx, 3 * kSqrt2OverPi * kGeluCubic, kSqrt2OverPi);
    return g * ((t + 1.0) * 0.5 + x * (1.0 - Square(t)) * inner * 0.5);
  }
};

struct SiluRule : KernelRule<UnaryOp::kSilu, 4> {
  static constexpr char kName[] = "Silu";
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor s = Sigmoid(x);
    return g * (s * (x * (1.0 - s) + 1.0));
  }
};

}  // namespace

Tensor Tanh(const Tensor& x) { return ApplyUnary<TanhRule>(x); }
Tensor Sigmoid(const Tensor& x) { return ApplyUnary<SigmoidRule>(x); }
Tensor Softplus(const Tensor& x) { return ApplyUnary<SoftplusRule>(x); }
Tensor Relu(const Tensor& x) { return ApplyUnary<ReluRule>(x); }
Tensor LeakyRelu(const Tensor& x, double slope) { return ApplyUnary(x, LeakyReluRule{{slope}}); }
Tensor Elu(const Tensor& x, double alpha) {
  if (!(alpha >= 0)) {
    throw std::invalid_argument("Elu: wants alpha >= 0, got " + std::to_string(alpha) + " for " +
                                Describe(x));
  }
  return ApplyUnary(x, EluRule{{alpha}});
}
Tensor Selu(const Tensor& x) { return ApplyUnary<SeluRule>(x); }
Tensor GeluErf(const Tensor& x) { return ApplyUnary<GeluErfRule>(x); }
Tensor GeluTanh(const Tensor& x) { return ApplyUnary<GeluTanhRule>(x); }
Tensor Silu(const Tensor& x) { return ApplyUnary<SiluRule>(x); }

}  // namespace autograd
