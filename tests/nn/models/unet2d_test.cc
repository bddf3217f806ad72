#include "nn/models/unet2d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "autograd/parallel/parallel.h"
#include "nn/named_tensors.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Shape;

constexpr auto kPlain = BlockType::kPlain;
constexpr auto kAttention = BlockType::kAttention;

UNet2DOptions SmallOptions() {
  return {.in_channels = 2,
          .out_channels = 3,
          .block_out_channels = {4, 6},
          .down_block_types = {kPlain, kAttention},
          .layers_per_block = 1,
          .attention_head_dim = 2,
          .norm_num_groups = 2};
}

Tensor Times(const std::vector<float>& times) {
  return Tensor::FromVector(times, {static_cast<int64_t>(times.size())});
}

// The error of a call, or "no error".
template <class Call>
std::string ErrorOf(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

class UNet2DTest : public ::testing::Test {
 protected:
  Tensor Random(const Shape& shape, DType dtype = DType::kF32) {
    return autograd::Randn(shape, generator_, dtype);
  }
  Generator generator_{1};
};

TEST_F(UNet2DTest, StartsAsPyTorchDoes) {
  const UNet2D model({}, generator_);
  const NamedTensors parameters = model.NamedParameters();
  for (const float weight : FindTensor(parameters, "conv_in.weight").ToVector<float>()) {
    EXPECT_LE(std::abs(weight), 1 / std::sqrt(27.f));
  }
  const Tensor scale = FindTensor(parameters, "mid_block.resnets.0.norm1.weight");
  EXPECT_EQ(scale.ToVector<float>(), std::vector<float>(64, 1.f));
  const Tensor shift = FindTensor(parameters, "conv_norm_out.bias");
  EXPECT_EQ(shift.ToVector<float>(), std::vector<float>(32, 0.f));
}

TEST_F(UNet2DTest, AnySizeOfImage) {
  const UNet2D model(SmallOptions(), generator_);
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{8, 8}, {7, 5}, {1, 2}}) {
    EXPECT_EQ(model.Forward(Random({2, height, width, 2}), Times({0, 999})).shape(),
              (Shape{2, height, width, 3}));
  }
}

TEST_F(UNet2DTest, TypesOfTheWayUpAreThoseOfTheWayDownBackwards) {
  UNet2DOptions options = SmallOptions();
  EXPECT_EQ(UNet2D(options, generator_).options().up_block_types,
            (std::vector<BlockType>{kAttention, kPlain}));
  options.up_block_types = {kPlain, kAttention};
  const NamedTensors parameters = UNet2D(options, generator_).NamedParameters();
  EXPECT_TRUE(FindTensor(parameters, "up_blocks.1.attentions.1.to_q.weight").defined());
  EXPECT_FALSE(FindTensor(parameters, "up_blocks.0.attentions.0.to_q.weight").defined());
}

TEST_F(UNet2DTest, DerivativesOfAnyOrder) {
  UNet2DOptions options = SmallOptions();
  options.in_channels = options.out_channels = 1;
  options.block_out_channels = {2, 2};
  options.dtype = DType::kF64;
  const UNet2D model(options, generator_);
  const auto forward = [&model](const std::vector<Tensor>& in) {
    return std::vector{Sum(autograd::Square(model.Forward(in[0], in[1])), {})};
  };
  const std::vector<Tensor> inputs = {Random({1, 4, 3, 1}, DType::kF64),
                                      Tensor::FromVector<double>({0.3}, {1})};
  const auto first = autograd::GradCheck(forward, inputs);
  EXPECT_TRUE(first.ok) << first.message;
  const auto second = autograd::GradGradCheck(forward, inputs);
  EXPECT_TRUE(second.ok) << second.message;
}

