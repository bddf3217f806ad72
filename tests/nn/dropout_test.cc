#include "nn/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/creation.h"

namespace nn {
namespace {

TEST(DropoutTest, KeepsTheMeanInTraining) {
  Generator generator(1);
  const Dropout dropout(0.3, generator);
  const std::vector<float> y = dropout.Forward(autograd::Ones({200, 200})).ToVector<float>();
  const double zeros = static_cast<double>(std::count(y.begin(), y.end(), 0.0f));
  const double kept =
      static_cast<double>(std::count(y.begin(), y.end(), static_cast<float>(1 / (1 - 0.3))));
  EXPECT_EQ(zeros + kept, 40000);
  // Five standard deviations of a binomial distribution.
  EXPECT_NEAR(zeros, 0.3 * 40000, 5 * std::sqrt(40000 * 0.3 * 0.7));
}

TEST(DropoutTest, IsTheIdentityInEvaluation) {
  Generator generator(1);
  Dropout dropout(0.3, generator);
  const Generator::State before = generator.state();
  dropout.Eval();
  const Tensor x = autograd::Ones({5});
  EXPECT_TRUE(dropout.Forward(x).IsSame(x));
  EXPECT_EQ(generator.state(), before);
}

TEST(DropoutTest, EachCallDrawsAnewAndTheGeneratorsStateRepeatsIt) {
  Generator generator(1);
  const Dropout dropout(0.5, generator);
  const Tensor x = autograd::Ones({1000});
  const Generator::State before = generator.state();
  const std::vector<float> first = dropout.Forward(x).ToVector<float>();
  EXPECT_NE(dropout.Forward(x).ToVector<float>(), first);
  generator.set_state(before);
  EXPECT_EQ(dropout.Forward(x).ToVector<float>(), first);
}

TEST(DropoutTest, MovesTheGeneratorAsTheDrawItStandsFor) {
  for (const int64_t n : {0, 1, 63, 64, 65, 5000}) {
    Generator generator(3), other(3);
    Dropout(0.5, generator).Forward(autograd::Ones({n}));
    autograd::Bernoulli(0.5, {n}, other);
    EXPECT_EQ(generator.state(), other.state()) << n;
  }
}

TEST(DropoutTest, TheGradientPassesWhereTheValueDid) {
  Generator generator(1);
  const Dropout dropout(0.5, generator);
  const Tensor x = autograd::Ones({10000}).set_requires_grad(true);
  const Tensor y = dropout.Forward(x);
  const Tensor gradient = autograd::Grad({y}, {x}, {.grad_outputs = {autograd::Ones({10000})}})[0];
  EXPECT_EQ(gradient.ToVector<float>(), y.ToVector<float>());
}

TEST(DropoutTest, ZeroIsZeroWhateverWasThere) {
  Generator generator(1);
  const Dropout dropout(1, generator);
  const Tensor x = Tensor::FromVector<float>({NAN, INFINITY, 1}, {3});
  EXPECT_EQ(dropout.Forward(x).ToVector<float>(), (std::vector<float>{0, 0, 0}));
}

TEST(DropoutTest, BadProbabilitiesAreRefused) {
  Generator generator(1);
  EXPECT_THROW(Dropout(-0.1, generator), std::invalid_argument);
  EXPECT_THROW(Dropout(1.1, generator), std::invalid_argument);
  EXPECT_THROW(Dropout(NAN, generator), std::invalid_argument);
}

}  // namespace
}  // namespace nn
