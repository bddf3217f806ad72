#include "autograd/ops/index.h"

#include <algorithm>
#include <numeric>

#include "autograd/ops/creation.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/sort.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

double& ElementAt(Array& array, const Dims& index) {
  return array.values[static_cast<size_t>(Position(array.shape, index))];
}
double ElementAt(const Array& array, const Dims& index) {
  return array.values[static_cast<size_t>(Position(array.shape, index))];
}

Tensor Integers(std::vector<int64_t> values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())});
}

// The multi-index read by Gather along an axis for each multi-index of the result.
Dims Redirected(const Dims& at, int axis, const Array& index) {
  Dims to = at;
  to[axis] = static_cast<int64_t>(ElementAt(index, at));
  return to;
}

Reference GatherReference(int axis) {
  return [axis](const std::vector<Array>& in) {
    Array out{in[1].shape, {}};
    ForEachIndex(out.shape, [&](const Dims& at) {
      out.values.push_back(ElementAt(in[0], Redirected(at, axis, in[1])));
    });
    return std::vector<Array>{out};
  };
}

Reference ScatterAddReference(int axis) {
  return [axis](const std::vector<Array>& in) {
    Array out = in[0];
    ForEachIndex(in[2].shape, [&](const Dims& at) {
      ElementAt(out, Redirected(at, axis, in[1])) += ElementAt(in[2], at);
    });
    return std::vector<Array>{out};
  };
}

std::vector<OpCase> GatherCases() {
  const std::vector<Misuse> gather_misuses = {
      {[] {
         Gather(Ones({3}), 0, Integers({0, 3}));
       },
       {"Gather", "index 3", "[1]", "size 3"}},
      {[] { Gather(Ones({3}), 0, Integers({-1})); }, {"Gather", "index -1", "[0]", "size 3"}},
      {[] { Gather(Ones({3}), 0, Ones({1})); }, {"Gather", "[1] f32"}},
      {[] {
         Gather(Ones({3, 2}), 0, Integers({1}));
       },
       {"Gather", "[1] i64", "[3, 2] f32"}}};
  const std::vector<Misuse> scatter_misuses = {
      {[] {
         ScatterAdd(Ones({3}), 0, Integers({0, 3}), Ones({2}));
       },
       {"ScatterAdd", "index 3", "[1]", "size 3"}},
      {[] { ScatterAdd(Ones({3}), 0, Integers({0}), Ones({2})); },
       {"ScatterAdd", "[3] f32", "[2] f32", "[1]"}},
      {[] { ScatterAdd(Ones({3}), 0, Integers({0}), Ones({1}, DType::kF64)); },
       {"ScatterAdd", "[3] f32", "[1] f64"}},
      {[] {
         const Tensor flags = Ones({3}, DType::kBool);
         ScatterAdd(flags, 0, Integers({0, 1, 2}), flags);
       },
       {"ScatterAdd", "[3] bool"}}};
  return {
      {.name = "Gather/last",
       .function =
           [](const std::vector<Tensor>& in) { return std::vector{Gather(in[0], -1, in[1])}; },
       .inputs = {{{2, 4}}, {.shape = {2, 3}, .low = 0, .high = 3, .dtype = DType::kI64}},
       .reference = GatherReference(1),
       .large = {{251, 103}, {250, 301}},
       .misuses = gather_misuses},
      {.name = "Gather/middle i32",
       .function =
           [](const std::vector<Tensor>& in) { return std::vector{Gather(in[0], 1, in[1])}; },
       .inputs = {{{2, 3, 4}}, {.shape = {1, 5, 3}, .low = 0, .high = 2, .dtype = DType::kI32}},
       .reference = GatherReference(1),
       .large = {{20, 3, 140}, {20, 31, 139}}},
      {.name = "ScatterAdd/first",
       .function =
           [](const std::vector<Tensor>& in) {
             return std::vector{ScatterAdd(in[0], 0, in[1], in[2])};
           },
       .inputs = {{{3, 3}}, {.shape = {5, 2}, .low = 0, .high = 2, .dtype = DType::kI64}, {{5, 2}}},
       .reference = ScatterAddReference(0),
       .large = {{3, 301}, {201, 300}, {201, 300}},
       .misuses = scatter_misuses},
      {.name = "ScatterAdd/last",
       .function =
           [](const std::vector<Tensor>& in) {
             return std::vector{ScatterAdd(in[0], -1, in[1], in[2])};
           },
       .inputs = {{{2, 2}}, {.shape = {2, 4}, .low = 0, .high = 1, .dtype = DType::kI32}, {{2, 4}}},
       .reference = ScatterAddReference(1),
       .large = {{300, 2}, {300, 201}, {300, 201}}},
  };
}

