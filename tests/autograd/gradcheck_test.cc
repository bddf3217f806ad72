#include "autograd/gradcheck.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/expand.h"

namespace autograd {
namespace {

using Tensors = std::vector<Tensor>;

Tensor Input(const std::vector<double>& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())});
}

// x^2 with a derivative that is wrong by a factor, and perhaps constant.
class SquareNode final : public NodeOf<SquareNode> {
 public:
  static constexpr char kName[] = "TestSquare";
  SquareNode(const Tensor& x, double factor, bool constant)
      : x_(this, x), factor_(factor), constant_(constant) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor x = constant_ ? x_.Get().Detach() : x_.Get();
    ctx.SetGrad(0, ctx.grad() * x * factor_);
  }

 private:
  SavedTensor x_;
  double factor_;
  bool constant_;
};

VectorFunction Square(double factor, bool constant) {
  return [=](const Tensors& in) {
    Tensor y;
    {
      const NoGrad guard;
      y = in[0] * in[0];
    }
    return Tensors{Record<SquareNode>(y, {&in[0]}, in[0], factor, constant)};
  };
}

TEST(GradCheck, AcceptsRightDerivatives) {
  const auto function = [](const Tensors& in) {
    return Tensors{in[0] * in[1] / in[0] * in[0], SumTo(in[1] * in[1] * in[1], {})};
  };
  const Tensors inputs = {Input({.5, -2}), Input({3, .25})};
  const GradCheckReport first = GradCheck(function, inputs);
  EXPECT_TRUE(first.ok) << first.message;
  EXPECT_EQ(first.message, "");
  EXPECT_GT(first.max_error, 0);
  EXPECT_LT(first.max_error, 1e-8);
  const GradCheckReport second = GradGradCheck(function, inputs);
  EXPECT_TRUE(second.ok) << second.message;
  EXPECT_TRUE(GradGradCheck(Square(2, false), {Input({1, 2})}).ok);
}

TEST(GradCheck, FindsAWrongDerivative) {
  const GradCheckReport report = GradCheck(Square(2.001, false), {Input({1, 2})});
  EXPECT_FALSE(report.ok);
  EXPECT_NEAR(report.max_error, .002 / 5, 1e-6);
  EXPECT_EQ(report.message,
            "d(output 0)[0]/d(input 0)[0] is 2.001000, finite differences give 2.000000");
}

TEST(GradCheck, FindsAWrongSecondDerivativeBehindARightFirst) {
  EXPECT_TRUE(GradCheck(Square(2, true), {Input({1, 2})}).ok);
  const GradCheckReport report = GradGradCheck(Square(2, true), {Input({1, 2})});
  EXPECT_FALSE(report.ok);
  EXPECT_NE(report.message.find("d(output 0)[0]/d(input 0)[0] is 0.000000, finite differences"),
            std::string::npos)
      << report.message;
}

TEST(GradCheck, FindsAnInputThatGetsNoGradient) {
  const auto function = [](const Tensors& in) { return Tensors{in[0] * in[1].Detach()}; };
  const GradCheckReport report = GradCheck(function, {Input({3}), Input({7})});
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.message,
            "d(output 0)[0]/d(input 1)[0] is 0.000000, finite differences give 3.000000");
}

TEST(GradCheck, NotANumberIsWrong) {
  const auto function = [](const Tensors& in) { return Tensors{in[0] / (in[0] - in[0])}; };
  EXPECT_FALSE(GradCheck(function, {Input({3})}).ok);
}

TEST(GradCheck, PassesOtherTypesThroughAndLeavesInputsAlone) {
  const Tensor count = Tensor::FromVector<int64_t>({4}, {1});
  const Tensor x = Input({3});
  const auto function = [](const Tensors& in) {
    return Tensors{in[1] * static_cast<double>(in[0].item<int64_t>()), in[0]};
  };
  EXPECT_TRUE(GradCheck(function, {count, x}).ok);
  EXPECT_EQ(x.item(), 3);
  EXPECT_FALSE(x.requires_grad());
}

TEST(GradCheck, RefusesOtherFloats) {
  const auto function = [](const Tensors& in) { return in; };
  for (const Tensor& input :
       {Tensor::Scalar(1.F), Tensor::FromVector<BFloat16>({{0x3f80}, {0}}, {2})}) {
    for (const auto check : {&GradCheck, &GradGradCheck}) {
      try {
        check(function, {input}, {});
        FAIL() << "no exception";
      } catch (const std::invalid_argument& error) {
        EXPECT_EQ(std::string(error.what()), "GradCheck: wants f64 inputs, got " + Describe(input));
      }
    }
  }
}

}  // namespace
}  // namespace autograd
