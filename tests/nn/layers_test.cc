// Linear, ActivationLayer, Sequential, Embedding and the random starting values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autograd/grad.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/unary.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/sequential.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Ones;
using autograd::SumTo;

Tensor Points(DType dtype = DType::kF32) {
  Generator generator(7);
  return NormalTensor({6, 3}, 0, 1, generator, dtype);
}

// The same sum, element by element.
std::vector<double> Reference(const Linear& layer, const Tensor& x) {
  const std::vector<double> w = layer.weight().ToVector<double>(), v = x.ToVector<double>();
  const int64_t in = layer.weight().size(1), out = layer.weight().size(0);
  std::vector<double> y;
  for (int64_t row = 0; row < x.numel() / in; ++row) {
    for (int64_t j = 0; j < out; ++j) {
      double sum =
          layer.bias().defined() ? layer.bias().ToVector<double>()[static_cast<size_t>(j)] : 0;
      for (int64_t k = 0; k < in; ++k) {
        sum += v[static_cast<size_t>(row * in + k)] * w[static_cast<size_t>(j * in + k)];
      }
      y.push_back(sum);
    }
  }
  return y;
}

TEST(Linear, ComputesXTimesWeightTransposedPlusBias) {
  Generator generator(1);
  for (const bool bias : {true, false}) {
    const Linear layer(3, 5, generator, {.bias = bias, .dtype = DType::kF64});
    const Tensor x = Points(DType::kF64);
    const std::vector<double> expected = Reference(layer, x);
    const std::vector<double> y = layer.Forward(x).ToVector<double>();
    ASSERT_EQ(y.size(), expected.size());
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-14);
    EXPECT_EQ(layer.bias().defined(), bias);
    EXPECT_EQ(layer.NamedParameters().size(), bias ? 2u : 1u);
  }
}

TEST(Linear, AnyNumberOfLeadingAxes) {
  Generator generator(1);
  const Linear layer(3, 5, generator);
  EXPECT_EQ(layer.Forward(Ones({2, 4, 3})).shape(), (autograd::Shape{2, 4, 5}));
  EXPECT_EQ(layer.Forward(Ones({3})).shape(), autograd::Shape{5});
  EXPECT_THROW(layer.Forward(Ones({2, 4})), std::invalid_argument);
}

TEST(Linear, StartsAsPyTorchDoes) {
  Generator generator(1);
  const Linear layer(100, 400, generator);
  for (const Tensor& parameter : layer.Parameters()) {
    const std::vector<float> values = parameter.ToVector<float>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*low, -0.1f);
    EXPECT_LE(*high, 0.1f);
    EXPECT_LT(*low, -0.095f);
    EXPECT_GT(*high, 0.095f);
  }
  // The variance of a uniform distribution on +-b is b^2 / 3.
  double squares = 0;
  for (const float value : layer.weight().ToVector<float>()) squares += value * value;
  EXPECT_NEAR(squares / 40000, 0.01 / 3, 1e-4);
}

TEST(Linear, SameSeedSameParameters) {
  Generator a(3), b(3), c(4);
  const Linear first(7, 9, a), same(7, 9, b), other(7, 9, c);
  EXPECT_EQ(first.weight().ToVector<float>(), same.weight().ToVector<float>());
  EXPECT_EQ(first.bias().ToVector<float>(), same.bias().ToVector<float>());
  EXPECT_NE(first.weight().ToVector<float>(), other.weight().ToVector<float>());
}

TEST(Linear, BadSizesAreRefused) {
  Generator generator(1);
  EXPECT_THROW(Linear(0, 2, generator), std::invalid_argument);
  EXPECT_THROW(Linear(2, -1, generator), std::invalid_argument);
  EXPECT_THROW(Linear(2, 2, generator, {.dtype = DType::kI64}), std::invalid_argument);
}

TEST(Linear, ActivationOfItsOwnComesBeforeTheNextLayers) {
  Generator generator(1);
  const Linear layer(3, 5, generator, {.activation = {Activation::kRelu}});
  const Tensor x = Points();
  const Tensor expected = autograd::Tanh(layer.Forward(x));
  EXPECT_EQ(layer.ForwardThen(x, {Activation::kTanh}).ToVector<float>(),
            expected.ToVector<float>());
}