std::vector<OpCase> IndexSelectCases() {
  return {
      {.name = "IndexSelect",
       .function =
           [](const std::vector<Tensor>& in) { return std::vector{IndexSelect(in[0], 1, in[1])}; },
       .inputs = {{{2, 3, 2}}, {.shape = {2, 2}, .low = 0, .high = 2, .dtype = DType::kI64}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out{{2, 2, 2, 2}, {}};
             ForEachIndex(out.shape, [&](const Dims& i) {
               const int64_t at = static_cast<int64_t>(ElementAt(in[1], {i[1], i[2]}));
               out.values.push_back(ElementAt(in[0], {i[0], at, i[3]}));
             });
             return std::vector<Array>{out};
           },
       .large = {{7, 3, 200}, {10, 21}},
       .misuses = {{[] {
                      IndexSelect(Ones({3, 2}), 0, Integers({2, 3}));
                    },
                    {"IndexSelect", "index 3", "[1]", "size 3"}},
                   {[] {
                      IndexSelect(Ones({3, 2}), 0, Ones({1}));
                    },
                    {"IndexSelect", "[1] f32"}},
                   {[] {
                      IndexSelect(Ones({3, 2}), 2, Integers({0}));
                    },
                    {"IndexSelect", "axis 2", "[3, 2]"}}}},
      {.name = "IndexAdd",
       .function =
           [](const std::vector<Tensor>& in) {
             return std::vector{IndexAdd(in[0], 0, in[1], in[2])};
           },
       .inputs = {{{3, 2}}, {.shape = {5}, .low = 0, .high = 2, .dtype = DType::kI64}, {{5, 2}}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out = in[0];
             ForEachIndex(in[2].shape, [&](const Dims& i) {
               const int64_t at = static_cast<int64_t>(ElementAt(in[1], {i[0]}));
               ElementAt(out, {at, i[1]}) += ElementAt(in[2], i);
             });
             return std::vector<Array>{out};
           },
       .large = {{3, 301}, {203}, {203, 301}},
       .misuses = {{[] {
                      IndexAdd(Ones({3, 2}), 0, Integers({0, 5}), Ones({2, 2}));
                    },
                    {"IndexAdd", "index 5", "[1]", "size 3"}},
                   {[] {
                      IndexAdd(Ones({3, 2}), 0, Integers({0}), Ones({2, 2}));
                    },
                    {"IndexAdd", "[3, 2] f32", "[2, 2] f32", "[1, 2]"}}}},
      {.name = "IndexAdd/scalar index",
       .function =
           [](const std::vector<Tensor>& in) {
             return std::vector{IndexAdd(in[0], 1, Tensor::Scalar<int32_t>(1), in[1])};
           },
       .inputs = {{{2, 3}}, {{2}}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out = in[0];
             for (int64_t i : {0, 1}) ElementAt(out, {i, 1}) += ElementAt(in[1], {i});
             return std::vector<Array>{out};
           }},
  };
}

