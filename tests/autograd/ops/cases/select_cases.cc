#include "autograd/ops/select.h"

#include <numbers>

#include "autograd/ops/binary.h"
#include "autograd/ops/compare.h"
#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

// What every operation of two tensors must refuse; arithmetic, but not comparisons, bools too.
std::vector<Misuse> BinaryMisuses(const std::string& name,
                                  std::function<Tensor(const Tensor&, const Tensor&)> f,
                                  bool takes_bool = false) {
  std::vector<Misuse> misuses = {
      {[f] {
         f(Ones({2, 3}), Ones({4}));
       },
       {name, "[2, 3]", "[4]"}},
      {[f] { f(Ones({2}), Ones({2}, DType::kF64)); }, {name, "[2] f32", "[2] f64"}},
      {[f] { f(Ones({2}, DType::kBF16), Ones({2})); }, {name, "[2] bf16", "[2] f32"}},
  };
  if (!takes_bool) {
    misuses.push_back(
        {[f] { f(Ones({2}, DType::kBool), Ones({2}, DType::kBool)); }, {name, "[2] bool"}});
  }
  return misuses;
}

OpCase Comparison(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&),
                  std::function<double(double, double)> reference) {
  return {.name = name,
          .function = Binary(f),
          .inputs = {{.shape = {3, 5}, .low = 0, .high = 3, .dtype = DType::kI32},
                     {.shape = {5}, .low = 0, .high = 3, .dtype = DType::kI32}},
          .reference = ElementwiseReference(std::move(reference)),
          .large = {{131, 257}, {257}},
          .misuses = BinaryMisuses(name, f, true),
          .differentiable = false};
}

OpCase Logic(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&),
             std::function<double(double, double)> reference) {
  return {.name = name,
          .function = Binary(f),
          .inputs = {{.shape = {3, 5}, .low = 0, .high = 1, .dtype = DType::kBool},
                     {.shape = {5}, .low = 0, .high = 1, .dtype = DType::kBool}},
          .reference = ElementwiseReference(std::move(reference)),
          .large = {{131, 257}, {257}},
          .misuses = {{[f] { f(Ones({2}), Ones({2})); }, {name, "[2] f32", "bool"}}},
          .differentiable = false};
}

}  // namespace

std::vector<OpCase> CompareCases() {
  return {
      Comparison("Equal", Equal, [](double x, double y) { return x == y; }),
      Comparison("NotEqual", NotEqual, [](double x, double y) { return x != y; }),
      Comparison("Less", Less, [](double x, double y) { return x < y; }),
      Comparison("LessEqual", LessEqual, [](double x, double y) { return x <= y; }),
      Comparison("Greater", Greater, [](double x, double y) { return x > y; }),
      Comparison("GreaterEqual", GreaterEqual, [](double x, double y) { return x >= y; }),
      Logic("LogicalAnd", LogicalAnd, [](double x, double y) { return x != 0 && y != 0; }),
      Logic("LogicalOr", LogicalOr, [](double x, double y) { return x != 0 || y != 0; }),
      {.name = "LogicalNot",
       .function = Unary(LogicalNot),
       .inputs = {{.shape = {7}, .low = 0, .high = 1, .dtype = DType::kBool}},
       .reference = ElementwiseReference([](double x) { return x == 0; }),
       .large = {{33333}},
       .misuses = {{[] { LogicalNot(Ones({2})); }, {"LogicalNot", "[2] f32"}}},
       .differentiable = false},
      {.name = "Equal/floating-point",
       .function = Binary(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(Equal)),
       .inputs = {{{3, 5}, 1, 1.05}, {{5}, 1, 1.05}},
       .reference = ElementwiseReference([](double x, double y) { return x == y; }),
       .large = {{131, 257}, {257}},
       .differentiable = false},
      {.name = "Less/number",
       .function = Unary([](const Tensor& x) { return Less(x, .5); }),
       .inputs = {{{7}}},
       .reference = ElementwiseReference([](double x) { return x < .5; }),
       .large = {{33333}},
       .misuses = {{[] { Less(Ones({2}, DType::kI32), .5); }, {"0.5", "i32"}}},
       .differentiable = false},
  };
}

