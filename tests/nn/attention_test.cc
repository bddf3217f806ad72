// MultiHeadAttention against PyTorch's, and what it says about tokens that do not fit.
#include "nn/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Ones;
using autograd::Shape;
using autograd::SumTo;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Tensor FromJson(const nlohmann::json& values, const Shape& shape) {
  return Tensor::FromVector(values.get<std::vector<float>>(), shape);
}

void ExpectNear(const Tensor& found, const nlohmann::json& wanted, const std::string& what) {
  const std::vector<float> values = found.ToVector<float>();
  ASSERT_EQ(values.size(), wanted.size()) << what;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], wanted[i].get<double>(), 1e-5 * (1 + std::abs(wanted[i].get<double>())))
        << what << ", element " << i;
  }
}

// One case of the golden file.
class Recorded {
 public:
  explicit Recorded(const nlohmann::json& golden) : golden_(golden) {}

  int64_t Number(const char* name) const { return golden_[name].get<int64_t>(); }
  const nlohmann::json& operator[](const char* name) const { return golden_[name]; }
  MultiHeadAttentionOptions Options() const {
    return {.heads = Number("heads"),
            .key_width = Number("key_width"),
            .value_width = Number("value_width"),
            .causal = golden_["causal"].get<bool>(),
            .bias = golden_["bias"].get<bool>(),
            .out_bias = golden_["bias"].get<bool>()};
  }
  Tensor Tokens(const char* name, const char* count, const char* width) const {
    return FromJson(golden_["tokens"][name], {Number("batch"), Number(count), Number(width)})
        .set_requires_grad(true);
  }
  bool IsSelf() const { return golden_["tokens"]["query"] == golden_["tokens"]["key"]; }

 private:
  const nlohmann::json& golden_;
};

void LoadState(MultiHeadAttention& layer, const nlohmann::json& golden) {
  NamedTensors state;
  for (const auto& [name, own] : layer.StateDict()) {
    state.emplace_back(name, FromJson(golden[name], own.shape()));
  }
  ASSERT_EQ(state.size(), golden.size());
  ASSERT_TRUE(layer.LoadStateDict(state).ok());
}

TEST(MultiHeadAttention, IsThatOfPyTorch) {
  const auto golden = nlohmann::json::parse(std::ifstream("tests/nn/golden/attention.json"));
  ASSERT_EQ(golden.size(), 5u);
  for (const nlohmann::json& one : golden) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Recorded recorded(one);
    Generator generator(1);
    MultiHeadAttention layer(recorded.Number("width"), generator, recorded.Options());
    LoadState(layer, one["state"]);
    const Tensor query = recorded.Tokens("query", "queries", "width");
    const Tensor key = recorded.Tokens("key", "keys", "key_width");
    const Tensor value = recorded.Tokens("value", "keys", "value_width");
    const Tensor result =
        recorded.IsSelf() ? layer.Forward(query) : layer.Forward(query, key, value);
    ExpectNear(result, one["result"], "result");
    Backward(SumTo(result * FromJson(one["weights"], result.shape()), {}));
    for (const auto& [name, parameter] : layer.NamedParameters()) {
      ExpectNear(parameter.grad(), one["gradients"][name], name);
    }
    ExpectNear(query.grad(), one["token_gradients"]["query"], "gradient of queries");
    if (recorded.IsSelf()) continue;
    ExpectNear(key.grad(), one["token_gradients"]["key"], "gradient of keys");
    ExpectNear(value.grad(), one["token_gradients"]["value"], "gradient of values");
  }
}

