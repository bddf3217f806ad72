#include "nn/models/unet2d_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/conv.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "nn/init.h"
#include "nn/models/attention_block.h"
#include "nn/models/resnet_block.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Shape;

std::vector<std::string> Names(const Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module.NamedParameters()) names.push_back(name);
  return names;
}

using Strings = std::vector<std::string>;

UNetBlockOptions Options(int64_t in, int64_t out, int64_t layers) {
  return {
      .in = in, .out = out, .layers = layers, .time_channels = 6, .head_dim = 2, .norm_groups = 2};
}

class UNetBlocksTest : public ::testing::Test {
 protected:
  Tensor Random(const Shape& shape, DType dtype = DType::kF32) {
    return autograd::Randn(shape, generator_, dtype);
  }
  Generator generator_{1};
};

TEST_F(UNetBlocksTest, ResnetBlockHasAShortcutWhereChannelsChange) {
  const ResnetBlock same({.in = 4, .out = 4, .time_channels = 6, .norm_groups = 2}, generator_);
  EXPECT_EQ(Names(same), (Strings{"norm1.weight", "norm1.bias", "conv1.weight", "conv1.bias",
                                  "time_emb_proj.weight", "time_emb_proj.bias", "norm2.weight",
                                  "norm2.bias", "conv2.weight", "conv2.bias"}));
  const ResnetBlock other({.in = 4, .out = 8, .time_channels = 6, .norm_groups = 2}, generator_);
  EXPECT_EQ(Names(other).size(), 12u);
  EXPECT_EQ(Names(other)[10], "conv_shortcut.weight");
  EXPECT_EQ(other.Forward(Random({2, 5, 3, 4}), Random({2, 6})).shape(), (Shape{2, 5, 3, 8}));
}

TEST_F(UNetBlocksTest, DerivativesOfAResnetBlock) {
  const ResnetBlock block(
      {.in = 2, .out = 4, .time_channels = 2, .norm_groups = 2, .dtype = DType::kF64}, generator_);
  const auto forward = [&block](const std::vector<Tensor>& in) {
    return std::vector{block.Forward(in[0], in[1])};
  };
  const std::vector<Tensor> inputs = {Random({1, 3, 2, 2}, DType::kF64),
                                      Random({1, 2}, DType::kF64)};
  const auto first = autograd::GradCheck(forward, inputs);
  EXPECT_TRUE(first.ok) << first.message;
  const auto second = autograd::GradGradCheck(forward, inputs);
  EXPECT_TRUE(second.ok) << second.message;
}

TEST_F(UNetBlocksTest, DerivativesOfAnAttentionBlock) {
  const AttentionBlock block({.channels = 4, .head_dim = 2, .norm_groups = 2, .dtype = DType::kF64},
                             generator_);
  const auto forward = [&block](const std::vector<Tensor>& in) {
    return std::vector{block.Forward(in[0])};
  };
  const std::vector<Tensor> inputs = {Random({2, 2, 3, 4}, DType::kF64)};
  const auto first = autograd::GradCheck(forward, inputs);
  EXPECT_TRUE(first.ok) << first.message;
  const auto second = autograd::GradGradCheck(forward, inputs);
  EXPECT_TRUE(second.ok) << second.message;
}

// A function's values, and the gradients of the sum of their squares by inputs and parameters.
std::vector<double> ValuesAndGradients(const Module& module, std::vector<Tensor> leaves,
                                       const Tensor& y) {
  for (const auto& [name, tensor] : module.NamedParameters()) leaves.push_back(tensor);
  std::vector<double> numbers = y.ToVector<double>();
  for (const Tensor& gradient : Grad({Sum(y * y)}, leaves)) {
    const std::vector<double> values = gradient.ToVector<double>();
    numbers.insert(numbers.end(), values.begin(), values.end());
  }
  return numbers;
}

void ExpectNear(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-10 * (1 + std::abs(b[i]))) << i;
}