std::vector<OpCase> PadCases() {
  return {
      {.name = "Pad",
       .function = Unary([](const Tensor& x) {
         return Pad(x, {0, 1, 2}, {0, 3, 0}, .5);
       }),
       .inputs = {{{2, 1, 2}}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out{{2, 5, 4}, {}};
             ForEachIndex(out.shape, [&](const Dims& i) {
               const bool inside = i[1] == 1 && i[2] >= 2;
               out.values.push_back(inside ? ElementAt(in[0], {i[0], 0, i[2] - 2}) : .5);
             });
             return std::vector<Array>{out};
           },
       .large = {{30, 35, 100}},
       .misuses = {{[] {
                      Pad(Ones({2, 3}), {1}, {1});
                    },
                    {"Pad", "[2, 3] f32", "[1]"}},
                   {[] { Pad(Ones({2}), {-1}, {3}); }, {"Pad", "[2] f32", "[-1]", "[3]"}}}},
      {.name = "Flip",
       .function = Unary([](const Tensor& x) {
         return Flip(x, {0, -1});
       }),
       .inputs = {{{2, 3, 2}}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out{in[0].shape, {}};
             ForEachIndex(out.shape, [&](const Dims& i) {
               out.values.push_back(ElementAt(in[0], {1 - i[0], i[1], 1 - i[2]}));
             });
             return std::vector<Array>{out};
           },
       .large = {{30, 35, 100}},
       .misuses = {{[] {
                      Flip(Ones({2, 3}), {1, -1});
                    },
                    {"Flip", "[1, -1]", "[2, 3] f32"}},
                   {[] {
                      Flip(Ones({2, 3}), {2});
                    },
                    {"Flip", "axis 2", "[2, 3]"}}}},
  };
}

// The first k of each row of a matrix, sorted.
Reference SortReference(int64_t k, bool descending) {
  return [k, descending](const std::vector<Array>& in) {
    const int64_t rows = in[0].shape[0], n = in[0].shape[1];
    Array values{{rows, k}, {}}, indices{{rows, k}, {}};
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<int64_t> order(static_cast<size_t>(n));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
        const double a = ElementAt(in[0], {row, i}), b = ElementAt(in[0], {row, j});
        return descending ? a > b : a < b;
      });
      for (int64_t i = 0; i < k; ++i) {
        const int64_t from = order[static_cast<size_t>(i)];
        values.values.push_back(ElementAt(in[0], {row, from}));
        indices.values.push_back(static_cast<double>(from));
      }
    }
    return std::vector<Array>{values, indices};
  };
}

std::vector<OpCase> SortCases() {
  return {
      {.name = "Sort",
       .function =
           [](const std::vector<Tensor>& in) {
             const Sorted sorted = Sort(in[0]);
             return std::vector{sorted.values, sorted.indices};
           },
       .inputs = {{.shape = {2, 5}, .distinct = true}},
       .reference = SortReference(5, false),
       .large = {{301, 53}},
       .misuses = {{[] {
                      Sort(Ones({2, 3}), 2);
                    },
                    {"Sort", "axis 2", "[2, 3]"}},
                   {[] { ArgSort(Ones({})); }, {"ArgSort", "axis -1", "[]"}}}},
      {.name = "TopK",
       .function =
           [](const std::vector<Tensor>& in) {
             const Sorted sorted = TopK(in[0], 2);
             return std::vector{sorted.values, sorted.indices};
           },
       .inputs = {{.shape = {3, 5}, .distinct = true}},
       .reference = SortReference(2, true),
       .large = {{301, 53}},
       .misuses = {{[] {
                      TopK(Ones({2, 3}), 4);
                    },
                    {"TopK", "k = 4", "[2, 3] f32"}}}},
  };
}

}  // namespace

std::vector<OpCase> IndexCases() {
  std::vector<OpCase> all;
  for (const auto& family : {GatherCases, IndexSelectCases, PadCases, SortCases}) {
    for (OpCase& line : family()) all.push_back(std::move(line));
  }
  return all;
}

}  // namespace autograd::testing
