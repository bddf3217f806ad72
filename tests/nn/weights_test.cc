#include "nn/weights.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/io/safetensors.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "nn/ema.h"
#include "nn/linear.h"
#include "nn/optim/adam.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Shape;

// 0, 1, 2, ... in this shape.
Tensor Counting(const Shape& shape) {
  return Reshape(autograd::Arange(0, static_cast<double>(shape.numel())), shape);
}

// The weight of a convolution, a Linear that meets an image of 2 x 3 x 4, a buffer.
class Model : public Module {
 public:
  explicit Model(Generator& generator)
      : head_(24, 5, generator,
              {.bias = false, .weight_layout = FileLayout::FlattenedImage(2, 3, 4)}) {
    kernel_ = RegisterParameter("kernel", Counting({2, 3, 4, 5}), FileLayout::kConvWeight);
    mean_ = RegisterBuffer("mean", autograd::Ones({4}));
    RegisterModule("head", head_);
  }
  Tensor kernel_, mean_;
  Linear head_;
};

class WeightsTest : public ::testing::Test {
 protected:
  Generator generator_{1};
  Model model_{generator_};
  Model other_{generator_};  // other values
};

void ExpectSame(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_EQ(a[i].second.shape(), b[i].second.shape()) << a[i].first;
    if (a[i].second.dtype() == DType::kI64) {
      EXPECT_EQ(a[i].second.ToVector<int64_t>(), b[i].second.ToVector<int64_t>()) << a[i].first;
    } else {
      EXPECT_EQ(a[i].second.ToVector<float>(), b[i].second.ToVector<float>()) << a[i].first;
    }
  }
}

TEST(FileLayoutTest, ConvolutionWeightsHaveTheirChannelsBeforeTheWindow) {
  const FileLayout layout = FileLayout::kConvWeight;
  const Tensor memory = Counting({2, 3, 4, 5});
  const Tensor file = layout.ToFile(memory);
  ASSERT_EQ(file.shape(), (Shape{2, 5, 3, 4}));
  EXPECT_TRUE(file.is_contiguous());
  EXPECT_EQ(file.at<float>({1, 4, 2, 3}), memory.at<float>({1, 2, 3, 4}));
  EXPECT_EQ(file.at<float>({0, 2, 1, 3}), memory.at<float>({0, 1, 3, 2}));
  EXPECT_EQ(layout.FromFile(file).ToVector<float>(), memory.ToVector<float>());
}

TEST(FileLayoutTest, ColumnsOfALinearFollowTheFlattenedImage) {
  const FileLayout layout = FileLayout::FlattenedImage(2, 3, 4);
  const Tensor memory = Counting({5, 24});
  const Tensor file = layout.ToFile(memory);
  ASSERT_EQ(file.shape(), (Shape{5, 24}));
  // Row 1, column 2 and channel 3 of the image.
  EXPECT_EQ(file.at<float>({4, (3 * 2 + 1) * 3 + 2}), memory.at<float>({4, (1 * 3 + 2) * 4 + 3}));
  EXPECT_EQ(layout.FromFile(file).ToVector<float>(), memory.ToVector<float>());
}

TEST(FileLayoutTest, ShapesThatDoNotFitAreRefused) {
  EXPECT_THROW(FileLayout::FlattenedImage(2, 0, 4), std::invalid_argument);
  EXPECT_THROW(FileLayout(FileLayout::kFlattenedImage), std::invalid_argument);
  EXPECT_THROW(FileLayout(FileLayout::kConvWeight).ToFile(autograd::Zeros({2, 3})),
               std::invalid_argument);
  EXPECT_THROW(FileLayout::FlattenedImage(2, 3, 4).FromFile(autograd::Zeros({2, 23})),
               std::invalid_argument);
  Generator generator(1);
  EXPECT_THROW(Linear(23, 5, generator, {.weight_layout = FileLayout::FlattenedImage(2, 3, 4)}),
               std::invalid_argument);
}

TEST_F(WeightsTest, FileLayoutsHaveTheNamesOfTheState) {
  const auto layouts = model_.FileLayouts();
  const NamedTensors state = model_.StateDict();
  ASSERT_EQ(layouts.size(), state.size());
  for (size_t i = 0; i < state.size(); ++i) EXPECT_EQ(layouts[i].first, state[i].first);
  EXPECT_EQ(layouts[0].second.kind(), FileLayout::kConvWeight);
  EXPECT_EQ(layouts[1].second.kind(), FileLayout::kAsIs);
  EXPECT_EQ(layouts[2].second.kind(), FileLayout::kFlattenedImage);
}