TEST(MultiHeadAttention, ParametersHaveTheNamesOfDiffusers) {
  Generator generator(1);
  const MultiHeadAttention layer(8, generator, {.heads = 2, .head_size = 3, .key_width = 5});
  std::vector<std::string> names;
  std::vector<Shape> shapes;
  for (const auto& [name, parameter] : layer.NamedParameters()) {
    names.push_back(name);
    shapes.push_back(parameter.shape());
  }
  EXPECT_THAT(names, ::testing::ElementsAre("to_q.weight", "to_q.bias", "to_k.weight", "to_k.bias",
                                            "to_v.weight", "to_v.bias", "to_out.0.weight",
                                            "to_out.0.bias"));
  EXPECT_THAT(shapes, ::testing::ElementsAre(Shape{6, 8}, Shape{6}, Shape{6, 5}, Shape{6},
                                             Shape{6, 8}, Shape{6}, Shape{8, 6}, Shape{8}));
  EXPECT_EQ(layer.head_size(), 3);
}

TEST(MultiHeadAttention, ContextStandsForKeysAndValues) {
  Generator generator(1);
  const MultiHeadAttention layer(
      4, generator, {.heads = 2, .key_width = 6, .value_width = 6, .dtype = DType::kF64});
  const Tensor x = autograd::Randn({2, 3, 4}, generator, DType::kF64);
  const Tensor context = autograd::Randn({2, 5, 6}, generator, DType::kF64);
  EXPECT_EQ(layer.Forward(x, context).ToVector<double>(),
            layer.Forward(x, context, context).ToVector<double>());
}

TEST(MultiHeadAttention, CausalTokensDoNotSeeLaterOnes) {
  Generator generator(1);
  const MultiHeadAttention layer(8, generator, {.heads = 2, .causal = true});
  const Tensor x = autograd::Randn({1, 6, 8}, generator);
  std::vector<float> changed = x.ToVector<float>();
  for (size_t i = 4 * 8; i < changed.size(); ++i) changed[i] += 1;
  const std::vector<float> before = layer.Forward(x).ToVector<float>();
  const std::vector<float> after =
      layer.Forward(Tensor::FromVector(changed, x.shape())).ToVector<float>();
  for (size_t i = 0; i < 4 * 8; ++i) EXPECT_EQ(before[i], after[i]);
  EXPECT_NE(before[4 * 8], after[4 * 8]);
}

TEST(MultiHeadAttention, MisuseIsExplained) {
  Generator generator(1);
  const auto make = [&](int64_t width, const MultiHeadAttentionOptions& options) {
    return [&generator, width, options] { MultiHeadAttention(width, generator, options); };
  };
  EXPECT_THAT(make(8, {.heads = 3}),
              ThrowsMessage<std::invalid_argument>(HasSubstr("width 8, heads 3")));
  EXPECT_THAT(make(0, {}), ThrowsMessage<std::invalid_argument>(HasSubstr("width 0")));
  EXPECT_THAT(make(8, {.heads = 0}), ThrowsMessage<std::invalid_argument>(HasSubstr("heads 0")));
  EXPECT_THAT(make(8, {.heads = 2, .head_size = -1}),
              ThrowsMessage<std::invalid_argument>(HasSubstr("head_size -1")));
  EXPECT_THAT(make(8, {.key_width = -1}),
              ThrowsMessage<std::invalid_argument>(HasSubstr("key_width -1")));
  const MultiHeadAttention layer(8, generator, {.heads = 2, .key_width = 4});
  EXPECT_THAT(
      [&] {
        layer.Forward(Ones({1, 3, 8}));
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("key [1, 3, 8] f32")));
  EXPECT_THAT(
      [&] {
        layer.Forward(Ones({1, 3, 8}), Ones({2, 3, 4}), Ones({2, 3, 8}));
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("[B, keys, 4]")));
  EXPECT_THAT(
      [&] {
        layer.Forward(Ones({1, 3, 8}), Tensor(), Ones({1, 3, 8}));
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("key undefined")));
  EXPECT_THAT(
      [&] {
        layer.Forward(Ones({1, 3, 8}, DType::kF64), Ones({1, 3, 4}), Ones({1, 3, 8}));
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("query [1, 3, 8] f64")));
}

}  // namespace
}  // namespace nn
