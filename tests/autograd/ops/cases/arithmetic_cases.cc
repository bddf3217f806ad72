#include "autograd/ops/arithmetic.h"

#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

// What every operation of two tensors must refuse.
std::vector<Misuse> BinaryMisuses(const std::string& name,
                                  std::function<Tensor(const Tensor&, const Tensor&)> f) {
  return {
      {[f] {
         f(Ones({2, 3}), Ones({4}));
       },
       {name, "[2, 3]", "[4]"}},
      {[f] { f(Ones({2}), Ones({2}, DType::kF64)); }, {name, "[2] f32", "[2] f64"}},
      {[f] { f(Ones({2}, DType::kBool), Ones({2}, DType::kBool)); }, {name, "[2] bool"}},
  };
}

}  // namespace

std::vector<OpCase> ArithmeticCases() {
  return {
      {.name = "Add/broadcast",
       .function = Binary(Add),
       .inputs = {{{2, 3}}, {{3}}},
       .reference = ElementwiseReference([](double x, double y) { return x + y; }),
       .large = {{300, 257}, {257}},
       .misuses = BinaryMisuses("Add", Add)},
      {.name = "Sub/broadcast",
       .function = Binary(Sub),
       .inputs = {{{2, 1, 3}}, {{4, 1}}},
       .reference = ElementwiseReference([](double x, double y) { return x - y; }),
       .large = {{300, 1}, {257}},
       .misuses = BinaryMisuses("Sub", Sub)},
      {.name = "Mul/same",
       .function = Binary(Mul),
       .inputs = {{{5}}, {{5}}},
       .reference = ElementwiseReference([](double x, double y) { return x * y; }),
       .large = {{100003}, {100003}},
       .misuses = BinaryMisuses("Mul", Mul)},
      {.name = "Mul/scalar tensor",
       .function = Binary(Mul),
       .inputs = {{{2, 2}}, {{}}},
       .reference = ElementwiseReference([](double x, double y) { return x * y; })},
      {.name = "Div/broadcast",
       .function = Binary(Div),
       .inputs = {{{3, 1}}, {{2}, .5, 2}},
       .reference = ElementwiseReference([](double x, double y) { return x / y; }),
       .large = {{300, 1}, {257}},
       .misuses = BinaryMisuses("Div", Div),
       // Terms up to 16, each rounded three times, of which one of the gradients is a sum.
       .tolerance_bf16 = 6e-2},
      {.name = "Affine",
       .function = Unary([](const Tensor& x) { return Affine(x, -3, .5); }),
       .inputs = {{{2, 3}}},
       .reference = ElementwiseReference([](double x) { return -3 * x + .5; }),
       .large = {{100003}},
       .misuses = {{[] { Affine(Ones({2}, DType::kBool), 1, 1); }, {"Affine", "[2] bool"}}}},
  };
}

}  // namespace autograd::testing