TEST(Sequential, FusesActivationsWithoutChangingNamesValuesOrGradients) {
  for (const Activation activation :
       {Activation::kRelu, Activation::kElu, Activation::kSilu, Activation::kGeluErf}) {
    Generator generator(1);
    Sequential net;
    net.Add<ActivationLayer>(activation);  // without a layer before it
    Linear& first = net.Add<Linear>(3, 8, generator, LinearOptions{.dtype = DType::kF64});
    net.Add<ActivationLayer>(activation, 0.7);
    net.Add<ActivationLayer>(activation);  // after another one
    Linear& second = net.Add<Linear>(8, 2, generator, LinearOptions{.dtype = DType::kF64});
    EXPECT_EQ(net.NamedParameters()[0].first, "1.weight");
    EXPECT_EQ(net.NamedParameters()[2].first, "4.weight");
    EXPECT_EQ(net.size(), 5u);

    const Tensor x = Points(DType::kF64);
    const Tensor fused = net.Forward(x);
    Tensor plain = first.Forward(Activate(x, {activation}));
    plain = Activate(Activate(plain, {activation, 0.7}), {activation});
    plain = second.Forward(plain);
    const std::vector<Tensor> leaves = net.Parameters();
    const std::vector<Tensor> a = autograd::Grad({SumTo(Square(fused), {})}, leaves);
    const std::vector<Tensor> b = autograd::Grad({SumTo(Square(plain), {})}, leaves);
    EXPECT_EQ(fused.ToVector<double>().size(), 12u);
    for (size_t i = 0; i < 12; ++i) {
      EXPECT_NEAR(fused.ToVector<double>()[i], plain.ToVector<double>()[i], 1e-13);
    }
    for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      for (size_t i = 0; i < a[leaf].ToVector<double>().size(); ++i) {
        EXPECT_NEAR(a[leaf].ToVector<double>()[i], b[leaf].ToVector<double>()[i], 1e-12);
      }
    }
  }
}

TEST(Sequential, EmptyIsTheIdentityAndNestsUnderDottedNames) {
  Generator generator(1);
  Sequential outer;
  const Tensor x = Points();
  EXPECT_EQ(outer.Forward(x).ToVector<float>(), x.ToVector<float>());
  outer.Add<Sequential>().Add<Linear>(3, 2, generator);
  EXPECT_EQ(outer.NamedParameters()[1].first, "0.0.bias");
  EXPECT_EQ(outer.Forward(x).shape(), (autograd::Shape{6, 2}));
}

TEST(Embedding, LooksUpRowsAndAddsUpTheirGradients) {
  Generator generator(1);
  const Embedding embedding(4, 3, generator);
  const Tensor y = embedding.Forward(Tensor::FromVector<int64_t>({2, 0, 2, 3}, {2, 2}));
  EXPECT_EQ(y.shape(), (autograd::Shape{2, 2, 3}));
  const std::vector<float> table = embedding.weight().ToVector<float>();
  EXPECT_EQ(y.ToVector<float>()[0], table[6]);
  EXPECT_EQ(y.ToVector<float>()[5], table[2]);
  Backward(SumTo(y, {}));
  EXPECT_EQ(embedding.weight().grad().ToVector<float>(),
            (std::vector<float>{1, 1, 1, 0, 0, 0, 2, 2, 2, 1, 1, 1}));
  EXPECT_THROW(embedding.Forward(Tensor::FromVector<int64_t>({4}, {1})), std::invalid_argument);
  EXPECT_THROW(Embedding(0, 3, generator), std::invalid_argument);
}

TEST(Init, NormalHasTheMomentsAskedFor) {
  Generator generator(1);
  const std::vector<float> values = NormalTensor({200, 200}, 3, 0.5, generator).ToVector<float>();
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += (value - 3) * (value - 3);
  }
  const double n = static_cast<double>(values.size());
  // Five standard errors of the mean and of the deviation.
  EXPECT_NEAR(sum / n, 3, 5 * 0.5 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / n), 0.5, 5 * 0.5 / std::sqrt(2 * n));
  EXPECT_THROW(NormalTensor({2}, 0, 1, generator, DType::kI32), std::invalid_argument);
  EXPECT_THROW(UniformTensor({2}, 0, 1, generator, DType::kBF16), std::invalid_argument);
}

}  // namespace
}  // namespace nn
