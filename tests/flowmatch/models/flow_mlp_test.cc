#include "flowmatch/models/flow_mlp.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::Generator;
using Row = std::vector<double>;

// "name [shape]" of every parameter.
std::vector<std::string> Listing(const nn::Module& model) {
  std::vector<std::string> lines;
  for (const auto& [name, tensor] : model.NamedParameters()) {
    lines.push_back(name + " " + tensor.shape().ToString());
  }
  return lines;
}

double Elu(double x) { return x > 0 ? x : std::expm1(x); }
double Silu(double x) { return x / (1 + std::exp(-x)); }

// A network layer by layer, in double, from the parameters `prefix`.0, .2, .4, ...
Row Network(const nn::Module& model, const std::string& prefix, Row x, int layers,
            double (*activation)(double)) {
  std::map<std::string, Tensor> parameters;
  for (const auto& [name, tensor] : model.NamedParameters()) parameters[name] = tensor;
  for (int layer = 0; layer < layers; ++layer) {
    const std::string name = prefix + "." + std::to_string(2 * layer);
    const Tensor weight = parameters.at(name + ".weight"), bias = parameters.at(name + ".bias");
    Row y;
    for (int64_t i = 0; i < weight.size(0); ++i) {
      double sum = static_cast<double>(bias.at<float>({i}));
      for (int64_t j = 0; j < weight.size(1); ++j) {
        sum += static_cast<double>(weight.at<float>({i, j})) * x[static_cast<size_t>(j)];
      }
      y.push_back(layer + 1 < layers ? activation(sum) : sum);
    }
    x = y;
  }
  return x;
}

void ExpectRow(const Tensor& found, int64_t row, const Row& wanted) {
  ASSERT_EQ(found.size(1), static_cast<int64_t>(wanted.size()));
  for (size_t j = 0; j < wanted.size(); ++j) {
    EXPECT_NEAR(static_cast<double>(found.at<float>({row, static_cast<int64_t>(j)})), wanted[j],
                1e-5);
  }
}

TEST(FlowMlpTest, ParametersOfTheTwoMoonsScript) {
  Generator generator(1);
  const FlowMlp model({}, generator);
  EXPECT_EQ(model.ParameterCount(), 8706);
  EXPECT_EQ(Listing(model), (std::vector<std::string>{"net.0.weight [64, 3]", "net.0.bias [64]",
                                                      "net.2.weight [64, 64]", "net.2.bias [64]",
                                                      "net.4.weight [64, 64]", "net.4.bias [64]",
                                                      "net.6.weight [2, 64]", "net.6.bias [2]"}));
}

TEST(FlowMlpTest, ForwardByHand) {
  Generator generator(2);
  const FlowMlp model({}, generator);
  const Tensor x = autograd::Randn({5, 2}, generator), t = autograd::Rand({5}, generator);
  const Tensor v = model.Forward(x, t);
  ASSERT_EQ(v.shape(), (autograd::Shape{5, 2}));
  for (int64_t i = 0; i < 5; ++i) {
    // The time comes first.
    const Row input = {static_cast<double>(t.at<float>({i})),
                       static_cast<double>(x.at<float>({i, 0})),
                       static_cast<double>(x.at<float>({i, 1}))};
    ExpectRow(v, i, Network(model, "net", input, 4, Elu));
  }
}

TEST(FlowMlpTest, OtherSizes) {
  Generator generator(3);
  const FlowMlp model({.dim = 5, .hidden = 8}, generator);
  EXPECT_EQ(model.ParameterCount(), 6 * 8 + 8 + 2 * (8 * 8 + 8) + 8 * 5 + 5);
  EXPECT_EQ(model.Forward(autograd::Zeros({3, 5}), autograd::Zeros({3})).shape(),
            (autograd::Shape{3, 5}));
}

