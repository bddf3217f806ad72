#include "autograd/ops/shape.h"

#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/triangle.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

double ElementAt(const Array& array, const Dims& index) {
  return array.values[static_cast<size_t>(Position(array.shape, index))];
}

// The element of the only output at each index, from the inputs.
Reference Moved(const Shape& to,
                std::function<double(const std::vector<Array>&, const Dims& index)> element) {
  return [to, element](const std::vector<Array>& in) {
    Array out{to, {}};
    ForEachIndex(to, [&](const Dims& index) { out.values.push_back(element(in, index)); });
    return std::vector<Array>{out};
  };
}

Reference SameOrder(const Shape& to) {
  return [to](const std::vector<Array>& in) { return std::vector<Array>{{to, in[0].values}}; };
}

std::vector<OpCase> ReshapeCases() {
  return {
      {.name = "Reshape",
       .function = Unary([](const Tensor& x) {
         return Reshape(x, {4, -1});
       }),
       .inputs = {{{2, 3, 2}}},
       .reference = SameOrder({4, 3}),
       .large = {{100, 301, 4}},
       .misuses = {{[] {
                      Reshape(Ones({2, 3}), {4, -1});
                    },
                    {"Reshape", "[2, 3] f32", "[4, -1]"}},
                   {[] {
                      Squeeze(Ones({2, 3}), 0);
                    },
                    {"Squeeze", "axis 0", "[2, 3] f32"}},
                   {[] {
                      Unsqueeze(Ones({2, 3}), 3);
                    },
                    {"Unsqueeze", "axis 3", "[2, 3] f32"}},
                   {[] {
                      Flatten(Ones({2, 3}), 1, 0);
                    },
                    {"Flatten", "[2, 3] f32"}}}},
      {.name = "Reshape/transposed",
       .function = Unary([](const Tensor& x) { return Reshape(Transpose(x, 0, 1), {6}); }),
       .inputs = {{{2, 3}}},
       .reference = Moved({6},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[0], {i[0] % 2, i[0] / 2});
                          })},
      {.name = "Permute",
       .function = Unary([](const Tensor& x) {
         return Permute(x, {2, 0, -2});
       }),
       .inputs = {{{2, 3, 4}}},
       .reference = Moved({4, 2, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[0], {i[1], i[2], i[0]});
                          }),
       .misuses = {{[] {
                      Permute(Ones({2, 3}), {1, 1});
                    },
                    {"Permute", "[1, 1]", "[2, 3] f32"}},
                   {[] {
                      Transpose(Ones({2, 3}), 0, 2);
                    },
                    {"Transpose", "axis 2", "[2, 3]"}}},
       .is_view = true},
      {.name = "Contiguous",
       .function = Unary([](const Tensor& x) { return Contiguous(Transpose(x)); }),
       .inputs = {{{2, 3, 4}}},
       .reference = Moved({2, 4, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[0], {i[0], i[2], i[1]});
                          }),
       .large = {{3, 301, 203}},
       .cannot_fail = true},
  };
}

std::vector<OpCase> SliceCases() {
  return {
      {.name = "Slice",
       .function = Unary([](const Tensor& x) { return Slice(x, 1, 1, -1, 2); }),
       .inputs = {{{2, 7}}},
       .reference = Moved({2, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[0], {i[0], 1 + 2 * i[1]});
                          }),
       .large = {{301, 703}},
       .misuses = {{[] { Slice(Ones({4}), 0, 0, 4, 0); }, {"Slice", "step 0", "[4] f32"}},
                   {[] { Slice(Ones({4}), 1, 0); }, {"Slice", "axis 1", "[4]"}}}},
      {.name = "Slice/empty",
       .function = Unary([](const Tensor& x) { return Slice(x, 0, 2, 1); }),
       .inputs = {{{3, 2}}},
       .reference = Moved({0, 2}, [](const std::vector<Array>&, const Dims&) { return 0.0; })},
      {.name = "Select",
       .function = Unary([](const Tensor& x) { return Select(x, 1, -2); }),
       .inputs = {{{2, 3, 2}}},
       .reference = Moved({2, 2},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[0], {i[0], 1, i[1]});
                          }),
       .misuses = {{[] {
                      Select(Ones({2, 3}), 0, 2);
                    },
                    {"Select", "index 2", "[2, 3] f32"}}},
       .is_view = true},
      {.name = "EmbedSlice",
       .function = Unary([](const Tensor& x) { return EmbedSlice(x, 0, 8, 1, 3); }),
       .inputs = {{{3, 2}}},
       .reference = Moved({8, 2},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return i[0] % 3 == 1 ? ElementAt(in[0], {i[0] / 3, i[1]}) : 0;
                          }),
       .large = {{3, 50021}},
       .misuses = {{[] { EmbedSlice(Ones({3}), 0, 6, 0, 3); }, {"EmbedSlice", "[3] f32", "6"}}}},
  };
}

