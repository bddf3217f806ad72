#include "autograd/ops/attention.h"

#include <limits>

#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

double At(const Array& x, int64_t b, int64_t t, int64_t h, int64_t i) {
  return x.values[static_cast<size_t>(Position(x.shape, {b, t, h, i}))];
}

// The probabilities of a query, from its scores with each key it sees.
std::vector<double> Probabilities(const std::vector<Array>& in, int64_t b, int64_t query, int64_t h,
                                  const AttentionOptions& options) {
  const int64_t keys = in[1].shape[1], d = in[0].shape[3];
  const double scale = options.scale == 0 ? 1 / std::sqrt(static_cast<double>(d)) : options.scale;
  std::vector<double> p;
  double sum = 0;
  for (int64_t key = 0; key < keys && (!options.causal || key <= query); ++key) {
    double score = 0;
    for (int64_t i = 0; i < d; ++i) score += At(in[0], b, query, h, i) * At(in[1], b, key, h, i);
    p.push_back(std::exp(scale * score));
    sum += p.back();
  }
  for (double& value : p) value /= sum;
  return p;
}

Reference AttentionReference(const AttentionOptions& options) {
  return [options](const std::vector<Array>& in) {
    Array out{in[0].shape, {}};
    out.shape[3] = in[2].shape[3];
    ForEachIndex(out.shape, [&](const Dims& at) {
      const std::vector<double> p = Probabilities(in, at[0], at[1], at[2], options);
      double sum = 0;
      for (size_t key = 0; key < p.size(); ++key) {
        sum += p[key] * At(in[2], at[0], static_cast<int64_t>(key), at[2], at[3]);
      }
      out.values.push_back(sum);
    });
    return std::vector<Array>{out};
  };
}

// q, k and v out of [B, N, 3, heads, d].
std::vector<Array> Parts(const Array& qkv) {
  const Shape& shape = qkv.shape;
  std::vector<Array> parts(3, Array{{shape[0], shape[1], shape[3], shape[4]}, {}});
  ForEachIndex(shape, [&](const Dims& at) {
    parts[static_cast<size_t>(at[2])].values.push_back(
        qkv.values[static_cast<size_t>(Position(shape, at))]);
  });
  return parts;
}

struct Tokens {
  int64_t batch, queries, keys, heads, d, dv;
  std::vector<Shape> Shapes() const {
    return {{batch, queries, heads, d}, {batch, keys, heads, d}, {batch, keys, heads, dv}};
  }
};

OpCase AttentionCase(const std::string& name, const Tokens& tokens, const Tokens& large,
                     const AttentionOptions& options = {}) {
  const std::vector<Shape> shapes = tokens.Shapes();
  return {.name = "ScaledDotProductAttention/" + name,
          .function = Ternary([options](const Tensor& q, const Tensor& k, const Tensor& v) {
            return ScaledDotProductAttention(q, k, v, options);
          }),
          .inputs = {{shapes[0]}, {shapes[1]}, {shapes[2]}},
          .reference = AttentionReference(options),
          .large = large.Shapes()};
}

// Shapes are those of qkv.
OpCase PackedCase(const std::string& name, const Shape& shape, const Shape& large,
                  const AttentionOptions& options = {}) {
  return {.name = "ScaledDotProductAttentionPacked/" + name,
          .function = Unary([options](const Tensor& qkv) {
            return ScaledDotProductAttentionPacked(qkv, options);
          }),
          .inputs = {{shape}},
          .reference =
              [options](const std::vector<Array>& in) {
                return AttentionReference(options)(Parts(in[0]));
              },
          .large = {large}};
}

