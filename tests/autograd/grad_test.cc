#include "autograd/grad.h"

#include <gtest/gtest.h>

#include <thread>

#include "autograd/checkpoint.h"
#include "autograd/grad_mode.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"

namespace autograd {
namespace {

using ::testing::Test;

Tensor Leaf(std::vector<double> values) {
  const int64_t n = static_cast<int64_t>(values.size());
  return Tensor::FromVector(values, {n}).set_requires_grad(true);
}

Tensor SumAll(const Tensor& x) { return SumTo(x, {}); }

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Grad, FirstSecondAndThirdOrder) {
  const Tensor x = Leaf({1, 2, 3});
  const Tensor y = SumAll(x * x * x);
  const Tensor dx = Grad({y}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(dx.ToVector<double>(), (std::vector<double>{3, 12, 27}));
  const Tensor ddx = Grad({SumAll(dx)}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(ddx.ToVector<double>(), (std::vector<double>{6, 12, 18}));
  EXPECT_EQ(Grad({SumAll(ddx)}, {x})[0].ToVector<double>(), (std::vector<double>{6, 6, 6}));
}

TEST(Grad, BackwardAccumulatesIntoLeaves) {
  Tensor x = Leaf({1, 2});
  Backward(SumAll(x * 3.0));
  EXPECT_EQ(x.grad().ToVector<double>(), (std::vector<double>{3, 3}));
  Backward(SumAll(x * x));
  EXPECT_EQ(x.grad().ToVector<double>(), (std::vector<double>{5, 7}));
  EXPECT_FALSE(x.grad().requires_grad());
}

TEST(Grad, IntermediateInputsAndSharedPaths) {
  const Tensor x = Leaf({2});
  const Tensor h = x * x;
  const Tensor y = SumAll(h * h + h);
  const std::vector<Tensor> grads = Grad({y}, {h, x});
  EXPECT_EQ(grads[0].item(), 2 * 4 + 1);
  EXPECT_EQ(grads[1].item(), (2 * 4 + 1) * 4);
}

TEST(Grad, UsingAFreedGraphSaysSo) {
  const Tensor x = Leaf({2});
  const Tensor y = SumAll(x * x);
  Grad({y}, {x});
  EXPECT_NE(ErrorOf([&] { Grad({y}, {x}); }).find("freed"), std::string::npos);
}

TEST(Grad, ChangedSavedTensorIsReported) {
  Tensor x = Leaf({2, 3});
  const Tensor y = SumAll(x * x);
  {
    NoGrad guard;
    FillInPlace(x, 1);
  }
  const std::string error = ErrorOf([&] { Grad({y}, {x}); });
  EXPECT_NE(error.find("Mul"), std::string::npos) << error;
  EXPECT_NE(error.find("[2] f64"), std::string::npos) << error;
  EXPECT_NE(error.find("version 0, now at version 1"), std::string::npos) << error;
}

TEST(Grad, InPlaceOnlyUnderNoGrad) {
  Tensor x = Leaf({2, 3});
  EXPECT_NE(ErrorOf([&] { FillInPlace(x, 1); }).find("NoGrad"), std::string::npos);
}

TEST(Grad, AMillionNodesNeedNoStack) {
  // A thread has far less stack than a recursion over the chain would need.
  std::thread([] {
    const Tensor x = Leaf({1});
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y * 1.0;
    EXPECT_EQ(Grad({y}, {x}, {.retain_graph = true})[0].item(), 1);
    y = Tensor();
  }).join();
}

TEST(Grad, HooksSeeAndReplaceGradients) {
  Tensor x = Leaf({1, 2});
  int calls = 0;
  x.RegisterHook([&](const Tensor& grad) {
    ++calls;
    return grad * 2.0;
  });
  Backward(SumAll(x * x));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(x.grad().ToVector<double>(), (std::vector<double>{4, 8}));
}

TEST(Grad, UnusedInput) {
  const Tensor x = Leaf({1}), z = Leaf({1});
  EXPECT_NE(ErrorOf([&] { Grad({x * x}, {z}); }).find("allow_unused"), std::string::npos);
  EXPECT_FALSE(Grad({x * x}, {z}, {.allow_unused = true})[0].defined());
}

TEST(Jvp, MatchesTheProductRuleAndFallsBackToDoubleVjp) {
  const Tensor x = Leaf({1, 2, 3}).Detach(), v = Leaf({1, 10, 100}).Detach();
  const auto cube = [](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in[0] * in[0] * in[0] / 2.0, 1.0 / in[0]};
  };
  const auto [outputs, tangents] = Jvp(cube, {x}, {v});
  EXPECT_EQ(outputs[0].ToVector<double>(), (std::vector<double>{.5, 4, 13.5}));
  EXPECT_EQ(tangents[0].ToVector<double>(), (std::vector<double>{1.5, 60, 1350}));
  EXPECT_NEAR(tangents[1].ToVector<double>()[1], -10 / 4.0, 1e-15);
}

TEST(Jvp, HessianVectorProduct) {
  const Tensor x = Leaf({1, 2}).Detach(), v = Leaf({1, 1}).Detach();
  const Tensor hv = HessianVectorProduct([](const Tensor& u) { return SumAll(u * u * u); }, x, v);
  EXPECT_EQ(hv.ToVector<double>(), (std::vector<double>{6, 12}));
}

TEST(Jvp, HessianVectorProductOfAFunctionThatDoesNotDependOnItsArgument) {
  const Tensor x = Leaf({1, 2}).Detach(), v = Leaf({1, 1}).Detach(), w = Leaf({3, 4});
  const std::vector<double> zeros = {0, 0};
  const auto product = [&](const std::function<Tensor(const Tensor&)>& function) {
    return HessianVectorProduct(function, x, v).ToVector<double>();
  };
  EXPECT_EQ(product([](const Tensor&) { return Tensor::Scalar(1.0); }), zeros);
  EXPECT_EQ(product([&](const Tensor&) { return SumAll(w * w); }), zeros);
  EXPECT_EQ(product([](const Tensor& u) { return SumAll(u * 3.0); }), zeros);
}

TEST(Checkpoint, SameGradientsOfFirstAndSecondOrder) {
  const Tensor w = Leaf({3, 4});
  const auto function = [&](const Tensor& x) { return x * w * x * x; };
  const Tensor x = Leaf({1, 2});
  const auto gradients = [&](bool checkpointed) {
    const Tensor in = x * 2.0;
    const Tensor y = SumAll(checkpointed ? Checkpoint(function, in) : function(in));
    const std::vector<Tensor> first = Grad({y}, {x, w}, {.create_graph = true});
    const std::vector<Tensor> second = Grad({SumAll(first[0] * first[1])}, {x, w});
    std::vector<double> all;
    for (const Tensor& t : {first[0], first[1], second[0], second[1]}) {
      for (double value : t.ToVector<double>()) all.push_back(value);
    }
    return all;
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

}  // namespace
}  // namespace autograd