TEST(TimeEmbeddingFlowTest, ParametersOfTheTwoDimensionalFlowModel) {
  Generator generator(4);
  const TimeEmbeddingFlow model({}, generator);
  EXPECT_EQ(model.ParameterCount(), 46146);
  EXPECT_EQ(Listing(model),
            (std::vector<std::string>{
                "time_mlp.0.weight [64, 1]", "time_mlp.0.bias [64]", "time_mlp.2.weight [64, 64]",
                "time_mlp.2.bias [64]", "net.0.weight [128, 66]", "net.0.bias [128]",
                "net.2.weight [128, 128]", "net.2.bias [128]", "net.4.weight [128, 128]",
                "net.4.bias [128]", "net.6.weight [2, 128]", "net.6.bias [2]"}));
}

TEST(TimeEmbeddingFlowTest, ForwardByHand) {
  Generator generator(5);
  const TimeEmbeddingFlow model({}, generator);
  const Tensor x = autograd::Randn({4, 2}, generator), t = autograd::Rand({4}, generator);
  const Tensor v = model.Forward(x, t);
  ASSERT_EQ(v.shape(), (autograd::Shape{4, 2}));
  for (int64_t i = 0; i < 4; ++i) {
    const Row embedding =
        Network(model, "time_mlp", {static_cast<double>(t.at<float>({i}))}, 2, Silu);
    Row input = {static_cast<double>(x.at<float>({i, 0})),
                 static_cast<double>(x.at<float>({i, 1}))};
    input.insert(input.end(), embedding.begin(), embedding.end());
    ExpectRow(v, i, Network(model, "net", input, 4, Silu));
  }
}

TEST(VelocityModelTest, TheSameSeedGivesTheSameModelAndEveryParameterLearns) {
  for (const bool embedding : {false, true}) {
    const auto make = [&](uint64_t seed) -> std::unique_ptr<VelocityModel> {
      Generator generator(seed);
      if (embedding) {
        return std::make_unique<TimeEmbeddingFlow>(TimeEmbeddingFlowOptions{}, generator);
      }
      return std::make_unique<FlowMlp>(FlowMlpOptions{}, generator);
    };
    Generator generator(6);
    const Tensor x = autograd::Randn({8, 2}, generator), t = autograd::Rand({8}, generator);
    const auto model = make(7);
    const Tensor v = model->Forward(x, t);
    EXPECT_EQ(v.ToVector<float>(), make(7)->Forward(x, t).ToVector<float>());
    EXPECT_NE(v.ToVector<float>(), make(8)->Forward(x, t).ToVector<float>());
    Backward(Mean(v * v, {}));
    for (const auto& [name, parameter] : model->NamedParameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_GT(Sum(parameter.grad() * parameter.grad(), {}).item(), 0) << name;
    }
  }
}

TEST(VelocityModelTest, MisuseIsNamed) {
  Generator generator(9);
  const FlowMlp mlp({}, generator);
  const TimeEmbeddingFlow embedding({}, generator);
  const Tensor x = autograd::Zeros({3, 2}), t = autograd::Zeros({3});
  EXPECT_EQ(ErrorText([&] { mlp.Forward(x, autograd::Zeros({2})); }),
            "FlowMlp: wants x [B, 2] and t [B], got [3, 2] f32 and [2] f32");
  EXPECT_EQ(ErrorText([&] { mlp.Forward(x, Tensor::Scalar(.5f)); }),
            "FlowMlp: wants x [B, 2] and t [B], got [3, 2] f32 and [] f32");
  EXPECT_EQ(ErrorText([&] {
              mlp.Forward(autograd::Zeros({3, 4}), t);
            }),
            "FlowMlp: wants x [B, 2] and t [B], got [3, 4] f32 and [3] f32");
  EXPECT_EQ(ErrorText([&] { embedding.Forward(autograd::Zeros({6}), t); }),
            "TimeEmbeddingFlow: wants x [B, 2] and t [B], got [6] f32 and [3] f32");
  EXPECT_EQ(ErrorText([&] { embedding.Forward(x, Tensor()); }),
            "TimeEmbeddingFlow: wants x [B, 2] and t [B], got [3, 2] f32 and undefined");
}

}  // namespace
}  // namespace flowmatch