TEST_F(UNetBlocksTest, ASkipConnectionMeansTheImagesSideBySide) {
  for (const int64_t out : {6, 4}) {  // without and with a convolution as shortcut
    const ResnetBlock block(
        {.in = 6, .out = out, .time_channels = 3, .norm_groups = 2, .dtype = DType::kF64},
        generator_);
    const Tensor x = Random({2, 4, 3, 4}, DType::kF64).set_requires_grad(true);
    const Tensor skip = Random({2, 4, 3, 2}, DType::kF64).set_requires_grad(true);
    const Tensor time = Random({2, 3}, DType::kF64).set_requires_grad(true);
    ExpectNear(ValuesAndGradients(block, {x, skip, time}, block.Forward(x, skip, time)),
               ValuesAndGradients(block, {x, skip, time},
                                  block.Forward(autograd::Concat({x, skip}, -1), time)));
  }
}

TEST_F(UNetBlocksTest, ResnetBlockIsItsFormula) {
  const ResnetBlock block(
      {.in = 4, .out = 6, .time_channels = 3, .norm_groups = 2, .dtype = DType::kF64}, generator_);
  const auto parameters = block.NamedParameters();
  const auto p = [&](size_t i) { return parameters[i].second; };
  const Tensor x = Random({2, 4, 3, 4}, DType::kF64).set_requires_grad(true);
  const Tensor time = Random({2, 3}, DType::kF64).set_requires_grad(true);
  const auto convolve = [](const Tensor& image, const Tensor& weight, const Tensor& bias) {
    return autograd::Conv2d(image, weight, bias, {.padding = {1, 1}});
  };
  Tensor h = convolve(Silu(autograd::GroupNorm(x, 2, p(0), p(1))), p(2), p(3));
  h = h + Reshape(autograd::Linear(time, p(4), p(5)), {2, 1, 1, 6});
  h = convolve(Silu(autograd::GroupNorm(h, 2, p(6), p(7))), p(8), p(9));
  h = h + autograd::Conv2d(x, p(10), p(11));
  ExpectNear(ValuesAndGradients(block, {x, time}, block.Forward(x, time)),
             ValuesAndGradients(block, {x, time}, h));
}

TEST_F(UNetBlocksTest, AttentionBlockIsItsFormula) {
  const AttentionBlock block({.channels = 4, .head_dim = 2, .norm_groups = 2, .dtype = DType::kF64},
                             generator_);
  const auto parameters = block.NamedParameters();
  const auto p = [&](size_t i) { return parameters[i].second; };
  const Tensor x = Random({2, 4, 3, 4}, DType::kF64).set_requires_grad(true);
  const Tensor normed = autograd::GroupNorm(x, 2, p(0), p(1));
  const auto heads = [&](size_t i) {
    return Reshape(autograd::Linear(normed, p(i), p(i + 1)), {2, 12, 2, 2});
  };
  const Tensor mixed = autograd::ScaledDotProductAttention(heads(2), heads(4), heads(6));
  const Tensor y = x + autograd::Linear(Reshape(mixed, x.shape()), p(8), p(9));
  ExpectNear(ValuesAndGradients(block, {x}, block.Forward(x)), ValuesAndGradients(block, {x}, y));
}

TEST_F(UNetBlocksTest, OneTimeForAllImages) {
  const ResnetBlock block({.in = 4, .out = 4, .time_channels = 6, .norm_groups = 2}, generator_);
  const Tensor x = Random({3, 4, 3, 4}), time = Random({1, 6});
  EXPECT_EQ(block.Forward(x, time).ToVector<float>(),
            block.Forward(x, Contiguous(autograd::Expand(time, {3, 6}))).ToVector<float>());
}

