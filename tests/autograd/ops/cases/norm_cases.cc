#include "autograd/ops/norm.h"

#include <map>

#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

// f(h), for the activations the cases use.
double Activated(Activation activation, double h) {
  switch (activation) {
    case Activation::kSilu:
      return h / (1 + std::exp(-h));
    case Activation::kTanh:
      return std::tanh(h);
    case Activation::kGeluTanh:
      return h / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (h + .044715 * h * h * h)));
    default:
      return h;
  }
}

// Which numbers are normalised together: all with the same key.
using Key = std::function<int64_t(const Dims& index)>;

struct NormFormula {
  double eps = 1e-5;
  bool subtracts_mean = true;
  bool has_weight = true;
  bool has_bias = true;
  Activation activation = Activation::kNone;
};

Reference NormReference(const std::function<Key(const Shape&)>& key_of, const NormFormula& f) {
  return [=](const std::vector<Array>& in) {
    const Array& x = in[0];
    const Key key = key_of(x.shape);
    const auto value = [&](const Dims& index) {
      return x.values[static_cast<size_t>(Position(x.shape, index))];
    };
    std::map<int64_t, double> count, mean, variance;
    ForEachIndex(x.shape, [&](const Dims& index) {
      count[key(index)] += 1;
      if (f.subtracts_mean) mean[key(index)] += value(index);
    });
    for (auto& [group, sum] : mean) sum /= count[group];
    ForEachIndex(x.shape, [&](const Dims& index) {
      variance[key(index)] += std::pow(value(index) - mean[key(index)], 2) / count[key(index)];
    });
    Array out{x.shape, {}};
    ForEachIndex(x.shape, [&](const Dims& index) {
      const size_t channel = static_cast<size_t>(index[index.rank() - 1]);
      const int64_t group = key(index);
      double h = (value(index) - mean[group]) / std::sqrt(variance[group] + f.eps);
      if (f.has_weight) h *= in[1].values[channel];
      if (f.has_bias) h += in.back().values[channel];
      out.values.push_back(Activated(f.activation, h));
    });
    return std::vector<Array>{out};
  };
}

std::function<Key(const Shape&)> Groups(int64_t groups) {
  return [groups](const Shape& shape) {
    const int64_t width = shape[shape.rank() - 1] / groups;
    return [=](const Dims& index) { return index[0] * groups + index[index.rank() - 1] / width; };
  };
}

std::function<Key(const Shape&)> Rows() {
  return [](const Shape& shape) {
    return [shape](const Dims& index) { return Position(shape, index) / shape[shape.rank() - 1]; };
  };
}

std::function<Key(const Shape&)> Channels() {
  return [](const Shape&) { return [](const Dims& index) { return index[index.rank() - 1]; }; };
}

OpCase GroupNormCase(const std::string& name, const Shape& x, int64_t groups,
                     Activation activation = Activation::kNone) {
  const Shape channels = {x[x.rank() - 1]};
  return {.name = "GroupNorm/" + name,
          .function = Ternary([=](const Tensor& in, const Tensor& weight, const Tensor& bias) {
            return GroupNorm(in, groups, weight, bias, 1e-3, {activation});
          }),
          .inputs = {{x}, {channels}, {channels}},
          .reference = NormReference(Groups(groups), {.eps = 1e-3, .activation = activation})};
}

// Of x given as its first `split` channels and the others.
OpCase GroupNormConcatCase(const std::string& name, const Shape& x, int64_t split, int64_t groups,
                           Activation activation = Activation::kNone) {
  Shape a = x, b = x;
  a[x.rank() - 1] = split;
  b[x.rank() - 1] -= split;
  const Shape channels = {x[x.rank() - 1]};
  const Reference joined = NormReference(Groups(groups), {.eps = 1e-3, .activation = activation});
  return {
      .name = "GroupNormConcat/" + name,
      .function =
          [=](const std::vector<Tensor>& in) {
            return std::vector<Tensor>{
                GroupNormConcat(in[0], in[1], groups, in[2], in[3], 1e-3, {activation})};
          },
      .inputs = {{a}, {b}, {channels}, {channels}},
      .reference =
          [=](const std::vector<Array>& in) {
            Array both{in[0].shape, {}};
            const int last = both.shape.rank() - 1;
            both.shape[last] += in[1].shape[last];
            ForEachIndex(both.shape, [&](const Dims& index) {
              Dims from = index;
              const int64_t border = in[0].shape[last];
              const Array& array = in[index[last] < border ? 0 : 1];
              if (index[last] >= border) from[last] -= border;
              both.values.push_back(array.values[static_cast<size_t>(Position(array.shape, from))]);
            });
            return joined({both, in[2], in[3]});
          }};
}