std::vector<OpCase> TriangleCases() {
  return {
      {.name = "Triu",
       .function = Unary([](const Tensor& x) { return Triu(x, -1); }),
       .inputs = {{{2, 4, 3}}},
       .reference = Moved({2, 4, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return i[2] - i[1] >= -1 ? ElementAt(in[0], i) : 0;
                          }),
       .large = {{3, 201, 203}},
       .misuses = {{[] { Triu(Ones({3})); }, {"Triu", "[3] f32"}}}},
      {.name = "Tril",
       .function = Unary([](const Tensor& x) { return Tril(x, 1); }),
       .inputs = {{{3, 4}}},
       .reference =
           Moved({3, 4}, [](const std::vector<Array>& in,
                            const Dims& i) { return i[1] - i[0] <= 1 ? ElementAt(in[0], i) : 0; }),
       .large = {{301, 203}},
       .misuses = {{[] { Tril(Ones({})); }, {"Tril", "[] f32"}}}},
  };
}

std::vector<OpCase> ConcatCases() {
  return {
      {.name = "Concat",
       .function = [](const std::vector<Tensor>& in) { return std::vector{Concat(in, 1)}; },
       .inputs = {{{2, 3}}, {{2, 0}}, {{2, 1}}},
       .reference = Moved({2, 4},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return i[1] < 3 ? ElementAt(in[0], i) : ElementAt(in[2], {i[0], 0});
                          }),
       .large = {{301, 203}, {301, 1}, {301, 104}},
       .misuses = {{[] { Concat({}); }, {"Concat", "no tensors"}},
                   {[] {
                      Concat({Ones({2, 3}), Ones({3, 3})}, 1);
                    },
                    {"Concat", "axis 1", "[2, 3] f32", "[3, 3] f32"}},
                   {[] {
                      Concat({Ones({2}), Ones({2}, DType::kF64)});
                    },
                    {"Concat", "[2] f32", "[2] f64"}},
                   {[] {
                      Stack({Ones({2}), Ones({3})});
                    },
                    {"Stack", "[2] f32", "[3] f32"}}}},
      {.name = "Concat/first axis",
       .function = [](const std::vector<Tensor>& in) { return std::vector{Concat(in)}; },
       .inputs = {{{2, 3}}, {{1, 3}}},
       .reference = Moved({3, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return i[0] < 2 ? ElementAt(in[0], i) : ElementAt(in[1], {0, i[1]});
                          }),
       .large = {{401, 203}, {3, 203}}},
      {.name = "Stack/middle",
       .function = [](const std::vector<Tensor>& in) { return std::vector{Stack(in, 1)}; },
       .inputs = {{{2, 3}}, {{2, 3}}},
       .reference = Moved({2, 2, 3},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[static_cast<size_t>(i[1])], {i[0], i[2]});
                          })},
      {.name = "Stack/last",
       .function = [](const std::vector<Tensor>& in) { return std::vector{Stack(in, -1)}; },
       .inputs = {{{2, 3}}, {{2, 3}}},
       .reference = Moved({2, 3, 2},
                          [](const std::vector<Array>& in, const Dims& i) {
                            return ElementAt(in[static_cast<size_t>(i[2])], {i[0], i[1]});
                          })},
      {.name = "Split",
       .function = [](const std::vector<Tensor>& in) { return Split(in[0], 2, 1); },
       .inputs = {{{2, 5}}},
       .reference =
           [](const std::vector<Array>& in) {
             std::vector<Array> parts = {{{2, 2}, {}}, {{2, 2}, {}}, {{2, 1}, {}}};
             ForEachIndex({2, 5}, [&](const Dims& i) {
               parts[static_cast<size_t>(i[1] / 2)].values.push_back(ElementAt(in[0], i));
             });
             return parts;
           },
       .misuses = {{[] {
                      SplitSizes(Ones({4}), {1, 2});
                    },
                    {"Split", "[1, 2]", "[4] f32"}},
                   {[] { Split(Ones({4}), 0); }, {"Split", "size 0", "[4] f32"}},
                   {[] { Chunk(Ones({4}), 0); }, {"Chunk", "[4] f32"}}},
       .is_view = true},
  };
}

}  // namespace

std::vector<OpCase> ShapeCases() {
  std::vector<OpCase> all;
  for (const auto& family : {ReshapeCases, SliceCases, ConcatCases, TriangleCases}) {
    for (OpCase& line : family()) all.push_back(std::move(line));
  }
  return all;
}

}  // namespace autograd::testing
