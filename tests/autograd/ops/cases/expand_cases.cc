#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/identity.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

Reference ExpandReference(const Shape& to) {
  return [to](const std::vector<Array>& in) {
    Array out{to, {}};
    ForEachIndex(to, [&](const Dims& index) {
      out.values.push_back(in[0].values[static_cast<size_t>(Position(in[0].shape, index))]);
    });
    return std::vector<Array>{out};
  };
}

Reference SumToReference(const Shape& to) {
  return [to](const std::vector<Array>& in) {
    Array out{to, std::vector<double>(static_cast<size_t>(to.numel()))};
    size_t i = 0;
    ForEachIndex(in[0].shape, [&](const Dims& index) {
      out.values[static_cast<size_t>(Position(to, index))] += in[0].values[i++];
    });
    return std::vector<Array>{out};
  };
}

}  // namespace

std::vector<OpCase> ExpandCases() {
  return {
      {.name = "Identity",
       .function = Unary(Identity),
       .inputs = {{{2, 3}}},
       .reference = ElementwiseReference([](double x) { return x; }),
       .is_view = true,
       .cannot_fail = true},
      {.name = "Expand",
       .function = Unary([](const Tensor& x) {
         return Expand(x, {2, 3, 4});
       }),
       .inputs = {{{3, 1}}},
       .reference = ExpandReference({2, 3, 4}),
       .misuses = {{[] {
                      Expand(Ones({2, 3}), {3, 3});
                    },
                    {"Expand", "[2, 3] f32", "[3, 3]"}}},
       .is_view = true},
      {.name = "SumTo/middle",
       .function = Unary([](const Tensor& x) {
         return SumTo(x, {2, 1, 2});
       }),
       .inputs = {{{2, 3, 2}}},
       .reference = SumToReference({2, 1, 2}),
       .misuses = {{[] {
                      SumTo(Ones({2, 3}), {2});
                    },
                    {"SumTo", "[2, 3] f32", "[2]"}},
                   {[] {
                      SumTo(Ones({2, 3}, DType::kI32), {3});
                    },
                    {"SumTo", "[2, 3] i32"}}}},
      {.name = "SumTo/leading",
       .function = Unary([](const Tensor& x) { return SumTo(x, Shape{x.size(-1)}); }),
       .inputs = {{{4, 3}}},
       .reference = SumToReference({3}),
       .large = {{700, 129}}},
  };
}

}  // namespace autograd::testing
