#include "nn/module.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "autograd/ops/creation.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/sequential.h"

namespace nn {
namespace {

using autograd::Zeros;

// A parameter, a buffer, a child with children and a weight that two modules share.
class Model : public Module {
 public:
  explicit Model(Generator& generator) : head_(4, 2, generator) {
    scale_ = RegisterParameter("scale", Zeros({3}));
    mean_ = RegisterBuffer("mean", Zeros({2}));
    net_.Add<Linear>(3, 4, generator);
    net_.Add<ActivationLayer>(Activation::kElu);
    net_.Add<Linear>(4, 4, generator, LinearOptions{.bias = false});
    RegisterModule("net", net_);
    RegisterModule("head", head_);
    shared_ = RegisterParameter("shared", head_.weight());
  }

  Tensor scale_, mean_, shared_;
  Sequential net_;
  Linear head_;
};

class ModuleTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Names(const NamedTensors& tensors) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors) names.push_back(name);
    return names;
  }

  Generator generator_{1};
  Model model_{generator_};
};

using Strings = std::vector<std::string>;

TEST_F(ModuleTest, ParametersHavePyTorchsNamesAndOrder) {
  EXPECT_EQ(Names(model_.NamedParameters()), (Strings{"scale", "shared", "net.0.weight",
                                                      "net.0.bias", "net.2.weight", "head.bias"}));
  EXPECT_EQ(model_.Parameters().size(), 6u);
  EXPECT_EQ(model_.ParameterCount(), 3 + 8 + 12 + 4 + 16 + 2);
  EXPECT_EQ(Names(model_.NamedBuffers()), Strings{"mean"});
}

TEST_F(ModuleTest, ParametersCollectGradientsAndBuffersDoNot) {
  for (const Tensor& parameter : model_.Parameters()) EXPECT_TRUE(parameter.requires_grad());
  EXPECT_FALSE(model_.mean_.requires_grad());
}

TEST_F(ModuleTest, StateDictHoldsEverythingUnderEveryName) {
  const NamedTensors state = model_.StateDict();
  EXPECT_EQ(Names(state), (Strings{"scale", "shared", "mean", "net.0.weight", "net.0.bias",
                                   "net.2.weight", "head.weight", "head.bias"}));
  for (const auto& [name, tensor] : state) EXPECT_FALSE(tensor.requires_grad()) << name;
  EXPECT_EQ(FindTensor(state, "head.weight").data<float>(), model_.head_.weight().data<float>());
  EXPECT_FALSE(FindTensor(state, "nothing").defined());
}

TEST_F(ModuleTest, StateDictLoadsIntoAnotherModelInAnyOrder) {
  Generator other_seed(2);
  Model other(other_seed);
  NamedTensors state = model_.StateDict();
  std::swap(state[0], state[5]);
  ASSERT_TRUE(other.LoadStateDict(state).ok());
  for (size_t i = 0; i < model_.StateDict().size(); ++i) {
    EXPECT_EQ(other.StateDict()[i].second.ToVector<float>(),
              model_.StateDict()[i].second.ToVector<float>());
  }
}

TEST_F(ModuleTest, AStateThatDoesNotFitIsRefusedAsAWhole) {
  NamedTensors state = model_.StateDict();
  state[0].second = Zeros({4});                             // scale: another shape
  state[2].second = Zeros({2}, autograd::DType::kF64);      // mean: another dtype
  state[3].first = "net.9.weight";                          // net.0.weight is missing
  state[4].second = autograd::Full({4}, 7);                 // net.0.bias fits
  state.emplace_back("head.bias", autograd::Full({2}, 7));  // there twice
  const std::vector<float> before = model_.StateDict()[4].second.ToVector<float>();
  const absl::Status status = model_.LoadStateDict(state);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      std::string(status.message()),
      "the state does not fit; missing: net.0.weight; unexpected: net.9.weight; given twice: "
      "head.bias; different: scale is [3] f32, given [4] f32, mean is [2] f32, given [2] f64");
  EXPECT_EQ(model_.StateDict()[4].second.ToVector<float>(), before);
}

TEST_F(ModuleTest, TrainAndEvalReachEveryModule) {
  EXPECT_TRUE(model_.net_.layer(0).training());
  model_.Eval();
  for (const auto& [name, module] : model_.NamedModules()) EXPECT_FALSE(module->training()) << name;
  model_.Train();
  EXPECT_TRUE(model_.net_.layer(2).training());
}

TEST_F(ModuleTest, ModulesAreListedParentsFirst) {
  Strings names;
  for (const auto& [name, module] : model_.NamedModules()) names.push_back(name);
  EXPECT_EQ(names, (Strings{"", "net", "net.0", "net.1", "net.2", "head"}));
}

class Named : public Module {
 public:
  using Module::RegisterBuffer;
  using Module::RegisterModule;
  using Module::RegisterParameter;
};

TEST(Module, BadNamesAndValuesAreRefused) {
  Named module, child;
  module.RegisterParameter("a", Zeros({1}));
  EXPECT_THROW(module.RegisterParameter("", Zeros({1})), std::invalid_argument);
  EXPECT_THROW(module.RegisterParameter("a.b", Zeros({1})), std::invalid_argument);
  EXPECT_THROW(module.RegisterBuffer("a", Zeros({1})), std::invalid_argument);
  EXPECT_THROW(module.RegisterModule("a", child), std::invalid_argument);
  EXPECT_THROW(module.RegisterParameter("b", Tensor()), std::invalid_argument);
  EXPECT_THROW(module.RegisterBuffer("b", Tensor()), std::invalid_argument);
  EXPECT_THROW(module.RegisterParameter("b", Zeros({1}, autograd::DType::kI64)),
               std::invalid_argument);
}

TEST(NamedTensorsTest, Prefixes) {
  const NamedTensors tensors = {{"ema.w", Zeros({1})}, {"weights.w", Zeros({2})}};
  const NamedTensors ema = WithoutPrefix(tensors, "ema.");
  ASSERT_EQ(ema.size(), 1u);
  EXPECT_EQ(ema[0].first, "w");
  EXPECT_EQ(WithPrefix(ema, "x.")[0].first, "x.w");
}

}  // namespace
}  // namespace nn
