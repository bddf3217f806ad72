#include "flowmatch/models/class_conditioned_unet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/unary.h"
#include "nn/ema.h"
#include "nn/named_tensors.h"
#include "nn/optim/adam.h"
#include "nn/parameter_buffer.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::Generator;

ClassConditionedUNetOptions SmallOptions() {
  ClassConditionedUNetOptions options = {.num_classes = 3, .class_channels = 2};
  options.unet.block_out_channels = {4, 8};
  options.unet.down_block_types = {nn::BlockType::kPlain, nn::BlockType::kAttention};
  options.unet.layers_per_block = 1;
  options.unet.attention_head_dim = 4;
  options.unet.norm_num_groups = 2;
  return options;
}

Tensor Labels(const std::vector<int64_t>& labels) {
  return Tensor::FromVector(labels, {static_cast<int64_t>(labels.size())});
}

TEST(ClassConditionedUNetTest, TheMnistProgramsModelHasTheSpecificationsParameters) {
  Generator generator(1);
  const ClassConditionedUNet model({}, generator);
  EXPECT_EQ(model.ParameterCount(), 1709401);
  const nn::NamedTensors parameters = model.NamedParameters();
  EXPECT_EQ(parameters[0].first, "class_emb.weight");
  EXPECT_EQ(parameters[0].second.shape(), (autograd::Shape{11, 8}));
  EXPECT_EQ(parameters[1].first, "model.conv_in.weight");
  EXPECT_EQ(parameters.back().first, "model.conv_out.bias");
  std::set<std::string> names;
  for (const auto& [name, tensor] : parameters) names.insert(name);
  for (const char* name :
       {"model.time_embedding.linear_1.weight", "model.down_blocks.0.resnets.0.norm1.weight",
        "model.down_blocks.0.resnets.0.time_emb_proj.weight",
        "model.down_blocks.1.resnets.0.conv_shortcut.weight",
        "model.down_blocks.1.attentions.0.group_norm.weight",
        "model.down_blocks.1.attentions.0.to_q.weight",
        "model.down_blocks.1.attentions.0.to_out.0.bias",
        "model.down_blocks.0.downsamplers.0.conv.weight",
        "model.up_blocks.0.upsamplers.0.conv.weight", "model.up_blocks.2.resnets.2.conv2.weight",
        "model.mid_block.resnets.1.conv1.weight", "model.mid_block.attentions.0.to_v.weight",
        "model.conv_norm_out.weight"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("model.down_blocks.0.attentions.0.to_q.weight"));
  EXPECT_FALSE(names.contains("model.down_blocks.2.downsamplers.0.conv.weight"));
}

TEST(ClassConditionedUNetTest, SamplesDoNotSeeEachOther) {
  Generator generator(2);
  const ClassConditionedUNet model(SmallOptions(), generator);
  const Tensor x = autograd::Randn({3, 8, 8, 1}, generator);
  const Tensor t = Tensor::FromVector<float>({0.1f, 0.5f, 0.9f}, {3});
  const Tensor all = model.Forward(x, t, Labels({1, 0, 3}));
  const Tensor one = model.Forward(Slice(x, 0, 1, 2), Slice(t, 0, 1, 2), Labels({0}));
  const Tensor same = Slice(all, 0, 1, 2);
  for (size_t i = 0; i < one.ToVector<float>().size(); ++i) {
    EXPECT_NEAR(one.ToVector<float>()[i], same.ToVector<float>()[i], 1e-5);
  }
}

TEST(ClassConditionedUNetTest, TimeAndLabelMatter) {
  for (const auto conditioning :
       {ClassConditioning::kChannels, ClassConditioning::kTimeEmbedding}) {
    Generator generator(3);
    ClassConditionedUNetOptions options = SmallOptions();
    options.conditioning = conditioning;
    const ClassConditionedUNet model(options, generator);
    const Tensor x = autograd::Randn({1, 8, 8, 1}, generator);
    const auto run = [&](float t, int64_t label) {
      return model.Forward(x, Tensor::FromVector<float>({t}, {1}), Labels({label}))
          .ToVector<float>();
    };
    EXPECT_EQ(run(0.5f, 1), run(0.5f, 1));
    EXPECT_NE(run(0.5f, 1), run(0.5f, 2));
    EXPECT_NE(run(0.5f, 1), run(0.51f, 1));
  }
}

TEST(ClassConditionedUNetTest, OneTimeForAllSamples) {
  Generator generator(7);
  const ClassConditionedUNet model(SmallOptions(), generator);
  const Tensor x = autograd::Randn({3, 8, 8, 1}, generator);
  const Tensor one = model.Forward(x, Tensor::FromVector<float>({0.3f}, {1}), Labels({0, 1, 2}));
  const Tensor each =
      model.Forward(x, Tensor::FromVector<float>({0.3f, 0.3f, 0.3f}, {3}), Labels({0, 1, 2}));
  EXPECT_EQ(one.ToVector<float>(), each.ToVector<float>());
}

// |a - b| / |b|, of vectors.
double RelativeDistance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double distance = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += distance * distance;
    size += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(difference / size);
}

