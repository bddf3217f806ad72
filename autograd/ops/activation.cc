#include "autograd/ops/activation.h"

#include <cmath>
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
using internal::Map;
using internal::Saves;
using internal::UnaryRule;

constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kInvSqrt2Pi = 0.39894228040143267794;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kGeluCubic = 0.044715;

template <class T>
T SigmoidOf(T x) {
  return 1 / (1 + std::exp(-x));
}

struct TanhRule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Tanh";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return std::tanh(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (1.0 - Square(y)); }
  template <class T>
  void Backward(int64_t n, const T* g, const T* y, T* dx) const {
    Map(n, g, y, dx, [](T d, T v) { return d * (1 - v * v); });
  }
};

struct SigmoidRule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Sigmoid";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, SigmoidOf<T>);
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return g * (y * (1.0 - y)); }
  template <class T>
  void Backward(int64_t n, const T* g, const T* y, T* dx) const {
    Map(n, g, y, dx, [](T d, T v) { return d * (v * (1 - v)); });
  }
};

struct SoftplusRule : UnaryRule<Saves::kInput, 8> {
  static constexpr char kName[] = "Softplus";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    // exp never overflows this way, and log1p keeps what is small.
    Map(n, x, y, [](T v) { return (v > 0 ? v : v * 0) + std::log1p(std::exp(-std::abs(v))); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const { return g * Sigmoid(x); }
  template <class T>
  void Backward(int64_t n, const T* g, const T* x, T* dx) const {
    Map(n, g, x, dx, [](T d, T v) { return d * SigmoidOf(v); });
  }
};

struct ReluRule : UnaryRule<Saves::kOutput, 1> {
  static constexpr char kName[] = "Relu";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return v < 0 ? T{0} : v; });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const { return Where(LessEqual(y, 0), 0, g); }
  template <class T>
  void Backward(int64_t n, const T* g, const T* y, T* dx) const {
    Map(n, g, y, dx, [](T d, T v) { return v <= 0 ? T{0} : d; });
  }
};

struct LeakyReluRule : UnaryRule<Saves::kInput, 1> {
  double slope;

  static constexpr char kName[] = "LeakyRelu";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [s = static_cast<T>(slope)](T v) { return v > 0 ? v : v * s; });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    return Where(Greater(x, 0), g, g * slope);
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* x, T* dx) const {
    Map(n, g, x, dx, [s = static_cast<T>(slope)](T d, T v) { return v > 0 ? d : d * s; });
  }
};

// scale * (x > 0 ? x : alpha (e^x - 1)); the sign of y is that of x, and scale alpha e^x = y +
// scale alpha.
struct EluRule : UnaryRule<Saves::kOutput, 4> {
  double alpha;

  static constexpr char kName[] = "Elu";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [a = static_cast<T>(alpha)](T v) { return v > 0 ? v : a * std::expm1(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const {
    return Where(Greater(y, 0), g, g * (y + alpha));
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* y, T* dx) const {
    Map(n, g, y, dx, [a = static_cast<T>(alpha)](T d, T v) { return v > 0 ? d : d * (v + a); });
  }
};

struct SeluRule : UnaryRule<Saves::kOutput, 4> {
  static constexpr char kName[] = "Selu";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) {
      return v > 0 ? static_cast<T>(kSeluScale) * v
                   : static_cast<T>(kSeluScale * kSeluAlpha) * std::expm1(v);
    });
  }
  Tensor Chain(const Tensor& g, const Tensor& y) const {
    return Where(Greater(y, 0), g * kSeluScale, g * (y + kSeluScale * kSeluAlpha));
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* y, T* dx) const {
    Map(n, g, y, dx, [](T d, T v) {
      return v > 0 ? d * static_cast<T>(kSeluScale)
                   : d * (v + static_cast<T>(kSeluScale * kSeluAlpha));
    });
  }
};

