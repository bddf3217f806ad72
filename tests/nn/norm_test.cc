#include "nn/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/ops/activation.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/norm.h"
#include "nn/init.h"

namespace nn {
namespace {

TEST(GroupNormLayerTest, StartsAsTheIdentityAfterTheOperation) {
  Generator generator(1);
  const GroupNorm norm(2, 4);
  ASSERT_EQ(norm.NamedParameters().size(), 2u);
  EXPECT_EQ(norm.NamedParameters()[0].first, "weight");
  EXPECT_EQ(norm.NamedParameters()[1].first, "bias");
  const Tensor x = autograd::Randn({2, 3, 3, 4}, generator);
  EXPECT_EQ(norm.Forward(x).ToVector<float>(), autograd::GroupNorm(x, 2).ToVector<float>());
}

TEST(GroupNormLayerTest, OptionsReachTheOperation) {
  Generator generator(1);
  const GroupNorm norm(1, 4, {.eps = 0.5, .affine = false});
  EXPECT_EQ(norm.ParameterCount(), 0);
  const Tensor x = autograd::Randn({2, 3, 4}, generator);
  EXPECT_EQ(norm.Forward(x).ToVector<float>(),
            autograd::GroupNorm(x, 1, Tensor(), Tensor(), 0.5).ToVector<float>());
  const Tensor then = norm.ForwardThen(x, {Activation::kSilu});
  const Tensor wanted = autograd::Silu(norm.Forward(x));
  for (size_t i = 0; i < then.ToVector<float>().size(); ++i) {
    EXPECT_NEAR(then.ToVector<float>()[i], wanted.ToVector<float>()[i], 1e-6);
  }
}

TEST(GroupNormLayerTest, MisuseIsRefused) {
  EXPECT_THROW(GroupNorm(3, 4), std::invalid_argument);
  EXPECT_THROW(GroupNorm(0, 4), std::invalid_argument);
  EXPECT_THROW(GroupNorm(2, 4, {.eps = -1}), std::invalid_argument);
  EXPECT_THROW(GroupNorm(2, 4).Forward(autograd::Zeros({2, 6})), std::invalid_argument);
}

TEST(LayerNormLayerTest, NormalisesTheLastAxis) {
  Generator generator(1);
  const LayerNorm norm(4, {.bias = false});
  ASSERT_EQ(norm.NamedParameters().size(), 1u);
  EXPECT_EQ(norm.NamedParameters()[0].first, "weight");
  const Tensor x = autograd::Randn({2, 3, 4}, generator);
  EXPECT_EQ(norm.Forward(x).ToVector<float>(), autograd::LayerNorm(x).ToVector<float>());
  EXPECT_EQ(LayerNorm(4).ParameterCount(), 8);
  EXPECT_EQ(LayerNorm(4, {.affine = false}).ParameterCount(), 0);
  EXPECT_THROW(norm.Forward(autograd::Zeros({2, 6})), std::invalid_argument);
  EXPECT_THROW(LayerNorm(0), std::invalid_argument);
  EXPECT_THROW(LayerNorm(3, {.eps = -1}), std::invalid_argument);
}

TEST(RmsNormLayerTest, DividesByTheRootMeanSquare) {
  const RMSNorm norm(2, {.dtype = autograd::DType::kF64});
  const Tensor x = Tensor::FromVector<double>({3, 4, 0, 0}, {2, 2});
  const std::vector<double> y = norm.Forward(x).ToVector<double>();
  EXPECT_NEAR(y[0], 3 / std::sqrt(12.5), 1e-14);
  EXPECT_NEAR(y[1], 4 / std::sqrt(12.5), 1e-14);
  EXPECT_EQ(y[2], 0);
  // The default eps is that of the dtype, which shows where x is small.
  const Tensor small = Tensor::FromVector<double>({1e-8, 1e-8}, {1, 2});
  EXPECT_NEAR(norm.Forward(small).ToVector<double>()[0], 1 / std::sqrt(1 + 0x1p-52 / 1e-16), 1e-12);
  EXPECT_EQ(norm.NamedParameters()[0].first, "weight");
  EXPECT_THROW(norm.Forward(autograd::Zeros({2, 6}, autograd::DType::kF64)), std::invalid_argument);
  EXPECT_THROW(RMSNorm(0), std::invalid_argument);
  EXPECT_THROW(RMSNorm(2, {.eps = -1}), std::invalid_argument);
}

TEST(BatchNorm2dTest, HasPyTorchsNamesAndStartingValues) {
  const BatchNorm2d norm(3);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : norm.StateDict()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"weight", "bias", "running_mean", "running_var",
                                             "num_batches_tracked"}));
  EXPECT_EQ(norm.running_mean().ToVector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(norm.running_var().ToVector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(norm.num_batches_tracked().item<int64_t>(), 0);
  EXPECT_EQ(norm.num_batches_tracked().rank(), 0);
}

// Mean 2 and 5; sums of squared distances 2 and 18 of two numbers each.
TEST(BatchNorm2dTest, RunningStatisticsAreTheFormulas) {
  const BatchNorm2d norm(2, {.momentum = 0.25, .dtype = autograd::DType::kF64});
  const Tensor x = Tensor::FromVector<double>({1, 2, 3, 8}, {2, 1, 1, 2});
  const std::vector<double> y = norm.Forward(x).ToVector<double>();
  EXPECT_NEAR(y[0], -1 / std::sqrt(1 + 1e-5), 1e-14);
  EXPECT_NEAR(y[3], 3 / std::sqrt(9 + 1e-5), 1e-14);
  EXPECT_EQ(norm.running_mean().ToVector<double>(), (std::vector<double>{0.5, 1.25}));
  EXPECT_EQ(norm.running_var().ToVector<double>(), (std::vector<double>{0.75 + 0.5, 0.75 + 4.5}));
  EXPECT_EQ(norm.num_batches_tracked().item<int64_t>(), 1);
}

TEST(BatchNorm2dTest, EvaluationChangesNothingAndSeesNoOtherSample) {
  Generator generator(1);
  BatchNorm2d norm(2);
  norm.Forward(autograd::Randn({4, 3, 3, 2}, generator));
  norm.Eval();
  const std::vector<float> mean = norm.running_mean().ToVector<float>();
  const Tensor x = autograd::Randn({2, 1, 1, 2}, generator);
  const std::vector<float> both = norm.Forward(x).ToVector<float>();
  const Tensor second =
      Tensor::FromVector<float>({x.ToVector<float>()[2], x.ToVector<float>()[3]}, {1, 1, 1, 2});
  const std::vector<float> alone = norm.Forward(second).ToVector<float>();
  EXPECT_EQ(alone[0], both[2]);
  EXPECT_EQ(alone[1], both[3]);
  EXPECT_EQ(norm.running_mean().ToVector<float>(), mean);
  EXPECT_EQ(norm.num_batches_tracked().item<int64_t>(), 1);
}

TEST(BatchNorm2dTest, ActivationIsFusedInBothModes) {
  Generator generator(1);
  BatchNorm2d norm(3, {.momentum = 1, .dtype = autograd::DType::kF64});
  const Tensor x = autograd::Randn({4, 3, 3, 3}, generator, autograd::DType::kF64);
  for (const bool training : {true, false}) {
    norm.Train(training);
    const std::vector<double> then = norm.ForwardThen(x, {Activation::kSilu}).ToVector<double>();
    const std::vector<double> wanted = autograd::Silu(norm.Forward(x)).ToVector<double>();
    for (size_t i = 0; i < then.size(); ++i) EXPECT_NEAR(then[i], wanted[i], 1e-13);
  }
}

TEST(BatchNorm2dTest, MisuseIsRefused) {
  BatchNorm2d norm(2);
  EXPECT_THROW(norm.Forward(autograd::Zeros({2, 3, 3, 4})), std::invalid_argument);
  EXPECT_THROW(norm.Forward(autograd::Zeros({4, 2})), std::invalid_argument);
  EXPECT_THROW(norm.Forward(autograd::Zeros({1, 1, 1, 2})), std::invalid_argument);
  EXPECT_EQ(norm.num_batches_tracked().item<int64_t>(), 0);
  EXPECT_THROW(BatchNorm2d(0), std::invalid_argument);
  EXPECT_THROW(BatchNorm2d(2, {.eps = -1}), std::invalid_argument);
  EXPECT_THROW(BatchNorm2d(2, {.momentum = 1.5}), std::invalid_argument);
}

}  // namespace
}  // namespace nn