TEST(ClassConditionedUNetTest, MixedPrecisionComputesWhatF32Does) {
  Generator generator(8);
  ClassConditionedUNet model(SmallOptions(), generator);
  nn::ParameterBuffer parameters(model);
  const Tensor x = autograd::Randn({6, 12, 12, 1}, generator), t = autograd::Rand({6}, generator);
  const Tensor labels = autograd::RandInt(0, 4, {6}, generator);
  const auto run = [&] {
    parameters.ZeroGrad();
    const Tensor v = model.Forward(x, t, labels);
    EXPECT_EQ(v.dtype(), autograd::DType::kF32);
    Backward(Mean(autograd::Square(v - x), {}));
    parameters.GatherGradients();
    return std::pair(v.ToVector<float>(), parameters.gradients().ToVector<float>());
  };
  const auto [v32, gradients32] = run();
  model.set_compute_dtype(autograd::DType::kBF16);
  const auto [v16, gradients16] = run();
  const double error = RelativeDistance(v16, v32);
  // Not 0: it is another arithmetic. A rounding to bf16 is of 2^-9, and there are some twenty
  // layers.
  EXPECT_GT(error, 1e-4);
  EXPECT_LT(error, 2e-2);
  EXPECT_LT(RelativeDistance(gradients16, gradients32), 4e-2);
  EXPECT_THROW(model.set_compute_dtype(autograd::DType::kF64), std::invalid_argument);
}

class TrainingMemoryTest : public ::testing::TestWithParam<autograd::DType> {};
INSTANTIATE_TEST_SUITE_P(ComputeTypes, TrainingMemoryTest,
                         ::testing::Values(autograd::DType::kF32, autograd::DType::kBF16));

TEST_P(TrainingMemoryTest, AStepReusesTheMemoryOfTheOneBefore) {
  Generator generator(6);
  ClassConditionedUNet model(SmallOptions(), generator);
  model.set_compute_dtype(GetParam());
  nn::ParameterBuffer parameters(model);
  nn::AdamW optimizer(parameters);
  nn::Ema ema(parameters, nn::WarmupDecay(0.999));
  const Tensor x = autograd::Randn({8, 28, 28, 1}, generator), t = autograd::Rand({8}, generator);
  const Tensor labels = autograd::RandInt(0, 4, {8}, generator);
  int64_t allocations = 0;
  for (int step = 0; step < 4; ++step) {
    optimizer.ZeroGrad();
    Backward(Mean(autograd::Square(model.Forward(x, t, labels) - x), {}));
    optimizer.Step();
    ema.Update();
    const int64_t now = autograd::GetAllocatorStats().system_allocations;
    // Under AddressSanitizer everything comes from the system.
    if (step > 0 && autograd::AllocatorCaches()) {
      EXPECT_EQ(now, allocations) << "step " << step;
    }
    allocations = now;
  }
}

TEST(ClassConditionedUNetTest, LabelsMayBeI32) {
  Generator generator(4);
  const ClassConditionedUNet model(SmallOptions(), generator);
  const Tensor x = autograd::Randn({2, 8, 8, 1}, generator), t = autograd::Zeros({2});
  EXPECT_EQ(model.Forward(x, t, Tensor::FromVector<int32_t>({1, 2}, {2})).ToVector<float>(),
            model.Forward(x, t, Labels({1, 2})).ToVector<float>());
}

TEST(ClassConditionedUNetTest, MisuseIsNamed) {
  Generator generator(5);
  const ClassConditionedUNet model(SmallOptions(), generator);
  const Tensor x = autograd::Zeros({2, 8, 8, 1}), t = autograd::Zeros({2});
  EXPECT_EQ(
      ErrorText([&] {
        model.Forward(x, t, Labels({3, 4}));
      }),
      "ClassConditionedUNet: label 4 at position 1 is out of range, wants 0 (no class) ... 3");
  EXPECT_EQ(
      ErrorText([&] {
        model.Forward(x, t, Labels({-1, 0}));
      }),
      "ClassConditionedUNet: label -1 at position 0 is out of range, wants 0 (no class) ... 3");
  EXPECT_EQ(ErrorText([&] { model.Forward(x, t, Labels({1})); }),
            "ClassConditionedUNet: wants x [B, H, W, 1], t [B] or [1] and labels [B] i64 or i32, "
            "got [2, 8, 8, 1] f32, [2] f32 and [1] i64");
  EXPECT_EQ(ErrorText([&] { model.Forward(x, t, t); }),
            "ClassConditionedUNet: wants x [B, H, W, 1], t [B] or [1] and labels [B] i64 or i32, "
            "got [2, 8, 8, 1] f32, [2] f32 and [2] f32");
  ClassConditionedUNetOptions options = SmallOptions();
  options.num_classes = 0;
  EXPECT_EQ(ErrorText([&] { ClassConditionedUNet(options, generator); }),
            "ClassConditionedUNet: wants positive sizes, got num_classes 0, image_channels 1 and "
            "class_channels 2");
}

}  // namespace
}  // namespace flowmatch