struct GeluErfRule : UnaryRule<Saves::kInput, 8> {
  static constexpr char kName[] = "GeluErf";
  template <class T>
  static T Cdf(T x) {
    return std::erfc(-x * static_cast<T>(1 / std::numbers::sqrt2)) / 2;
  }
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return v * Cdf(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor cdf = Affine(Erf(x * (1 / std::numbers::sqrt2)), 0.5, 0.5);
    return g * (cdf + x * Exp(Square(x) * -0.5) * kInvSqrt2Pi);
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* x, T* dx) const {
    Map(n, g, x, dx, [](T d, T v) {
      return d * (Cdf(v) + v * std::exp(v * v / -2) * static_cast<T>(kInvSqrt2Pi));
    });
  }
};

struct GeluTanhRule : UnaryRule<Saves::kInput, 8> {
  static constexpr char kName[] = "GeluTanh";
  template <class T>
  static T TanhPart(T x) {
    return std::tanh(static_cast<T>(kSqrt2OverPi) * (x + static_cast<T>(kGeluCubic) * x * x * x));
  }
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return v / 2 * (1 + TanhPart(v)); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor xx = Square(x);
    const Tensor t = Tanh(x * Affine(xx, kSqrt2OverPi * kGeluCubic, kSqrt2OverPi));
    const Tensor inner = Affine(xx, 3 * kSqrt2OverPi * kGeluCubic, kSqrt2OverPi);
    return g * ((t + 1.0) * 0.5 + x * (1.0 - Square(t)) * inner * 0.5);
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* x, T* dx) const {
    Map(n, g, x, dx, [](T d, T v) {
      const T t = TanhPart(v);
      const T inner = static_cast<T>(kSqrt2OverPi) * (1 + 3 * static_cast<T>(kGeluCubic) * v * v);
      return d * ((1 + t) / 2 + v * (1 - t * t) * inner / 2);
    });
  }
};

struct SiluRule : UnaryRule<Saves::kInput, 4> {
  static constexpr char kName[] = "Silu";
  template <class T>
  void Forward(int64_t n, const T* x, T* y) const {
    Map(n, x, y, [](T v) { return v * SigmoidOf(v); });
  }
  Tensor Chain(const Tensor& g, const Tensor& x) const {
    const Tensor s = Sigmoid(x);
    return g * (s * (x * (1.0 - s) + 1.0));
  }
  template <class T>
  void Backward(int64_t n, const T* g, const T* x, T* dx) const {
    Map(n, g, x, dx, [](T d, T v) {
      const T s = SigmoidOf(v);
      return d * (s * (1 + v * (1 - s)));
    });
  }
};

}  // namespace

Tensor Tanh(const Tensor& x) { return ApplyUnary<TanhRule>(x); }
Tensor Sigmoid(const Tensor& x) { return ApplyUnary<SigmoidRule>(x); }
Tensor Softplus(const Tensor& x) { return ApplyUnary<SoftplusRule>(x); }
Tensor Relu(const Tensor& x) { return ApplyUnary<ReluRule>(x); }
Tensor LeakyRelu(const Tensor& x, double slope) { return ApplyUnary(x, LeakyReluRule{{}, slope}); }
Tensor Elu(const Tensor& x, double alpha) {
  if (!(alpha >= 0)) {
    throw std::invalid_argument("Elu: wants alpha >= 0, got " + std::to_string(alpha) + " for " +
                                Describe(x));
  }
  return ApplyUnary(x, EluRule{{}, alpha});
}
Tensor Selu(const Tensor& x) { return ApplyUnary<SeluRule>(x); }
Tensor GeluErf(const Tensor& x) { return ApplyUnary<GeluErfRule>(x); }
Tensor GeluTanh(const Tensor& x) { return ApplyUnary<GeluTanhRule>(x); }
Tensor Silu(const Tensor& x) { return ApplyUnary<SiluRule>(x); }

}  // namespace autograd
