#include "autograd/trace/anomaly.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/errors.h"
#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/identity.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"

namespace autograd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const NumericalError& error) {
    return error.what();
  }
  return "no error";
}

Tensor Leaf(const std::vector<float>& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())}).set_requires_grad(true);
}

TEST(AnomalyMode, IsOffByDefault) {
  EXPECT_EQ(ErrorOf([] { Log(Leaf({0})); }), "no error");
}

TEST(AnomalyMode, NamesTheForwardOperation) {
  const AnomalyMode guard;
  EXPECT_EQ(ErrorOf([] {
              Log(Leaf({1, 0}));
            }),
            "Log: the result [2] f32 has a value that is not finite: -inf at index 1");
  // Also where nothing is recorded.
  EXPECT_EQ(ErrorOf([] { Log(Zeros({1})); }),
            "Log: the result [1] f32 has a value that is not finite: -inf at index 0");
}

TEST(AnomalyMode, NamesTheBackwardOperationAndItsInput) {
  // The root of 0 is finite, its derivative is not.
  const Tensor x = Leaf({4, 0});
  const Tensor y = SumTo(Sqrt(x), {});
  EXPECT_EQ(ErrorOf([&] { Grad({y}, {x}, {.retain_graph = true}); }), "no error");
  const AnomalyMode guard;
  for (const bool create_graph : {false, true}) {
    const std::string error =
        ErrorOf([&] { Grad({y}, {x}, {.create_graph = create_graph, .retain_graph = true}); });
    // The first for a rule written in operations, the second for a fused one.
    EXPECT_TRUE(error.starts_with("in the derivative of Sqrt, ") ||
                error.starts_with("Sqrt: the gradient of input 0 "))
        << error;
    EXPECT_NE(error.find("[2] f32 has a value that is not finite: inf at index 1"),
              std::string::npos)
        << error;
  }
  // The pass that failed left no name behind.
  EXPECT_EQ(ErrorOf([] { Log(Zeros({1})); }).find("Log: the result"), 0u);
}

TEST(AnomalyMode, NamesTheInputOfABadGradient) {
  // Identity hands a gradient on without an operation that could be named.
  const Tensor x = Leaf({1, 2});
  const Tensor y = Identity(x), bad = Tensor::FromVector<float>({0, kInfinity}, {2});
  const AnomalyMode guard;
  EXPECT_EQ(ErrorOf([&] { Grad({y}, {x}, {.grad_outputs = {bad}}); }),
            "Identity: the gradient of input 0 [2] f32 has a value that is not finite: inf at "
            "index 1");
}

TEST(AnomalyMode, SeesForwardModeToo) {
  const Tensor x = Zeros({1}), one = Ones({1});
  const auto root = [](const std::vector<Tensor>& in) { return std::vector<Tensor>{Sqrt(in[0])}; };
  const AnomalyMode guard;
  const std::string error = ErrorOf([&] { Jvp(root, {x}, {one}); });
  EXPECT_TRUE(error.starts_with("in the derivative of Sqrt, ")) << error;
}

TEST(AnomalyMode, MayBeNested) {
  const auto fails = [] { return ErrorOf([] { Log(Leaf({0})); }) != "no error"; };
  {
    const AnomalyMode outer;
    {
      const AnomalyMode inner;
      EXPECT_TRUE(fails());
    }
    EXPECT_TRUE(fails());
  }
  EXPECT_FALSE(fails());
}

TEST(AnomalyMode, PointsIntoViews) {
  const AnomalyMode guard;
  const Tensor x =
      Tensor::FromVector<float>({0, 1, 2, kInfinity, 4, 5}, {2, 3}).set_requires_grad(true);
  EXPECT_EQ(ErrorOf([&] { Transpose(x); }),
            "Permute: the result [3, 2] f32 has a value that is not finite: inf at index 1");
}

TEST(AllFinite, EveryDType) {
  EXPECT_TRUE(AllFinite(Ones({2, 2})));
  EXPECT_TRUE(AllFinite(Zeros({0})));
  EXPECT_TRUE(AllFinite(Full({2}, 7, DType::kI64)));
  EXPECT_TRUE(AllFinite(Ones({2}, DType::kBool)));
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kBF16}) {
    EXPECT_TRUE(AllFinite(Full({3}, -1.5, dtype)));
    EXPECT_FALSE(AllFinite(Full({3}, kInfinity, dtype)));
    EXPECT_FALSE(AllFinite(Full({3}, std::numeric_limits<double>::quiet_NaN(), dtype)));
  }
}

}  // namespace
}  // namespace autograd
