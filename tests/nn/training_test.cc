// A whole training step: modules, gradients in the flat buffer, Adam.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "autograd/grad.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/unary.h"
#include "nn/activation.h"
#include "nn/ema.h"
#include "nn/linear.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/finite.h"
#include "nn/sequential.h"
#include "tests/nn/heap_counter.h"

namespace nn {
namespace {

class TrainingTest : public ::testing::Test {
 protected:
  TrainingTest() {
    Generator generator(1);
    const int64_t widths[] = {3, 16, 16, 2};
    for (int i = 0; i < 3; ++i) {
      if (i > 0) net_.Add<ActivationLayer>(Activation::kElu);
      net_.Add<Linear>(widths[i], widths[i + 1], generator);
    }
    EXPECT_TRUE(net_.LoadStateDict(State("start")).ok());
    x_ = Tensor::FromVector(golden_["x"].get<std::vector<float>>(), {32, 3});
    target_ = Tensor::FromVector(golden_["target"].get<std::vector<float>>(), {32, 2});
  }

  // A state dict of the golden file, by PyTorch's names.
  NamedTensors State(const char* key) const {
    NamedTensors state;
    for (const auto& [name, own] : net_.StateDict()) {
      const auto values = golden_[key][name].get<std::vector<float>>();
      state.emplace_back(name, Tensor::FromVector(values, own.shape()));
    }
    EXPECT_EQ(state.size(), golden_[key].size());
    return state;
  }
  Tensor Loss() const { return SumTo(Square(net_.Forward(x_) - target_), {}) / 64.0; }

  const nlohmann::json golden_ =
      nlohmann::json::parse(std::ifstream("tests/nn/golden/training.json"));
  Sequential net_;
  Tensor x_, target_;
};

TEST_F(TrainingTest, LossesAndParametersAreThoseOfPyTorch) {
  ParameterBuffer parameters(net_);
  Adam optimizer(parameters, {.learning_rate = 1e-2});
  for (const double expected : golden_["losses"].get<std::vector<double>>()) {
    optimizer.ZeroGrad();
    const Tensor loss = Loss();
    EXPECT_NEAR(loss.item(), expected, 2e-6 * expected);
    Backward(loss);
    optimizer.Step();
  }
  for (const auto& [name, expected] : State("end")) {
    const std::vector<float> values = FindTensor(net_.StateDict(), name).ToVector<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], expected.ToVector<float>()[i], 2e-5) << name << "[" << i << "]";
    }
  }
}

TEST_F(TrainingTest, FromTheSecondStepOnNothingComesFromTheSystem) {
  ParameterBuffer parameters(net_);
  Adam optimizer(parameters);
  Ema ema(parameters, WarmupDecay(0.999));
  int64_t allocations = 0;
  for (int step = 0; step < 5; ++step) {
    optimizer.ZeroGrad();
    const Tensor loss = Loss();
    Backward(loss);
    CheckFiniteLoss(loss.item(), step, parameters);
    ClipGradientNorm(parameters, 1);
    optimizer.Step();
    ema.Update();
    const int64_t now = autograd::GetAllocatorStats().system_allocations;
    // Under AddressSanitizer everything comes from the system.
    if (step > 0 && autograd::AllocatorCaches()) {
      EXPECT_EQ(now, allocations) << "in step " << step;
    }
    allocations = now;
  }
}

TEST_F(TrainingTest, WhatFollowsTheBackwardPassTakesNothingFromTheHeap) {
  ParameterBuffer parameters(net_);
  Adam optimizer(parameters);
  Ema ema(parameters, ConstantDecay(0.999));
  for (int step = 0; step < 3; ++step) {
    Backward(Loss());
    const int64_t before = HeapAllocations();
    ClipGradientNorm(parameters, 1e-3);
    optimizer.Step();
    ema.Update();
    optimizer.ZeroGrad();
    if (step > 0) {
      EXPECT_EQ(HeapAllocations(), before);
    }
  }
}

TEST_F(TrainingTest, AStepThatClipsAndAveragesTakesNothingFromTheHeap) {
  ParameterBuffer parameters(net_);
  Adam optimizer(parameters);
  Ema ema(parameters, ConstantDecay(0.999));
  for (int step = 0; step < 3; ++step) {
    Backward(Loss());
    const int64_t before = HeapAllocations();
    optimizer.Step({.max_norm = 1e-3, .ema = &ema});
    optimizer.ZeroGrad();
    if (step > 0) {
      EXPECT_EQ(HeapAllocations(), before);
    }
  }
}

}  // namespace
}  // namespace nn