OpCase LayerNormCase(const std::string& name, const Shape& x) {
  const Shape channels = {x[x.rank() - 1]};
  return {.name = "LayerNorm/" + name,
          .function = Ternary([](const Tensor& in, const Tensor& weight, const Tensor& bias) {
            return LayerNorm(in, weight, bias);
          }),
          .inputs = {{x}, {channels}, {channels}},
          .reference = NormReference(Rows(), {})};
}

OpCase BatchNormCase(const std::string& name, const Shape& x, Activation activation) {
  const Shape channels = {x[x.rank() - 1]};
  return {.name = "BatchNorm/" + name,
          .function = Ternary([=](const Tensor& in, const Tensor& weight, const Tensor& bias) {
            return BatchNorm(in, weight, bias, 1e-5, {activation}).y;
          }),
          .inputs = {{x}, {channels}, {channels}},
          .reference = NormReference(Channels(), {.activation = activation})};
}

std::vector<Misuse> GroupNormMisuses() {
  return {{[] {
             GroupNorm(Ones({2, 3, 6}), 4);
           },
           {"GroupNorm", "4 groups", "[2, 3, 6] f32"}},
          {[] {
             GroupNorm(Ones({2, 3, 6}), 0);
           },
           {"GroupNorm", "0 groups"}},
          {[] { GroupNorm(Ones({6}), 2); }, {"GroupNorm", "x [6] f32"}},
          {[] {
             GroupNorm(Ones({2, 6}), 2, Ones({3}), Ones({6}));
           },
           {"GroupNorm", "weight [3] f32", "bias [6] f32"}},
          {[] {
             GroupNorm(Ones({2, 6}), 2, Tensor(), Ones({6}, DType::kF64));
           },
           {"GroupNorm", "undefined", "bias [6] f64"}},
          {[] {
             GroupNorm(Ones({2, 6}, DType::kI32), 2);
           },
           {"GroupNorm", "i32"}},
          {[] {
             GroupNorm(Ones({2, 6}), 2, Tensor(), Tensor(), -1);
           },
           {"GroupNorm", "eps", "-1"}},
          {[] {
             GroupNorm(Ones({2, 6}), 2, Tensor(), Tensor(), 1e-5, {Activation::kElu, -1});
           },
           {"GroupNorm", "ELU"}},
          {[] {
             GroupNorm(Ones({2, 6}, DType::kBF16), 2, Ones({6}, DType::kBF16));
           },
           {"GroupNorm", "x [2, 6] bf16", "weight [6] bf16", "bf16 with f32 parameters"}}};
}

