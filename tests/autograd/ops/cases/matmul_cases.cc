#include "autograd/ops/matmul.h"

#include "autograd/ops/creation.h"
#include "autograd/ops/linear.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

// Sums of products over the last axis of a and the last but one of b, batch axes broadcast.
Reference MatMulReference() {
  return [](const std::vector<Array>& in) {
    const bool row = in[0].shape.rank() == 1, column = in[1].shape.rank() == 1;
    Shape a = in[0].shape, b = in[1].shape;
    if (row) a.insert(0, 1);
    if (column) b.push_back(1);
    Shape batch_a(a.span().first(static_cast<size_t>(a.rank() - 2)));
    Shape batch_b(b.span().first(static_cast<size_t>(b.rank() - 2)));
    Shape shape = BroadcastShapes("reference", batch_a, batch_b);
    const int64_t inner = a[a.rank() - 1];
    shape.push_back(a[a.rank() - 2]);
    shape.push_back(b[b.rank() - 1]);
    Array out{{}, {}};
    ForEachIndex(shape, [&](const Dims& index) {
      double sum = 0;
      for (int64_t i = 0; i < inner; ++i) {
        Dims at_a = index, at_b = index;
        at_a[index.rank() - 1] = i;
        at_b[index.rank() - 2] = i;
        sum += in[0].values[static_cast<size_t>(Position(a, at_a))] *
               in[1].values[static_cast<size_t>(Position(b, at_b))];
      }
      out.values.push_back(sum);
    });
    if (column) shape.erase(shape.rank() - 1);
    if (row) shape.erase(column ? shape.rank() - 1 : shape.rank() - 2);
    out.shape = shape;
    return std::vector<Array>{out};
  };
}

OpCase MatMulCase(const std::string& name, const Shape& a, const Shape& b) {
  return {.name = "MatMul/" + name,
          .function = Binary(MatMul),
          .inputs = {{a}, {b}},
          .reference = MatMulReference()};
}

double ActivationValue(Activation activation, double x, double p) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kLeakyRelu:
      return x > 0 ? x : p * x;
    case Activation::kElu:
      return x > 0 ? x : p * std::expm1(x);
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + .044715 * x * x * x)));
    case Activation::kGeluErf:
      return x / 2 * (1 + std::erf(x / std::sqrt(2)));
  }
  return 0;
}

Reference LinearReference(const ActivationSpec& spec) {
  return [spec](const std::vector<Array>& in) {
    const int64_t out_size = in[1].shape[0], in_size = in[1].shape[1];
    Array out{in[0].shape, {}};
    out.shape[out.shape.rank() - 1] = out_size;
    ForEachIndex(out.shape, [&](const Dims& index) {
      const int64_t o = index[index.rank() - 1];
      double sum = in.size() > 2 ? in[2].values[static_cast<size_t>(o)] : 0;
      for (int64_t i = 0; i < in_size; ++i) {
        Dims at = index;
        at[at.rank() - 1] = i;
        sum += in[0].values[static_cast<size_t>(Position(in[0].shape, at))] *
               in[1].values[static_cast<size_t>(o * in_size + i)];
      }
      out.values.push_back(ActivationValue(spec.activation, sum, spec.parameter));
    });
    return std::vector<Array>{out};
  };
}

OpCase LinearCase(const std::string& name, const ActivationSpec& spec) {
  return {.name = "Linear/" + name,
          .function = Ternary([spec](const Tensor& x, const Tensor& weight, const Tensor& bias) {
            return Linear(x, weight, bias, spec);
          }),
          .inputs = {{{3, 2}}, {{4, 2}}, {{4}}},
          .reference = LinearReference(spec)};
}

// LinearReference of each weight, side by side; in = x, two weights, two biases or none.
Reference LinearConcatReference() {
  return [](const std::vector<Array>& in) {
    std::vector<Array> layers;
    for (size_t i = 1; i <= 2; ++i) {
      std::vector<Array> one = {in[0], in[i]};
      if (in.size() > 3) one.push_back(in[i + 2]);
      layers.push_back(LinearReference({})(one)[0]);
    }
    const size_t first = static_cast<size_t>(in[1].shape[0]);
    const size_t second = static_cast<size_t>(in[2].shape[0]);
    Array out{in[0].shape, {}};
    out.shape[out.shape.rank() - 1] = static_cast<int64_t>(first + second);
    const size_t rows = static_cast<size_t>(out.shape.numel()) / (first + second);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t j = 0; j < first; ++j) out.values.push_back(layers[0].values[row * first + j]);
      for (size_t j = 0; j < second; ++j) out.values.push_back(layers[1].values[row * second + j]);
    }
    return std::vector<Array>{out};
  };
}

OpCase LinearConcatCase(const std::string& name, const std::vector<Shape>& shapes) {
  OpCase result = {.name = "LinearConcat/" + name,
                   .function =
                       [](const std::vector<Tensor>& in) {
                         std::vector<Tensor> biases(in.begin() + 3, in.end());
                         return std::vector<Tensor>{LinearConcat(in[0], {in[1], in[2]}, biases)};
                       },
                   .inputs = {},
                   .reference = LinearConcatReference()};
  for (const Shape& shape : shapes) result.inputs.push_back({shape});
  return result;
}

}  // namespace