std::vector<Misuse> PackedMisuses() {
  return {{[] {
             ScaledDotProductAttentionPacked(Ones({1, 2, 3, 4}));
           },
           {"ScaledDotProductAttentionPacked", "qkv [1, 2, 3, 4] f32", "[B, tokens, 3, heads, d]"}},
          {[] {
             ScaledDotProductAttentionPacked(Ones({1, 2, 2, 3, 4}));
           },
           {"ScaledDotProductAttentionPacked", "qkv [1, 2, 2, 3, 4] f32"}},
          {[] {
             ScaledDotProductAttentionPacked(Ones({1, 2, 3, 4, 0}));
           },
           {"ScaledDotProductAttentionPacked", "[1, 2, 3, 4, 0]", "d > 0"}},
          {[] {
             ScaledDotProductAttentionPacked(Ones({1, 2, 3, 1, 4}, DType::kI32));
           },
           {"ScaledDotProductAttentionPacked", "i32"}},
          {[] { ScaledDotProductAttentionPacked(Tensor()); },
           {"ScaledDotProductAttentionPacked", "undefined"}},
          {[] {
             ScaledDotProductAttentionPacked(Ones({1, 2, 3, 1, 4}),
                                             {.scale = std::numeric_limits<double>::quiet_NaN()});
           },
           {"ScaledDotProductAttentionPacked", "scale", "nan"}}};
}

}  // namespace

std::vector<OpCase> AttentionCases() {
  std::vector<OpCase> cases = {
      AttentionCase("self", {2, 3, 3, 2, 2, 2}, {3, 49, 49, 8, 8, 8}),
      AttentionCase("cross", {1, 2, 4, 2, 3, 1}, {2, 33, 300, 3, 20, 5}),
      AttentionCase("causal", {1, 4, 4, 1, 2, 3}, {2, 270, 270, 2, 8, 8}, {.causal = true}),
      AttentionCase("causal, more queries", {1, 4, 2, 1, 2, 2}, {1, 70, 40, 5, 12, 9},
                    {.causal = true}),
      AttentionCase("causal, more keys", {1, 2, 4, 1, 2, 2}, {1, 40, 70, 5, 12, 9},
                    {.causal = true}),
      AttentionCase("scale", {1, 2, 3, 2, 1, 2}, {2, 196, 196, 2, 8, 8}, {.scale = .7}),
      AttentionCase("head size of the kernels", {1, 18, 3, 1, 8, 8}, {4, 65, 17, 2, 64, 64}),
      PackedCase("self", {2, 3, 3, 2, 2}, {3, 49, 3, 8, 8}),
      PackedCase("causal", {1, 4, 3, 1, 2}, {2, 270, 3, 2, 8}, {.causal = true}),
      PackedCase("scale", {1, 3, 3, 2, 1}, {2, 196, 3, 2, 9}, {.scale = .7}),
  };
  cases[0].misuses = {
      {[] {
         ScaledDotProductAttention(Ones({1, 2, 3}), Ones({1, 2, 3}), Ones({1, 2, 3}));
       },
       {"ScaledDotProductAttention", "q [1, 2, 3] f32"}},
      {[] {
         ScaledDotProductAttention(Ones({1, 2, 3, 4}), Ones({1, 5, 3, 4}), Ones({1, 6, 3, 4}));
       },
       {"ScaledDotProductAttention", "[1, 2, 3, 4]", "k [1, 5, 3, 4]", "v [1, 6, 3, 4]"}},
      {[] {
         ScaledDotProductAttention(Ones({1, 2, 3, 4}), Ones({1, 5, 3, 2}), Ones({1, 5, 3, 4}));
       },
       {"ScaledDotProductAttention", "[1, 5, 3, 2]"}},
      {[] {
         const Tensor x = Ones({1, 2, 3, 4});
         ScaledDotProductAttention(x, x, Ones({1, 2, 3, 4}, DType::kF64));
       },
       {"ScaledDotProductAttention", "f32", "f64"}},
      {[] {
         const Tensor x = Ones({1, 2, 3, 0});
         ScaledDotProductAttention(x, x, Ones({1, 2, 3, 4}));
       },
       {"ScaledDotProductAttention", "[1, 2, 3, 0]", "d > 0"}},
      {[] {
         const Tensor x = Ones({1, 2, 3, 4});
         ScaledDotProductAttention(x, x, x, {.scale = std::numeric_limits<double>::infinity()});
       },
       {"ScaledDotProductAttention", "scale", "inf"}}};
  for (OpCase& op_case : cases) {
    if (op_case.name == "ScaledDotProductAttentionPacked/self") op_case.misuses = PackedMisuses();
  }
  return cases;
}

}  // namespace autograd::testing