std::vector<OpCase> SelectCases() {
  return {
      {.name = "Where/broadcast",
       .function = Ternary(
           [](const Tensor& c, const Tensor& a, const Tensor& b) { return Where(c, a, b); }),
       .inputs = {{.shape = {3, 1}, .low = 0, .high = 1, .dtype = DType::kBool},
                  {{2, 1, 4}},
                  {{3, 4}}},
       .reference =
           ElementwiseReference([](double c, double a, double b) { return c != 0 ? a : b; }),
       .large = {{30, 1}, {20, 1, 200}, {30, 200}},
       .misuses = {{[] { Where(Ones({2}), Ones({2}), Ones({2})); }, {"Where", "[2] f32"}},
                   {[] { Where(Ones({2}, DType::kBool), Ones({2}), Ones({2}, DType::kF64)); },
                    {"Where", "[2] bool", "[2] f32", "[2] f64"}},
                   {[] { Where(Ones({2}, DType::kBool), Ones({3}), Ones({1})); },
                    {"Where", "[2]", "[3]"}}}},
      {.name = "Where/number",
       .function =
           Binary([](const Tensor& c, const Tensor& a) { return Where(c, Where(c, 5, a), 2); }),
       .inputs = {{.shape = {3, 4}, .low = 0, .high = 1, .dtype = DType::kBool}, {{4}}},
       .reference = ElementwiseReference([](double c, double) { return c != 0 ? 5 : 2; }),
       .large = {{131, 257}, {257}}},
      {.name = "Minimum",
       .function = Binary(Minimum),
       .inputs = {{{4, 5}}, {.shape = {5}, .low = 2.1, .high = -2.1}},
       .reference = ElementwiseReference([](double x, double y) { return x < y ? x : y; }),
       .large = {{131, 257}, {257}},
       .misuses = BinaryMisuses("Minimum", Minimum)},
      {.name = "Maximum",
       .function = Binary(Maximum),
       .inputs = {{{4, 1}}, {.shape = {5}, .low = 2.1, .high = -2.1}},
       .reference = ElementwiseReference([](double x, double y) { return x > y ? x : y; }),
       .large = {{131, 1}, {257}},
       .misuses = BinaryMisuses("Maximum", Maximum)},
      {.name = "Clamp",
       .function = Unary([](const Tensor& x) { return Clamp(x, -1, .5); }),
       .inputs = {{{4, 5}, -2, 2, {-1, .5}}},
       .reference = ElementwiseReference([](double x) { return x < -1   ? -1
                                                               : x > .5 ? .5
                                                                        : x; }),
       .large = {{131, 257}},
       .misuses = {{[] { Clamp(Ones({2}, DType::kBool), 0, 1); }, {"Clamp", "[2] bool"}}}},
  };
}

std::vector<OpCase> BinaryCases() {
  const auto power = static_cast<Tensor (*)(const Tensor&, const Tensor&)>(Pow);
  return {
      {.name = "Pow",
       .function = Binary(power),
       .inputs = {{{3, 4}, .3, 2}, {{4}}},
       .reference = ElementwiseReference([](double x, double y) { return std::pow(x, y); }),
       .large = {{90, 100}, {100}},
       .misuses = BinaryMisuses("Pow", power)},
      {.name = "Atan2",
       .function = Binary(Atan2),
       .inputs = {{{3, 4}, -2, 2, {0}}, {{4}, -2, 2, {0}}},
       .reference = ElementwiseReference([](double y, double x) { return std::atan2(y, x); }),
       .large = {{90, 100}, {100}},
       .misuses = BinaryMisuses("Atan2", Atan2)},
  };
}

}  // namespace autograd::testing