TEST_F(UNet2DTest, EveryParameterLearns) {
  UNet2DOptions options = SmallOptions();
  options.num_class_embeds = 3;
  const UNet2D model(options, generator_);
  const Tensor labels = Tensor::FromVector<int64_t>({0, 2}, {2});
  Backward(Sum(autograd::Square(model.Forward(Random({2, 8, 8, 2}), Times({3, 500}), labels)), {}));
  for (const auto& [name, parameter] : model.NamedParameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_GT(Sum(autograd::Square(parameter.grad()), {}).item(), 0) << name;
  }
}

TEST_F(UNet2DTest, TheSameBytesOnAnyNumberOfThreads) {
  const UNet2D model(SmallOptions(), generator_);
  const Tensor x = Random({5, 14, 14, 2}), t = Times({0, 1, 10, 100, 999});
  const auto run = [&](int threads) {
    autograd::SetNumThreads(threads);
    for (Tensor& parameter : model.Parameters()) parameter.set_grad(Tensor());
    Backward(Sum(autograd::Square(model.Forward(x, t)), {}));
    std::vector<std::vector<float>> gradients;
    for (const Tensor& parameter : model.Parameters()) {
      gradients.push_back(parameter.grad().ToVector<float>());
    }
    return gradients;
  };
  const auto one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(3), one);
}

TEST_F(UNet2DTest, InputsThatDoNotFitAreNamed) {
  const UNet2D model(SmallOptions(), generator_);
  EXPECT_EQ(
      ErrorOf([&] {
        model.Forward(Random({2, 8, 8, 3}), Times({0, 1}));
      }),
      "UNet2D: wants x [B, H, W, 2] f32, t [B] or [1] f32 and no labels, got [2, 8, 8, 3] f32, [2] "
      "f32 and undefined");
  EXPECT_THROW(model.Forward(Random({2, 8, 8, 2}), Times({0, 1, 2})), std::invalid_argument);
  EXPECT_THROW(model.Forward(Random({8, 8, 2}), Times({0, 1})), std::invalid_argument);
  EXPECT_THROW(model.Forward(Random({2, 8, 8, 2}, DType::kF64), Times({0, 1})),
               std::invalid_argument);
  UNet2DOptions options = SmallOptions();
  options.num_class_embeds = 3;
  const UNet2D labelled(options, generator_);
  EXPECT_EQ(ErrorOf([&] {
              labelled.Forward(Random({1, 8, 8, 2}), Times({0}));
            }),
            "UNet2D: wants x [B, H, W, 2] f32, t [B] or [1] f32 and labels [B], got [1, 8, 8, 2] "
            "f32, [1] "
            "f32 and undefined");
  EXPECT_THROW(
      labelled.Forward(Random({1, 8, 8, 2}), Times({0}), Tensor::FromVector<int64_t>({3}, {1})),
      std::invalid_argument);
}

TEST_F(UNet2DTest, OptionsThatContradictEachOtherAreNamed) {
  const auto error = [this](void (*change)(UNet2DOptions&)) {
    UNet2DOptions options = SmallOptions();
    change(options);
    return ErrorOf([&] { UNet2D(options, generator_); });
  };
  EXPECT_EQ(error([](UNet2DOptions& o) { o.block_out_channels = {4}; }),
            "UNet2D: wants as many block types as block_out_channels, at least one, got 2 on the "
            "way down, 2 on the way up and 1 block_out_channels");
  EXPECT_EQ(error([](UNet2DOptions& o) { o.layers_per_block = 0; }),
            "UNet2D: wants positive sizes, got in_channels 2, out_channels 3, layers_per_block 0, "
            "num_class_embeds 0, block_out_channels 4 6");
  EXPECT_EQ(error([](UNet2DOptions& o) { o.downsample_padding = 2; }),
            "UNet2D: downsample_padding is 2, wants 0 or 1");
  EXPECT_NE(error([](UNet2DOptions& o) { o.norm_num_groups = 4; }), "no error");
  EXPECT_NE(error([](UNet2DOptions& o) { o.attention_head_dim = 4; }), "no error");
}

}  // namespace
}  // namespace nn