std::vector<OpCase> MatMulCases() {
  std::vector<OpCase> cases = {
      MatMulCase("matrix by matrix", {3, 2}, {2, 4}),
      MatMulCase("vector by vector", {3}, {3}),
      MatMulCase("vector by matrix", {3}, {3, 2}),
      MatMulCase("matrix by vector", {2, 3}, {3}),
      MatMulCase("batch by matrix", {2, 3, 2}, {2, 2}),
      MatMulCase("batch by batch", {2, 2, 3}, {2, 3, 2}),
      MatMulCase("broadcast batches", {2, 1, 2, 3}, {2, 3, 2}),
      MatMulCase("matrix by batch", {2, 3}, {2, 3, 2}),
      MatMulCase("batch by vector", {2, 2, 3}, {3}),
  };
  cases[0].large = {{300, 130}, {130, 140}};
  cases[0].misuses = {{[] {
                         MatMul(Ones({2, 3}), Ones({4, 2}));
                       },
                       {"MatMul", "[2, 3] f32", "[4, 2] f32"}},
                      {[] {
                         MatMul(Ones({2, 3}), Ones({3, 2}, DType::kF64));
                       },
                       {"MatMul", "f32", "f64"}},
                      {[] {
                         MatMul(Ones({2, 3}, DType::kBF16), Ones({3, 2}));
                       },
                       {"MatMul", "bf16", "f32"}},
                      {[] {
                         MatMul(Ones({}), Ones({3, 2}));
                       },
                       {"MatMul", "[] f32"}},
                      {[] {
                         MatMul(Ones({2, 2, 3}), Ones({3, 3, 2}));
                       },
                       {"MatMul", "[2]", "[3]"}}};
  cases[5].large = {{9, 60, 50}, {9, 50, 70}};
  return cases;
}

std::vector<OpCase> LinearCases() {
  std::vector<OpCase> cases = {
      LinearCase("plain", {}),
      LinearCase("relu", {Activation::kRelu}),
      LinearCase("leaky_relu", {Activation::kLeakyRelu, .1}),
      LinearCase("elu", {Activation::kElu, .7}),
      LinearCase("silu", {Activation::kSilu}),
      LinearCase("tanh", {Activation::kTanh}),
      LinearCase("sigmoid", {Activation::kSigmoid}),
      LinearCase("gelu_tanh", {Activation::kGeluTanh}),
      LinearCase("gelu_erf", {Activation::kGeluErf}),
      {.name = "Linear/batch without bias",
       .function = Binary([](const Tensor& x, const Tensor& weight) { return Linear(x, weight); }),
       .inputs = {{{2, 2, 3}}, {{2, 3}}},
       .reference = LinearReference({})},
  };
  cases[3].large = {{700, 65}, {67, 65}, {67}};
  cases[4].large = {{700, 65}, {67, 65}, {67}};
  cases[0].misuses = {{[] {
                         Linear(Ones({2, 3}), Ones({4, 2}), Ones({4}));
                       },
                       {"Linear", "[2, 3] f32", "[4, 2] f32", "[4] f32"}},
                      {[] {
                         Linear(Ones({2, 3}), Ones({4, 3}), Ones({3}));
                       },
                       {"Linear", "[4, 3]", "bias [3]"}},
                      {[] {
                         Linear(Ones({2, 3}), Ones({4, 3}, DType::kF64));
                       },
                       {"Linear", "f64"}},
                      {[] {
                         Linear(Ones({2, 3}), Ones({4, 3}), Tensor(), {Activation::kElu, -1});
                       },
                       {"Linear", "ELU", "-1"}},
                      {[] {
                         Linear(Ones({2, 3}, DType::kBF16), Ones({4, 3}, DType::kBF16));
                       },
                       {"Linear", "[4, 3] bf16", "f32 weight"}}};
  cases.push_back(LinearConcatCase("two layers", {{3, 2}, {4, 2}, {1, 2}, {4}, {1}}));
  cases.back().large = {{700, 65}, {67, 65}, {35, 65}, {67}, {35}};
  cases.back().misuses = {{[] {
                             LinearConcat(Ones({2, 3}), {});
                           },
                           {"LinearConcat", "[2, 3] f32"}},
                          {[] {
                             LinearConcat(Ones({2, 3}), {Ones({4, 3}), Ones({4, 2})});
                           },
                           {"LinearConcat", "[2, 3] f32", "[4, 3] f32", "[4, 2] f32"}},
                          {[] {
                             LinearConcat(Ones({2, 3}), {Ones({4, 3})}, {Ones({5})});
                           },
                           {"LinearConcat", "bias [5] f32"}},
                          {[] {
                             LinearConcat(Ones({2, 3}), {Ones({4, 3}), Ones({4, 3})}, {Ones({4})});
                           },
                           {"LinearConcat", "bias [4] f32", "as many"}},
                          {[] {
                             LinearConcat(Ones({2, 3}), {Ones({4, 3}), Tensor()});
                           },
                           {"LinearConcat", "undefined"}},
                          {[] {
                             LinearConcat(Ones({2, 3}, DType::kBF16), {Ones({4, 3}, DType::kBF16)});
                           },
                           {"LinearConcat", "weight [4, 3] bf16"}}};
  cases.push_back(LinearConcatCase("batch without biases", {{2, 2, 3}, {2, 3}, {3, 3}}));
  for (OpCase& line : cases) {
    for (size_t i = 1; i < line.inputs.size(); ++i) {
      line.bf16_parameters.push_back(static_cast<int>(i));
    }
  }
  return cases;
}

}  // namespace autograd::testing