TEST_F(UNetBlocksTest, AttentionBlockNamesAndMisuse) {
  const AttentionBlock block({.channels = 4, .head_dim = 2, .norm_groups = 2}, generator_);
  EXPECT_EQ(Names(block), (Strings{"group_norm.weight", "group_norm.bias", "to_q.weight",
                                   "to_q.bias", "to_k.weight", "to_k.bias", "to_v.weight",
                                   "to_v.bias", "to_out.0.weight", "to_out.0.bias"}));
  const auto make = [this](int64_t head_dim, int64_t groups) {
    AttentionBlock({.channels = 4, .head_dim = head_dim, .norm_groups = groups}, generator_);
  };
  EXPECT_THROW(make(3, 2), std::invalid_argument);
  EXPECT_THROW(make(0, 2), std::invalid_argument);
  EXPECT_THROW(make(2, 3), std::invalid_argument);
  EXPECT_THROW(block.Forward(autograd::Zeros({2, 3, 4})), std::invalid_argument);
  EXPECT_THROW(block.Forward(autograd::Zeros({2, 3, 3, 6})), std::invalid_argument);
}

TEST_F(UNetBlocksTest, DownBlockHandsOutWhatItComputes) {
  const DownBlock block(Options(4, 8, 2), {.attention = true}, generator_);
  std::vector<Tensor> skips = {Random({1})};
  const Tensor y = block.Forward(Random({2, 6, 4, 4}), Random({2, 6}), skips);
  ASSERT_EQ(skips.size(), 4u);
  EXPECT_EQ(skips[1].shape(), (Shape{2, 6, 4, 8}));
  EXPECT_EQ(skips[2].shape(), (Shape{2, 6, 4, 8}));
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 8}));
  EXPECT_TRUE(y.IsSame(skips[3]));
  EXPECT_EQ(Names(block)[0], "attentions.0.group_norm.weight");
  EXPECT_EQ(Names(block).back(), "downsamplers.0.conv.bias");
}

TEST_F(UNetBlocksTest, TheLastLevelKeepsItsSize) {
  const DownBlock block(Options(4, 8, 1), {.downsample = false}, generator_);
  std::vector<Tensor> skips;
  const Tensor y = block.Forward(Random({1, 6, 4, 4}), Random({1, 6}), skips);
  EXPECT_EQ(y.shape(), (Shape{1, 6, 4, 8}));
  EXPECT_EQ(skips.size(), 1u);
  EXPECT_EQ(Names(block)[0], "resnets.0.norm1.weight");
}

TEST_F(UNetBlocksTest, DownsamplingOfOddSizes) {
  const Downsample2d padded(4, 1, generator_, DType::kF32), ended(4, 0, generator_, DType::kF32);
  EXPECT_EQ(padded.Forward(Random({1, 7, 6, 4})).shape(), (Shape{1, 4, 3, 4}));
  EXPECT_EQ(ended.Forward(Random({1, 7, 6, 4})).shape(), (Shape{1, 3, 3, 4}));
}

TEST_F(UNetBlocksTest, UpBlockTakesSkipsFromTheBackAndReachesTheSizeOfTheNext) {
  const UpBlock block(Options(8, 4, 1), {.skip_channels = {4, 6}, .attention = true}, generator_);
  std::vector<Tensor> skips = {Random({2, 7, 5, 4}), Random({2, 4, 3, 6}), Random({2, 4, 3, 4})};
  const Tensor y = block.Forward(Random({2, 4, 3, 8}), Random({2, 6}), skips);
  EXPECT_EQ(y.shape(), (Shape{2, 7, 5, 4}));
  EXPECT_EQ(skips.size(), 1u);
  EXPECT_EQ(Names(block).back(), "upsamplers.0.conv.bias");
}

TEST_F(UNetBlocksTest, MidBlockWithAndWithoutAttention) {
  const MidBlock with(Options(4, 4, 1), true, generator_),
      without(Options(4, 4, 1), false, generator_);
  EXPECT_EQ(Names(with).size(), 30u);
  EXPECT_EQ(Names(without).size(), 20u);
  EXPECT_EQ(without.Forward(Random({2, 3, 3, 4}), Random({2, 6})).shape(), (Shape{2, 3, 3, 4}));
}

}  // namespace
}  // namespace nn