TEST_F(WeightsTest, TheStateIsCopiedInTheLayoutOfFiles) {
  const NamedTensors file = ToFileLayout(model_);
  EXPECT_EQ(FindTensor(file, "kernel").shape(), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(FindTensor(file, "head.weight").at<float>({0, 1}),
            model_.head_.weight().at<float>({0, 4}));
  EXPECT_NE(FindTensor(file, "mean").data<float>(), model_.mean_.data<float>());
}

TEST_F(WeightsTest, AStateInTheLayoutOfFilesLoads) {
  ASSERT_TRUE(LoadFileLayout(other_, ToFileLayout(model_)).ok());
  ExpectSame(other_.StateDict(), model_.StateDict());
}

TEST_F(WeightsTest, AStateThatDoesNotFitIsToldInTheShapesOfFiles) {
  NamedTensors state = ToFileLayout(model_);
  state[0].second = model_.kernel_.Detach();  // in the layout of memory
  state[1].first = "variance";
  state[2].second = autograd::Full({5, 24}, 7);
  const NamedTensors before = ToFileLayout(other_);
  const absl::Status status = LoadFileLayout(other_, state);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()),
            "the state does not fit; missing: mean; unexpected: variance; different: kernel is "
            "[2, 5, 3, 4] f32, given [2, 3, 4, 5] f32");
  ExpectSame(ToFileLayout(other_), before);
}

TEST_F(WeightsTest, AveragesAndMomentsAreConvertedByTheirNames) {
  ParameterBuffer parameters(model_), other_parameters(other_);
  Ema ema(parameters, ConstantDecay(.5)), other_ema(other_parameters, ConstantDecay(.5));
  Adam adam(parameters, {}), other_adam(other_parameters, {});
  Backward(Sum(Square(model_.kernel_), {}) + Sum(Square(model_.head_.weight()), {}));
  adam.Step();
  ema.Update();

  const NamedTensors average = ToFileLayout(model_, ema.StateDict());
  EXPECT_EQ(FindTensor(average, "kernel").shape(), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(FindTensor(average, "num_updates").item<int64_t>(), 1);
  ASSERT_TRUE(LoadFileLayout(other_, average, other_ema.StateDict()).ok());
  ExpectSame(other_ema.StateDict(), ema.StateDict());

  const NamedTensors moments = ToFileLayout(model_, adam.StateDict());
  EXPECT_EQ(FindTensor(moments, "kernel.exp_avg").shape(), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(FindTensor(moments, "head.weight.exp_avg_sq").at<float>({0, 1}),
            FindTensor(adam.StateDict(), "head.weight.exp_avg_sq").at<float>({0, 4}));
  EXPECT_EQ(FindTensor(moments, "kernel.step").item<int64_t>(), 1);
  ASSERT_TRUE(LoadFileLayout(other_, moments, other_adam.StateDict()).ok());
  ExpectSame(other_adam.StateDict(), adam.StateDict());

  NamedTensors partial = moments;
  partial.pop_back();
  EXPECT_FALSE(LoadFileLayout(other_, partial, other_adam.StateDict()).ok());
}

TEST_F(WeightsTest, FilesHoldTheStateAndComeBack) {
  const std::string path = ::testing::TempDir() + "/weights.safetensors";
  ASSERT_TRUE(SaveWeights(path, model_, {{"model", "test"}}).ok());
  const auto file = autograd::ReadSafetensors(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->metadata.at("model"), "test");
  ExpectSame(file->tensors, ToFileLayout(model_));
  ASSERT_TRUE(LoadWeights(path, other_).ok());
  ExpectSame(other_.StateDict(), model_.StateDict());
}

TEST_F(WeightsTest, FilesThatDoNotFitAreNamed) {
  const std::string path = ::testing::TempDir() + "/foreign.safetensors";
  Linear linear(2, 2, generator_, {.bias = false});
  ASSERT_TRUE(SaveWeights(path, linear).ok());
  const absl::Status status = LoadWeights(path, model_);
  EXPECT_EQ(
      std::string(status.message()),
      path + ": the state does not fit; missing: kernel, mean, head.weight; unexpected: weight");
  EXPECT_FALSE(LoadWeights(path + ".nothing", model_).ok());
}

}  // namespace
}  // namespace nn
