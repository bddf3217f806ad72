#include "nn/optim/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "autograd/errors.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "autograd/parallel/parallel.h"
#include "nn/optim/finite.h"

namespace nn {
namespace {

using autograd::NumericalError;

class ClipTest : public ::testing::Test {
 protected:
  void SetGradients(const std::vector<float>& a, const std::vector<float>& b) {
    a_.set_grad(Tensor::FromVector(a, {2}));
    b_.set_grad(Tensor::FromVector(b, {1}));
  }
  static std::string ErrorOf(const std::function<void()>& function) {
    try {
      function();
    } catch (const NumericalError& error) {
      return error.what();
    }
    return "no error";
  }

  Tensor a_ = autograd::Zeros({2}).set_requires_grad(true);
  Tensor b_ = autograd::Zeros({1}).set_requires_grad(true);
  ParameterBuffer parameters_{NamedTensors{{"net.a", a_}, {"net.b", b_}}};
};

TEST_F(ClipTest, ScalesAllGradientsDownToTheNorm) {
  SetGradients({2, 3}, {6});
  const uint32_t version = a_.grad().version();
  EXPECT_DOUBLE_EQ(ClipGradientNorm(parameters_, 3.5), 7);
  const float factor = static_cast<float>(3.5 / (7 + 1e-6));
  EXPECT_EQ(a_.grad().ToVector<float>(), (std::vector<float>{2 * factor, 3 * factor}));
  EXPECT_EQ(b_.grad().ToVector<float>(), std::vector<float>{6 * factor});
  EXPECT_NE(a_.grad().version(), version);
}

TEST_F(ClipTest, LeavesSmallGradientsAlone) {
  SetGradients({2, 3}, {6});
  EXPECT_DOUBLE_EQ(ClipGradientNorm(parameters_, 7.1), 7);
  EXPECT_EQ(a_.grad().ToVector<float>(), (std::vector<float>{2, 3}));
}

TEST_F(ClipTest, ParametersWithoutGradientCountAsZero) {
  SetGradients({2, 3}, {6});
  parameters_.GatherGradients();
  b_.set_grad(Tensor());
  EXPECT_DOUBLE_EQ(GradientNorm(parameters_), std::sqrt(13));
  EXPECT_FALSE(b_.grad().defined());
}

TEST_F(ClipTest, LargeGradientsDoNotOverflowTheNorm) {
  SetGradients({3e30f, 4e30f}, {0});
  EXPECT_NEAR(ClipGradientNorm(parameters_, 1) / 5e30, 1, 1e-6);
  EXPECT_NEAR(a_.grad().ToVector<float>()[1], 0.8f, 1e-6);
}

TEST_F(ClipTest, ANonFiniteGradientIsAnErrorThatNamesTheParameter) {
  SetGradients({2, 3}, {NAN});
  EXPECT_EQ(ErrorOf([&] { ClipGradientNorm(parameters_, 1); }),
            "ClipGradientNorm: the norm of the gradients is nan; the gradient of net.b is not "
            "finite");
  SetGradients({INFINITY, 3}, {1});
  EXPECT_EQ(ErrorOf([&] { ClipGradientNorm(parameters_, 1); }),
            "ClipGradientNorm: the norm of the gradients is inf; the gradient of net.a is not "
            "finite");
  EXPECT_THROW(ClipGradientNorm(parameters_, 0), std::invalid_argument);
}

TEST_F(ClipTest, ANonFiniteLossNamesIterationAndParameter) {
  SetGradients({2, 3}, {6});
  EXPECT_EQ(ErrorOf([&] { CheckFiniteLoss(0.5, 3, parameters_); }), "no error");
  EXPECT_EQ(ErrorOf([&] { CheckFiniteLoss(NAN, 3, parameters_); }),
            "the loss is nan in iteration 3; all parameters and gradients are finite");
  SetGradients({2, NAN}, {6});
  EXPECT_EQ(ErrorOf([&] { CheckFiniteLoss(INFINITY, 12, parameters_); }),
            "the loss is inf in iteration 12; the gradient of net.a is not finite");
  {
    const autograd::NoGrad guard;
    *b_.mutable_data<float>() = NAN;
  }
  EXPECT_EQ(ErrorOf([&] { CheckFiniteLoss(NAN, 12, parameters_); }),
            "the loss is nan in iteration 12; the parameter net.b is not finite");
}

TEST(Clip, SameNormOnAnyNumberOfThreads) {
  const int before = autograd::NumThreads();
  double serial = 0;
  for (const int threads : {1, 2, 3, 16}) {
    autograd::SetNumThreads(threads);
    std::vector<float> gradient(300007);
    for (size_t i = 0; i < gradient.size(); ++i) gradient[i] = std::sin(static_cast<float>(i));
    Tensor w = autograd::Zeros({300007}).set_requires_grad(true);
    ParameterBuffer parameters(NamedTensors{{"w", w}});
    w.set_grad(Tensor::FromVector(gradient, {300007}));
    const double norm = GradientNorm(parameters);
    if (threads == 1) serial = norm;
    EXPECT_EQ(norm, serial) << threads;
    EXPECT_NEAR(norm, std::sqrt(300007 / 2.0), 1);
  }
  autograd::SetNumThreads(before);
}

}  // namespace
}  // namespace nn
