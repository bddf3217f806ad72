#include "nn/parameter_buffer.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/unary.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/sequential.h"

namespace nn {
namespace {

using autograd::Ones;
using autograd::SumTo;
using autograd::Zeros;

class ParameterBufferTest : public ::testing::Test {
 protected:
  static void Build(Sequential& net, uint64_t seed) {
    Generator generator(seed);
    net.Add<Linear>(3, 5, generator);
    net.Add<ActivationLayer>(Activation::kTanh);
    net.Add<Linear>(5, 2, generator);
  }
  ParameterBufferTest() {
    Build(net_, 1);
    Build(twin_, 1);
  }
  static Tensor Loss(const Sequential& net) { return SumTo(Square(net.Forward(Ones({4, 3}))), {}); }

  Sequential net_;
  Sequential twin_;  // the same, without a buffer
};

TEST_F(ParameterBufferTest, ParametersKeepTheirValuesAndLieInTheBuffer) {
  const ParameterBuffer parameters(net_);
  EXPECT_EQ(parameters.size(), 16 + 16 + 16 + 16);
  ASSERT_EQ(parameters.entries().size(), 4u);
  EXPECT_EQ(parameters.entries()[2].name, "2.weight");
  for (size_t i = 0; i < 4; ++i) {
    const ParameterBuffer::Entry& entry = parameters.entries()[i];
    EXPECT_EQ(entry.parameter.ToVector<float>(), twin_.Parameters()[i].ToVector<float>());
    EXPECT_EQ(entry.parameter.data<float>(), parameters.values().data<float>() + entry.begin);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.parameter.data<float>()) % 64, 0u);
    EXPECT_TRUE(entry.parameter.IsSame(net_.Parameters()[i]));
  }
}

TEST_F(ParameterBufferTest, GradientsLandInTheBufferWithTheSameBytes) {
  ParameterBuffer parameters(net_);
  for (int pass = 0; pass < 2; ++pass) {
    parameters.ZeroGrad();
    for (const Tensor& parameter : twin_.Parameters()) Tensor(parameter).set_grad(Tensor());
    for (const auto& entry : parameters.entries()) EXPECT_FALSE(entry.parameter.grad().defined());
    Backward(Loss(net_));
    Backward(Loss(twin_));
    for (size_t i = 0; i < 4; ++i) {
      const ParameterBuffer::Entry& entry = parameters.entries()[i];
      EXPECT_EQ(entry.parameter.grad().data<float>(),
                parameters.gradients().data<float>() + entry.begin);
      EXPECT_EQ(entry.gradient.ToVector<float>(), twin_.Parameters()[i].grad().ToVector<float>());
    }
  }
}

TEST_F(ParameterBufferTest, GradientsAccumulateUntilCleared) {
  ParameterBuffer parameters(net_);
  Backward(Loss(net_));
  const std::vector<float> once = parameters.entries()[0].gradient.ToVector<float>();
  Backward(Loss(net_));
  const std::vector<float> twice = parameters.entries()[0].gradient.ToVector<float>();
  for (size_t i = 0; i < once.size(); ++i) EXPECT_EQ(twice[i], 2 * once[i]);
}

TEST_F(ParameterBufferTest, GatherBringsInGradientsThatLieElsewhere) {
  ParameterBuffer parameters(net_);
  std::vector<Tensor> list = net_.Parameters();
  // The user's own gradient; a parameter with a hook; one used twice; one without a gradient.
  list[0].set_grad(Ones({5, 3}));
  list[1].RegisterHook([](const Tensor& gradient) { return gradient * 2.0; });
  Backward(SumTo(list[1] * 3.0, {}) + SumTo(list[2] * list[2], {}));
  parameters.GatherGradients();
  EXPECT_EQ(parameters.entries()[0].gradient.ToVector<float>(), std::vector<float>(15, 1));
  EXPECT_EQ(parameters.entries()[1].gradient.ToVector<float>(), std::vector<float>(5, 6));
  EXPECT_EQ(parameters.entries()[2].gradient.ToVector<float>()[0],
            2 * list[2].ToVector<float>()[0]);
  EXPECT_TRUE(parameters.HasGradient(2));
  EXPECT_FALSE(parameters.HasGradient(3));
  EXPECT_TRUE(list[0].grad().IsSame(parameters.entries()[0].gradient));
}

TEST_F(ParameterBufferTest, GatherClearsWhatAParameterWithoutGradientLeftBehind) {
  ParameterBuffer parameters(net_);
  Backward(Loss(net_));
  parameters.ZeroGrad();
  parameters.GatherGradients();
  EXPECT_EQ(parameters.gradients().ToVector<float>(), std::vector<float>(64, 0));
}

TEST_F(ParameterBufferTest, FrozenParametersStayInTheBufferWithoutGradients) {
  net_.Parameters()[0].set_requires_grad(false);
  ParameterBuffer parameters(net_);
  Backward(Loss(net_));
  parameters.GatherGradients();
  EXPECT_FALSE(parameters.HasGradient(0));
  EXPECT_TRUE(parameters.HasGradient(1));
}

TEST_F(ParameterBufferTest, EachParameterHasItsOwnVersion) {
  const ParameterBuffer parameters(net_);
  const uint32_t before = parameters.entries()[1].parameter.version();
  const autograd::NoGrad guard;
  Tensor(parameters.entries()[0].parameter).mutable_data<float>();
  EXPECT_EQ(parameters.entries()[1].parameter.version(), before);
}

TEST_F(ParameterBufferTest, AGraphNoticesThatItsParametersChanged) {
  ParameterBuffer parameters(net_);
  const Tensor loss = Loss(net_);
  parameters.MarkChanged();
  EXPECT_THROW(Backward(loss), std::invalid_argument);
}

TEST_F(ParameterBufferTest, ASecondBufferTakesOver) {
  ParameterBuffer first(net_), second(net_);
  EXPECT_THROW(first.GatherGradients(), std::invalid_argument);
  EXPECT_NO_THROW(second.GatherGradients());
}

TEST(ParameterBuffer, BadParametersAreRefused) {
  const Tensor single = Zeros({2}), wide = Zeros({2}, autograd::DType::kF64);
  EXPECT_THROW(ParameterBuffer(NamedTensors{}), std::invalid_argument);
  EXPECT_THROW(ParameterBuffer(NamedTensors{{"a", single}, {"b", wide}}), std::invalid_argument);
  EXPECT_THROW(ParameterBuffer(NamedTensors{{"a", Zeros({2}, autograd::DType::kI64)}}),
               std::invalid_argument);
}

}  // namespace
}  // namespace nn
