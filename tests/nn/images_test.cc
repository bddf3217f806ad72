// Upsampling and pooling against PyTorch, and the layers' options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/errors.h"
#include "autograd/grad.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/unary.h"
#include "nn/pool.h"
#include "nn/upsample.h"

namespace nn {
namespace {

using autograd::Ones;
using autograd::Shape;
using autograd::Square;
using autograd::SumTo;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Shape ShapeOf(const nlohmann::json& sizes) {
  return Shape(std::span<const int64_t>(sizes.get<std::vector<int64_t>>()));
}

// The layer of a recorded case.
std::unique_ptr<Layer> MakeLayer(const nlohmann::json& golden) {
  const auto operation = golden["operation"].get<std::string>();
  if (golden.contains("kernel")) {
    const auto pair = [&](const char* name) { return golden[name].get<std::array<int64_t, 2>>(); };
    const Pool2dOptions options = {pair("kernel"), pair("stride"), pair("padding")};
    if (operation == "max_pool") return std::make_unique<MaxPool2d>(options);
    return std::make_unique<AvgPool2d>(options);
  }
  const Shape to = ShapeOf(golden["result_shape"]);
  const UpsampleMode mode =
      operation == "nearest" ? UpsampleMode::kNearest : UpsampleMode::kBilinear;
  return std::make_unique<Upsample>(
      to[1], to[2],
      UpsampleOptions{.mode = mode, .align_corners = golden["align_corners"].get<bool>()});
}

void ExpectNear(const Tensor& found, const nlohmann::json& wanted, double tolerance) {
  const std::vector<float> values = found.ToVector<float>();
  ASSERT_EQ(values.size(), wanted.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], wanted[i].get<double>(), tolerance) << "element " << i;
  }
}

TEST(Images, AreThoseOfPyTorch) {
  const auto golden = nlohmann::json::parse(std::ifstream("tests/nn/golden/images.json"));
  ASSERT_EQ(golden.size(), 28u);
  for (const nlohmann::json& one : golden) {
    SCOPED_TRACE(one["operation"].get<std::string>() + " " + one["shape"].dump() + " to " +
                 one["result_shape"].dump());
    const Tensor x =
        Tensor::FromVector(one["input"].get<std::vector<float>>(), ShapeOf(one["shape"]))
            .set_requires_grad(true);
    const Tensor y = MakeLayer(one)->Forward(x);
    ASSERT_EQ(y.shape(), ShapeOf(one["result_shape"]));
    // PyTorch computes positions in f32, which moves them by up to 4e-6 pixels here.
    ExpectNear(y, one["result"], 2e-5);
    Backward(SumTo(Square(y), {}));
    ExpectNear(x.grad(), one["gradient"], 2e-4);
  }
}

TEST(Upsample, RefusesAFactorThatOverflows) {
  const Upsample upsample((int64_t{1} << 62) + 1);
  EXPECT_THROW(upsample.Forward(Ones({1, 4, 1, 1})), std::invalid_argument);
}

TEST(Upsample, TakesAFactor) {
  const Upsample twice(2);
  const Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 6}, {1, 1, 3, 2});
  EXPECT_EQ(
      twice.Forward(x).ToVector<float>(),
      (std::vector<float>{1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6}));
  const Upsample smooth(3, {.mode = UpsampleMode::kBilinear});
  EXPECT_EQ(smooth.Forward(x).shape(), (Shape{1, 3, 9, 2}));
}

TEST(Upsample, MisuseIsExplained) {
  EXPECT_THAT([] { Upsample(0); }, ThrowsMessage<std::invalid_argument>(HasSubstr("factor 0")));
  EXPECT_THAT([] { Upsample(4, 0); }, ThrowsMessage<std::invalid_argument>(HasSubstr("width 0")));
  EXPECT_THAT([] { Upsample(2, {.align_corners = true}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("align_corners")));
  EXPECT_THAT([] { Upsample(2).Forward(Ones({3})); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("[3] f32")));
}

// Without filling what memory there is with tables of rows before.
TEST(Upsample, ResultsBeyondMemoryAreToldOf) {
  constexpr int64_t kTall = int64_t{1} << 45;
  for (const UpsampleMode mode : {UpsampleMode::kNearest, UpsampleMode::kBilinear}) {
    EXPECT_THROW(Upsample(kTall, 1, {.mode = mode}).Forward(Ones({1, 2, 2, 1})),
                 autograd::OutOfMemoryError);
  }
}

TEST(MaxPool2d, TheFirstOfEqualPixelsHasTheGradient) {
  const MaxPool2d pool({.kernel = {1, 3}});
  const Tensor x = Tensor::FromVector<float>({1, 5, 5}, {1, 1, 3, 1}).set_requires_grad(true);
  Backward(SumTo(pool.Forward(x), {}));
  EXPECT_EQ(x.grad().ToVector<float>(), (std::vector<float>{0, 1, 0}));
}

TEST(MaxPool2d, NanAndMinusInfinityCount) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const MaxPool2d pool({.kernel = {1, 3}});
  const Tensor x =
      Tensor::FromVector<float>({1, nan, 5, -inf, -inf, -inf, nan, 2, nan}, {1, 3, 3, 1})
          .set_requires_grad(true);
  const Tensor y = pool.Forward(x);
  EXPECT_TRUE(std::isnan(y.at<float>({0, 0, 0, 0})));
  EXPECT_EQ(y.at<float>({0, 1, 0, 0}), -inf);
  Backward(SumTo(y, {}));
  EXPECT_EQ(x.grad().ToVector<float>(), (std::vector<float>{0, 1, 0, 1, 0, 0, 1, 0, 0}));
}

TEST(Pooling, ImagesWithoutChannelsOrBatch) {
  EXPECT_EQ(AvgPool2d().Forward(Ones({0, 4, 4, 2})).shape(), (Shape{0, 2, 2, 2}));
  EXPECT_EQ(MaxPool2d().Forward(Ones({1, 4, 4, 0})).shape(), (Shape{1, 2, 2, 0}));
  EXPECT_EQ(Upsample(2).Forward(Ones({0, 4, 4, 2})).shape(), (Shape{0, 8, 8, 2}));
}

}  // namespace
}  // namespace nn
