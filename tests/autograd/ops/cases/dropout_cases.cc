#include "autograd/ops/dropout.h"

#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

OpCase DropoutCase(const std::string& name, const Shape& shape, double p) {
  return {.name = "Dropout/" + name,
          .function = Unary([p](const Tensor& x) {
            Generator generator(5, 1);
            return Dropout(x, p, generator);
          }),
          .inputs = {{shape}},
          .reference = [p](const std::vector<Array>& in) {
            Generator generator(5, 1);
            const Tensor kept = Bernoulli(1 - p, in[0].shape, generator);
            Array out = in[0];
            for (size_t i = 0; i < out.values.size(); ++i) {
              out.values[i] = kept.raw<bool>()[i] ? out.values[i] / (1 - p) : 0;
            }
            return std::vector<Array>{out};
          }};
}

}  // namespace

std::vector<OpCase> DropoutCases() {
  std::vector<OpCase> cases = {
      DropoutCase("half", {3, 4, 5}, .5),
      DropoutCase("few", {70}, .1),
      DropoutCase("none", {6}, 0),
      DropoutCase("all", {6}, 1),
  };
  cases[0].large = {{30, 70, 35}};
  cases[0].misuses = {{[] {
                         Generator generator;
                         Dropout(Ones({2}), 1.5, generator);
                       },
                       {"Dropout", "1.5", "[2] f32"}},
                      {[] {
                         Generator generator;
                         Dropout(Ones({2}, DType::kI64), .5, generator);
                       },
                       {"Dropout", "i64"}}};
  return cases;
}

}  // namespace autograd::testing
