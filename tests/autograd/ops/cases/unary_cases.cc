#include "autograd/ops/unary.h"

#include "autograd/ops/activation.h"
#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

using TensorFunction = std::function<Tensor(const Tensor&)>;
using ScalarFunction = std::function<double(double)>;

struct Domain {
  double low = -2;
  double high = 2;
  std::vector<double> avoid = {};
};

OpCase Line(const std::string& name, const TensorFunction& f, const ScalarFunction& reference,
            const Domain& domain = {}) {
  // What the operation is called before a slash.
  const std::string operation = name.substr(0, name.find('/'));
  return {.name = name,
          .function = Unary(f),
          .inputs = {{{3, 7}, domain.low, domain.high, domain.avoid}},
          .reference = ElementwiseReference(reference),
          .large = {{131, 257}},
          .misuses = {{[f] { f(Ones({2}, DType::kBool)); }, {operation, "[2] bool"}},
                      {[f] { f(Tensor()); }, {operation, "undefined"}}}};
}

double Sigmoidal(double x) { return 1 / (1 + std::exp(-x)); }
double Cdf(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

}  // namespace

std::vector<OpCase> UnaryCases() {
  const auto power = [](double exponent) {
    return [exponent](const Tensor& x) { return Pow(x, exponent); };
  };
  const auto reference = [](double exponent) {
    return [exponent](double x) { return std::pow(x, exponent); };
  };
  return {
      Line("Abs", Abs, [](double x) { return std::abs(x); }, {-2, 2, {0}}),
      Line("Sign", Sign, [](double x) { return x > 0 ? 1. : -1.; }, {-2, 2, {0}}),
      Line("Exp", Exp, [](double x) { return std::exp(x); }),
      Line("Expm1", Expm1, [](double x) { return std::expm1(x); }),
      Line("Log", Log, [](double x) { return std::log(x); }, {.3, 3}),
      Line("Log1p", Log1p, [](double x) { return std::log1p(x); }, {-.5, 3}),
      Line("Sqrt", Sqrt, [](double x) { return std::sqrt(x); }, {.3, 3}),
      Line("Rsqrt", Rsqrt, [](double x) { return 1 / std::sqrt(x); }, {.3, 3}),
      Line("Square", Square, [](double x) { return x * x; }),
      Line("PowScalar/2.5", power(2.5), reference(2.5), {.3, 3}),
      Line("PowScalar/-1", power(-1), reference(-1), {.5, 3}),
      Line("PowScalar/0", power(0), reference(0)),
      Line("PowScalar/1", power(1), reference(1)),
      Line("PowScalar/2", power(2), reference(2)),
      Line("PowScalar/3", power(3), reference(3)),
      Line("Sin", Sin, [](double x) { return std::sin(x); }, {-4, 4}),
      Line("Cos", Cos, [](double x) { return std::cos(x); }, {-4, 4}),
      Line("Tan", Tan, [](double x) { return std::tan(x); }, {-1.2, 1.2}),
      Line("Erf", Erf, [](double x) { return std::erf(x); }),
  };
}

std::vector<OpCase> ActivationCases() {
  const auto elu = [](double alpha) {
    return [alpha](double x) { return x > 0 ? x : alpha * std::expm1(x); };
  };
  std::vector<OpCase> cases = {
      Line("Tanh", Tanh, [](double x) { return std::tanh(x); }),
      Line("Sigmoid", Sigmoid, Sigmoidal),
      Line("Softplus", Softplus, [](double x) { return std::log1p(std::exp(x)); }),
      Line("Relu", Relu, [](double x) { return x > 0 ? x : 0; }, {-2, 2, {0}}),
      Line(
          "LeakyRelu", [](const Tensor& x) { return LeakyRelu(x, .1); },
          [](double x) { return x > 0 ? x : .1 * x; }, {-2, 2, {0}}),
      Line("Elu", [](const Tensor& x) { return Elu(x); }, elu(1), {-3, 2, {0}}),
      Line("Elu/alpha", [](const Tensor& x) { return Elu(x, .5); }, elu(.5), {-3, 2, {0}}),
      Line("Selu", Selu,
           [elu](double x) { return 1.0507009873554805 * elu(1.6732632423543772)(x); },
           {-3, 2, {0}}),
      Line("GeluErf", GeluErf, [](double x) { return x * Cdf(x); }, {-3, 3}),
      Line("GeluTanh", GeluTanh,
           [](double x) {
             return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + .044715 * x * x * x)));
           },
           {-3, 3}),
      Line("Silu", Silu, [](double x) { return x * Sigmoidal(x); }, {-3, 3}),
  };
  for (OpCase& line : cases) {
    if (line.name == "Elu") {
      line.misuses.push_back({[] { Elu(Ones({2}), -1); }, {"Elu", "alpha", "-1"}});
    }
  }
  return cases;
}

}  // namespace autograd::testing
