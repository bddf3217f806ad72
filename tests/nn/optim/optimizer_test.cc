#include "nn/optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "autograd/parallel/parallel.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/sgd.h"

namespace nn {
namespace {

using autograd::DType;

using Make = std::function<std::unique_ptr<Optimizer>(ParameterBuffer&)>;

template <class Type, class Options>
Make MakerOf(const Options& options) {
  return [options](ParameterBuffer& parameters) {
    return std::make_unique<Type>(parameters, options);
  };
}

struct Case {
  const char* name;
  Make make;
  double max_norm = 0;  // 0: not clipped
  int bias_every = 1;
};

// The options stand in tests/nn/golden/optimizers.py.
std::vector<Case> Cases() {
  return {
      {"sgd", MakerOf<Sgd>(SgdOptions{.learning_rate = 0.05})},
      {"sgd_momentum", MakerOf<Sgd>(SgdOptions{.learning_rate = 0.02, .momentum = 0.9})},
      {"sgd_dampening_decay",
       MakerOf<Sgd>(SgdOptions{
           .learning_rate = 0.05, .momentum = 0.8, .dampening = 0.3, .weight_decay = 0.1})},
      {"sgd_nesterov",
       MakerOf<Sgd>(SgdOptions{
           .learning_rate = 0.02, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true})},
      {"adam", MakerOf<Adam>(AdamOptions{.learning_rate = 0.01})},
      {"adam_betas", MakerOf<Adam>(AdamOptions{
                         .learning_rate = 0.05, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3})},
      {"adam_decay", MakerOf<Adam>(AdamOptions{.learning_rate = 0.02, .weight_decay = 0.3})},
      {"adamw", MakerOf<AdamW>(AdamWOptions{.learning_rate = 0.01})},
      {"adamw_decay", MakerOf<AdamW>(AdamWOptions{.learning_rate = 0.03,
                                                  .beta1 = 0.8,
                                                  .beta2 = 0.95,
                                                  .epsilon = 1e-6,
                                                  .weight_decay = 0.5})},
      {"adam_clipped", MakerOf<Adam>(AdamOptions{.learning_rate = 0.01}), 0.5},
      {"adam_sparse", MakerOf<Adam>(AdamOptions{.learning_rate = 0.01, .weight_decay = 0.1}), 0, 3},
  };
}

const nlohmann::json& Golden() {
  static const nlohmann::json golden =
      nlohmann::json::parse(std::ifstream("tests/nn/golden/optimizers.json"));
  return golden;
}

template <class T>
Tensor Parameter(const char* name, const autograd::Shape& shape) {
  const auto values = Golden()["start"][name].get<std::vector<T>>();
  return Tensor::FromVector(values, shape).set_requires_grad(true);
}

// The gradient that tests/nn/golden/optimizers.py gives a parameter in a step.
template <class T>
Tensor GradientOf(const Tensor& parameter, const char* name, size_t step) {
  std::vector<T> values = parameter.ToVector<T>();
  for (size_t i = 0; i < values.size(); ++i) {
    const T stiffness = static_cast<T>(0.2 + 0.15 * static_cast<double>(i));
    values[i] = stiffness * values[i] + Golden()["noise"][name][step][i].get<T>();
  }
  return Tensor::FromVector(values, parameter.shape());
}

template <class T>
void ExpectTrajectory(const Case& c) {
  SCOPED_TRACE(c.name);
  Tensor weight = Parameter<T>("weight", {3, 4}), bias = Parameter<T>("bias", {5});
  ParameterBuffer parameters({{"weight", weight}, {"bias", bias}});
  const std::unique_ptr<Optimizer> optimizer = c.make(parameters);
  const nlohmann::json& trajectory = Golden()["cases"][c.name];
  ASSERT_GE(trajectory.size(), 20u);
  for (size_t step = 0; step < trajectory.size(); ++step) {
    optimizer->ZeroGrad();
    weight.set_grad(GradientOf<T>(weight, "weight", step));
    if (step % static_cast<size_t>(c.bias_every) == 0) {
      bias.set_grad(GradientOf<T>(bias, "bias", step));
    }
    if (c.max_norm > 0) ClipGradientNorm(parameters, c.max_norm);
    optimizer->Step();
    for (const auto& [name, tensor] : {std::pair("weight", weight), std::pair("bias", bias)}) {
      const std::vector<T> values = tensor.template ToVector<T>();
      for (size_t i = 0; i < values.size(); ++i) {
        const double expected = trajectory[step][name][i];
        // Relative to the parameters' usual size of one where they pass through zero.
        ASSERT_NEAR(values[i], expected, 1e-6 * std::max(std::abs(expected), 0.3))
            << name << "[" << i << "] after step " << step + 1;
      }
    }
  }
}

TEST(Optimizer, TrajectoriesAreThoseOfPyTorch) {
  ASSERT_EQ(Golden()["cases"].size(), Cases().size());
  for (const Case& c : Cases()) {
    ExpectTrajectory<float>(c);
    ExpectTrajectory<double>(c);
  }
}

// Runs some steps on `sizes` parameters with gradients from a formula and returns all values.
std::vector<float> Train(const Make& make, const std::vector<int64_t>& sizes) {
  NamedTensors tensors;
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::vector<float> values(static_cast<size_t>(sizes[i]));
    for (size_t j = 0; j < values.size(); ++j) values[j] = std::sin(static_cast<float>(i + 3 * j));
    tensors.emplace_back(std::to_string(i), Tensor::FromVector(values, {sizes[i]}));
    tensors.back().second.set_requires_grad(true);
  }
  ParameterBuffer parameters(tensors);
  const std::unique_ptr<Optimizer> optimizer = make(parameters);
  std::vector<float> all;
  for (int step = 0; step < 3; ++step) {
    for (auto& [name, tensor] : tensors) {
      std::vector<float> gradient = tensor.ToVector<float>();
      for (float& g : gradient) g = std::cos(5 * g + static_cast<float>(step));
      tensor.set_grad(Tensor::FromVector(gradient, tensor.shape()));
    }
    ClipGradientNorm(parameters, 1.0);
    optimizer->Step();
  }
  for (auto& [name, tensor] : tensors) {
    const std::vector<float> values = tensor.ToVector<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(Optimizer, SameBytesOnAnyNumberOfThreads) {
  const int before = autograd::NumThreads();
  for (const Case& c : Cases()) {
    autograd::SetNumThreads(1);
    const std::vector<float> serial = Train(c.make, {100003, 7, 40001});
    for (const int threads : {2, 3, 16}) {
      autograd::SetNumThreads(threads);
      EXPECT_EQ(Train(c.make, {100003, 7, 40001}), serial) << c.name << " on " << threads;
    }
  }
  autograd::SetNumThreads(before);
}

// Where an element lies in the buffer, and what lies around it, does not change a bit of it.
TEST(Optimizer, SameBytesWhereverAParameterLies) {
  const Make make = [](ParameterBuffer& parameters) {
    return std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = 0.1});
  };
  NamedTensors alone = {{"a", Tensor::FromVector<float>({1, -2, 3}, {3})}};
  NamedTensors among = {{"b", Tensor::FromVector<float>(std::vector<float>(16389, 1), {16389})},
                        {"a", Tensor::FromVector<float>({1, -2, 3}, {3})}};
  for (NamedTensors* tensors : {&alone, &among}) {
    for (auto& [name, tensor] : *tensors) tensor.set_requires_grad(true);
    ParameterBuffer parameters(*tensors);
    const std::unique_ptr<Optimizer> optimizer = make(parameters);
    for (int step = 0; step < 5; ++step) {
      for (auto& [name, tensor] : *tensors) {
        std::vector<float> gradient = tensor.ToVector<float>();
        for (float& g : gradient) g = std::sin(g);
        tensor.set_grad(Tensor::FromVector(gradient, tensor.shape()));
      }
      optimizer->Step();
    }
  }
  EXPECT_EQ(alone[0].second.ToVector<float>(), among[1].second.ToVector<float>());
}

TEST(Optimizer, StateContinuesARunWithTheSameBytes) {
  for (const Case& c : Cases()) {
    Tensor a = Parameter<float>("weight", {3, 4}), b = Parameter<float>("weight", {3, 4});
    ParameterBuffer parameters_a(NamedTensors{{"w", a}}), parameters_b(NamedTensors{{"w", b}});
    const auto optimizer_a = c.make(parameters_a), optimizer_b = c.make(parameters_b);
    const auto step = [](Tensor& tensor, Optimizer& optimizer, size_t i) {
      tensor.set_grad(GradientOf<float>(tensor, "weight", i));
      optimizer.Step();
    };
    for (size_t i = 0; i < 3; ++i) step(a, *optimizer_a, i);
    ASSERT_TRUE(optimizer_b->LoadStateDict(optimizer_a->StateDict()).ok());
    ASSERT_TRUE(CopyNamedTensors({{"w", a.Detach()}}, {{"w", b.Detach()}}).ok());
    for (size_t i = 3; i < 6; ++i) {
      step(a, *optimizer_a, i);
      step(b, *optimizer_b, i);
    }
    EXPECT_EQ(a.ToVector<float>(), b.ToVector<float>()) << c.name;
  }
}

TEST(Optimizer, StateHasPyTorchsNames) {
  Tensor w = Parameter<float>("weight", {3, 4});
  ParameterBuffer parameters(NamedTensors{{"net.0.weight", w}});
  Adam adam(parameters);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam.StateDict()) {
    names.push_back(name + " " + Describe(tensor));
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"net.0.weight.step [] i64", "net.0.weight.exp_avg [3, 4] f32",
                                      "net.0.weight.exp_avg_sq [3, 4] f32"}));
  Sgd sgd(parameters, {.momentum = 0.9});
  EXPECT_EQ(sgd.StateDict()[1].first, "net.0.weight.momentum_buffer");
  EXPECT_FALSE(sgd.LoadStateDict(adam.StateDict()).ok());
}