std::vector<OpCase> GroupNormCases() {
  std::vector<OpCase> cases = {
      GroupNormCase("image", {2, 2, 3, 6}, 3),
      GroupNormCase("silu", {2, 2, 3, 6}, 2, Activation::kSilu),
      GroupNormCase("tanh", {2, 4, 4}, 2, Activation::kTanh),
      GroupNormCase("gelu_tanh", {2, 4, 4}, 4, Activation::kGeluTanh),
      GroupNormCase("one group", {2, 3, 5}, 1),
      GroupNormCase("a group for each channel", {1, 7, 3}, 3, Activation::kSilu),
      GroupNormCase("rank 2", {3, 8}, 2),
      GroupNormCase("channels beyond one vector", {1, 3, 18}, 6, Activation::kSilu),
      {.name = "GroupNorm/without parameters",
       .function = Unary([](const Tensor& x) { return GroupNorm(x, 2); }),
       .inputs = {{{2, 4, 4}}},
       .reference = NormReference(Groups(2), {.has_weight = false, .has_bias = false})},
      {.name = "GroupNorm/weight alone",
       .function =
           Binary([](const Tensor& x, const Tensor& weight) { return GroupNorm(x, 2, weight); }),
       .inputs = {{{2, 4, 4}}, {{4}}},
       .reference = NormReference(Groups(2), {.has_bias = false})},
      {.name = "GroupNorm/bias alone",
       .function = Binary([](const Tensor& x, const Tensor& bias) {
         return GroupNorm(x, 2, Tensor(), bias, 1e-5, {Activation::kSilu});
       }),
       .inputs = {{{2, 4, 4}}, {{4}}},
       .reference =
           NormReference(Groups(2), {.has_weight = false, .activation = Activation::kSilu})},
  };
  cases[0].misuses = GroupNormMisuses();
  // Samples shared out among threads, without and with an activation in the passes, and beside
  // them.
  cases[0].large = {{20, 14, 14, 33}, {33}, {33}};
  cases[1].large = {{24, 28, 28, 64}, {64}, {64}};
  cases[2].large = {{40, 50, 36}, {36}, {36}};
  // A few large samples in chunks.
  cases[4].large = {{3, 1500, 30}, {30}, {30}};
  cases[5].large = {{2, 900, 51}, {51}, {51}};
  cases[3].large = {{2, 900, 52}, {52}, {52}};
  return cases;
}

std::vector<OpCase> GroupNormConcatCases() {
  std::vector<OpCase> cases = {
      GroupNormConcatCase("a group of both", {2, 2, 3, 6}, 4, 2, Activation::kSilu),
      GroupNormConcatCase("groups of one", {2, 5, 6}, 3, 2),
      GroupNormConcatCase("one channel and many", {2, 3, 7}, 1, 1, Activation::kTanh),
      GroupNormConcatCase("rank 2", {3, 8}, 6, 2),
  };
  cases[0].misuses = {{[] {
                         GroupNormConcat(Ones({2, 3, 4}), Ones({2, 3, 3}), 2);
                       },
                       {"GroupNormConcat", "2 groups", "[2, 3, 4] f32", "[2, 3, 3] f32"}},
                      {[] {
                         GroupNormConcat(Ones({2, 3, 4}), Ones({2, 2, 4}), 2);
                       },
                       {"GroupNormConcat", "[2, 3, 4] f32", "[2, 2, 4] f32"}},
                      {[] {
                         GroupNormConcat(Ones({2, 4}), Ones({2, 4}, DType::kF64), 2);
                       },
                       {"GroupNormConcat", "[2, 4] f32", "[2, 4] f64"}},
                      {[] {
                         GroupNormConcat(Ones({2, 4}), Ones({2, 2}), 2, Ones({4}));
                       },
                       {"GroupNormConcat", "weight [4] f32"}},
                      {[] {
                         GroupNormConcat(Ones({2, 4}), Tensor(), 2);
                       },
                       {"GroupNormConcat", "undefined"}},
                      {[] {
                         GroupNormConcat(Ones({2, 4}), Ones({2, 2}), 2, Tensor(), Tensor(), -1);
                       },
                       {"GroupNormConcat", "eps", "-1"}}};
  // The border of the images is within a group and within a vector.
  cases[0].large = {{24, 14, 14, 64}, {24, 14, 14, 32}, {96}, {96}};
  cases[2].large = {{2, 900, 37}, {2, 900, 40}, {77}, {77}};
  return cases;
}

}  // namespace

