#include "nn/conv2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "nn/weights.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Ones;
using autograd::Shape;

double Largest(const Tensor& x) {
  double largest = 0;
  for (const float value : x.ToVector<float>()) {
    largest = std::max(largest, static_cast<double>(std::abs(value)));
  }
  return largest;
}

TEST(Conv2d, ParametersAreUniformOnPyTorchsInterval) {
  Generator generator(1);
  const Conv2d layer(16, 32, {3, 5}, generator, {.groups = 2});
  EXPECT_EQ(layer.weight().shape(), (Shape{32, 3, 5, 8}));
  EXPECT_EQ(layer.bias().shape(), (Shape{32}));
  const double bound = 1 / std::sqrt(3 * 5 * 8.0);
  EXPECT_LE(Largest(layer.weight()), 1.000001 * bound);
  EXPECT_GT(Largest(layer.weight()), 0.99 * bound);
  EXPECT_LE(Largest(layer.bias()), 1.000001 * bound);
  EXPECT_GT(Largest(layer.bias()), 0.7 * bound);
  EXPECT_EQ(layer.NamedParameters()[0].first, "weight");
  EXPECT_EQ(layer.NamedParameters()[1].first, "bias");
}

TEST(Conv2d, ForwardIsTheOperationWithItsOptions) {
  Generator generator(1);
  const Conv2d layer(4, 6, 3, generator,
                     {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
  const Tensor x = NormalTensor({2, 7, 8, 4}, 0, 1, generator);
  EXPECT_EQ(layer.Forward(x).ToVector<float>(),
            autograd::Conv2d(x, layer.weight(), layer.bias(),
                             {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2})
                .ToVector<float>());
  EXPECT_EQ(layer.Forward(x).shape(), (Shape{2, 4, 8, 6}));
}

TEST(Conv2d, WithoutABiasHasOneParameter) {
  Generator generator(1);
  const Conv2d layer(2, 3, 1, generator, {.bias = false, .dtype = DType::kF64});
  EXPECT_FALSE(layer.bias().defined());
  EXPECT_EQ(layer.Parameters().size(), 1u);
  EXPECT_EQ(layer.Forward(Ones({1, 2, 2, 2}, DType::kF64)).dtype(), DType::kF64);
}

TEST(Conv2d, FilesHavePyTorchsLayout) {
  Generator generator(1);
  Conv2d layer(2, 3, {4, 5}, generator);
  const NamedTensors state = ToFileLayout(layer);
  ASSERT_EQ(state[0].second.shape(), (Shape{3, 2, 4, 5}));
  const std::vector<float> file = state[0].second.ToVector<float>();
  const std::vector<float> memory = layer.weight().ToVector<float>();
  // Element [o = 2, c = 1, a = 3, b = 0] of the file.
  EXPECT_EQ(file[((2 * 2 + 1) * 4 + 3) * 5], memory[((2 * 4 + 3) * 5) * 2 + 1]);
}

TEST(Conv2d, GradientsReachTheParameters) {
  Generator generator(1);
  const Conv2d layer(1, 1, 2, generator);
  Backward(autograd::SumTo(layer.Forward(Ones({1, 3, 3, 1})), {}));
  EXPECT_EQ(layer.weight().grad().ToVector<float>(), (std::vector<float>{4, 4, 4, 4}));
  EXPECT_EQ(layer.bias().grad().ToVector<float>(), std::vector<float>{4});
}

TEST(Conv2d, RefusesSizesThatDoNotWork) {
  Generator generator(1);
  EXPECT_THROW(Conv2d(0, 3, 3, generator), std::invalid_argument);
  EXPECT_THROW(Conv2d(2, 3, 0, generator), std::invalid_argument);
  EXPECT_THROW(Conv2d(2, 3, 3, generator, {.groups = 2}), std::invalid_argument);
  EXPECT_THROW(ConvTranspose2d(3, 2, 3, generator, {.groups = 2}), std::invalid_argument);
}

TEST(ConvTranspose2d, ForwardIsTheOperationWithItsOptions) {
  Generator generator(1);
  const ConvTranspose2d layer(
      4, 6, 3, generator,
      {.stride = {2, 2}, .padding = {1, 1}, .groups = 2, .output_padding = {1, 0}});
  EXPECT_EQ(layer.weight().shape(), (Shape{4, 3, 3, 3}));
  EXPECT_EQ(layer.bias().shape(), (Shape{6}));
  EXPECT_LE(Largest(layer.weight()), 1.000001 / std::sqrt(27.0));
  EXPECT_EQ(ToFileLayout(layer)[0].second.shape(), (Shape{4, 3, 3, 3}));
  const Tensor x = NormalTensor({2, 4, 5, 4}, 0, 1, generator);
  EXPECT_EQ(layer.Forward(x).shape(), (Shape{2, 8, 9, 6}));
  EXPECT_EQ(layer.Forward(x).ToVector<float>(),
            autograd::ConvTranspose2d(
                x, layer.weight(), layer.bias(),
                {.stride = {2, 2}, .padding = {1, 1}, .groups = 2, .output_padding = {1, 0}})
                .ToVector<float>());
}

}  // namespace
}  // namespace nn