TEST(Optimizer, AGraphThatSavedAParameterNoticesTheStep) {
  Tensor w = Parameter<float>("weight", {3, 4});
  ParameterBuffer parameters(NamedTensors{{"w", w}});
  Sgd sgd(parameters);
  w.set_grad(GradientOf<float>(w, "weight", 0));
  const uint32_t before = w.version();
  sgd.Step();
  EXPECT_NE(w.version(), before);
}

TEST(Optimizer, OptionsOutOfRangeAreRefused) {
  Tensor w = Parameter<float>("weight", {3, 4});
  ParameterBuffer parameters(NamedTensors{{"w", w}});
  EXPECT_THROW(Adam(parameters, {.learning_rate = -1}), std::invalid_argument);
  EXPECT_THROW(Adam(parameters, {.beta1 = 1}), std::invalid_argument);
  EXPECT_THROW(Adam(parameters, {.beta2 = -0.1}), std::invalid_argument);
  EXPECT_THROW(AdamW(parameters, {.weight_decay = NAN}), std::invalid_argument);
  EXPECT_THROW(Sgd(parameters, {.momentum = 1}), std::invalid_argument);
  EXPECT_THROW(Sgd(parameters, {.nesterov = true}), std::invalid_argument);
  EXPECT_THROW(Sgd(parameters, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}),
               std::invalid_argument);
  EXPECT_NO_THROW(Sgd(parameters, {.momentum = 0.9, .dampening = 1}));
  Sgd sgd(parameters);
  EXPECT_THROW(sgd.set_learning_rate(INFINITY), std::invalid_argument);
}

}  // namespace
}  // namespace nn