std::vector<OpCase> NormCases() {
  std::vector<OpCase> cases = {
      LayerNormCase("matrix", {3, 5}),
      LayerNormCase("rank 3", {2, 3, 4}),
      LayerNormCase("vector", {7}),
      {.name = "LayerNorm/without parameters",
       .function = Unary([](const Tensor& x) { return LayerNorm(x); }),
       .inputs = {{{3, 5}}},
       .reference = NormReference(Rows(), {.has_weight = false, .has_bias = false})},
      {.name = "LayerNorm/weight alone",
       .function =
           Binary([](const Tensor& x, const Tensor& weight) { return LayerNorm(x, weight); }),
       .inputs = {{{3, 5}}, {{5}}},
       .reference = NormReference(Rows(), {.has_bias = false})},
      {.name = "LayerNorm/bias alone",
       .function = Binary(
           [](const Tensor& x, const Tensor& bias) { return LayerNorm(x, Tensor(), bias, 1e-2); }),
       .inputs = {{{3, 5}}, {{5}}},
       .reference = NormReference(Rows(), {.eps = 1e-2, .has_weight = false})},
      {.name = "RmsNorm/rank 3",
       .function = Binary([](const Tensor& x, const Tensor& weight) { return RmsNorm(x, weight); }),
       .inputs = {{{2, 3, 5}}, {{5}}},
       .reference =
           NormReference(Rows(), {.eps = 1e-6, .subtracts_mean = false, .has_bias = false})},
      {.name = "RmsNorm/without weight",
       .function = Unary([](const Tensor& x) { return RmsNorm(x, Tensor(), 1e-3); }),
       .inputs = {{{3, 5}}},
       .reference = NormReference(
           Rows(), {.eps = 1e-3, .subtracts_mean = false, .has_weight = false, .has_bias = false})},
      BatchNormCase("image", {2, 2, 3, 3}, Activation::kNone),
      BatchNormCase("matrix and silu", {5, 3}, Activation::kSilu),
      {.name = "BatchNormWith/all differentiable",
       .function =
           [](const std::vector<Tensor>& in) {
             return std::vector<Tensor>{
                 BatchNormWith(in[0], in[1], in[2], in[3], in[4], 1e-5, {Activation::kSilu})};
           },
       .inputs = {{{2, 3, 4}}, {{4}}, {{4}, .5, 2}, {{4}}, {{4}}},
       .reference =
           [](const std::vector<Array>& in) {
             Array out{in[0].shape, {}};
             ForEachIndex(out.shape, [&](const Dims& index) {
               const size_t c = static_cast<size_t>(index[2]);
               const double x = in[0].values[static_cast<size_t>(Position(out.shape, index))];
               const double u = (x - in[1].values[c]) / std::sqrt(in[2].values[c] + 1e-5);
               out.values.push_back(
                   Activated(Activation::kSilu, u * in[3].values[c] + in[4].values[c]));
             });
             return std::vector<Array>{out};
           }},
  };
  cases[0].large = {{3000, 65}, {65}, {65}};
  cases[6].large = {{30, 100, 65}, {65}};
  cases[8].large = {{30, 10, 10, 67}, {67}, {67}};
  cases[0].misuses = {{[] {
                         LayerNorm(Ones({2, 3}), Ones({2}));
                       },
                       {"LayerNorm", "[2, 3] f32", "weight [2] f32"}}};
  cases[6].misuses = {{[] {
                         RmsNorm(Ones({2, 3}), Ones({3}, DType::kF64));
                       },
                       {"RmsNorm", "[2, 3] f32", "weight [3] f64"}}};
  cases[8].misuses = {{[] {
                         BatchNorm(Ones({2, 3}), Ones({3}), Ones({2}));
                       },
                       {"BatchNorm", "[2, 3] f32", "bias [2] f32"}},
                      {[] {
                         BatchNorm(Ones({0, 3}));
                       },
                       {"BatchNorm", "[0, 3]"}},
                      {[] {
                         BatchNormWith(Ones({2, 3}), Ones({3}), Ones({2}));
                       },
                       {"BatchNormWith", "mean [3]", "variance [2]"}}};
  for (OpCase& line : GroupNormCases()) cases.push_back(std::move(line));
  // All but the images.
  for (OpCase& line : cases) {
    for (int i = 1; i < static_cast<int>(line.inputs.size()); ++i)
      line.bf16_parameters.push_back(i);
  }
  for (OpCase& line : GroupNormConcatCases()) {
    line.bf16_parameters = {2, 3};
    cases.push_back(std::move(line));
  }
  return cases;
}

}  // namespace autograd::testing
