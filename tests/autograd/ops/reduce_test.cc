// What the table of operation cases cannot see of reductions: accuracy, integers, NaN and
// infinities, and tensors without elements.
#include "autograd/ops/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/loss.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"

namespace autograd {
namespace {

using Values = std::vector<double>;

constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T>
Tensor Of(const std::vector<T>& values) {
  return Tensor::FromVector<T>(values, {static_cast<int64_t>(values.size())});
}

TEST(Sum, IsAccurateAlongEveryAxis) {
  // In f32 a running sum of ten million 0.1 is off by 9 %.
  const int64_t n = 10'000'000;
  const double exact = static_cast<double>(0.1f) * static_cast<double>(n);
  const Tensor x = Full({n}, 0.1);
  EXPECT_NEAR(Sum(x).item() / exact, 1, 1e-6);
  EXPECT_NEAR(Sum(Reshape(x, {n / 4, 4}), {0}).ToVector<float>()[2] / (exact / 4), 1, 1e-6);
  EXPECT_NEAR(Sum(Reshape(x, {2, n / 10, 5}), {1}).ToVector<float>()[7] / (exact / 10), 1, 1e-6);
  EXPECT_NEAR(SumTo(Reshape(x, {n / 4, 4}), {1, 4}).ToVector<float>()[3] / (exact / 4), 1, 1e-6);
  EXPECT_NEAR(Mean(x).item() / static_cast<double>(0.1f), 1, 1e-6);
}

TEST(Var, IsAccurateFarFromZero) {
  const int64_t n = 100'000;
  const Tensor x = Affine(Linspace(0, 1, n, DType::kF64), 1, 1e6);
  const double exact = (static_cast<double>(n) + 1) / (12 * (static_cast<double>(n) - 1));
  EXPECT_NEAR(Var(x, {}, false, 0).item() / exact, 1, 1e-9);
  const double bessel = static_cast<double>(n) / (static_cast<double>(n) - 1);
  EXPECT_NEAR(Var(x).item() / (exact * bessel), 1, 1e-9);
}

TEST(Reductions, OfIntegers) {
  const Tensor x = Tensor::FromVector<int32_t>({3, -1, 2, 2147483647, 1, 0}, {2, 3});
  EXPECT_EQ(Sum(x, {1}).ToVector<int32_t>(), (std::vector<int32_t>{4, -2147483648}));
  EXPECT_EQ(Sum(x, {0}).ToVector<int32_t>(), (std::vector<int32_t>{-2147483646, 0, 2}));
  EXPECT_EQ(Max(x, {0}).ToVector<int32_t>(), (std::vector<int32_t>{2147483647, 1, 2}));
  EXPECT_EQ(Min(x).item<int32_t>(), -1);
  EXPECT_EQ(ArgMax(x, {1}).ToVector<int64_t>(), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(CumSum(x, 1).ToVector<int32_t>()[5], -2147483648);
  EXPECT_THROW(Mean(x), std::invalid_argument);
}

TEST(Reductions, OfNothing) {
  const Tensor x = Zeros({0, 3}), wide = Zeros({3, 0});
  EXPECT_EQ(Sum(x).item(), 0);
  EXPECT_EQ(Sum(x, {0}).ToVector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(Sum(wide, {1}).ToVector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(Sum(x, {1}).shape(), Shape{0});
  EXPECT_TRUE(std::isnan(Mean(x).item()));
  EXPECT_EQ(Norm(x).item(), 0);
  EXPECT_EQ(LogSumExp(x).item(), -kInf);
  EXPECT_EQ(Max(x, {1}).shape(), Shape{0});
  EXPECT_THROW(Max(x), std::invalid_argument);
  EXPECT_THROW(ArgMin(wide, {1}), std::invalid_argument);
  EXPECT_EQ(CumSum(wide, 1).shape(), (Shape{3, 0}));
  EXPECT_EQ(Softmax(wide, 1).shape(), (Shape{3, 0}));
  EXPECT_EQ(Sum(Tensor::Scalar(2.0)).item(), 2);
}

TEST(ArgMax, FirstOfTiesAndOfNanAcrossPieces) {
  std::vector<float> values(100'000, 1);
  values[40'000] = values[90'000] = 2;
  EXPECT_EQ(ArgMax(Of(values)).item<int64_t>(), 40'000);
  values[70'000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ArgMax(Of(values)).item<int64_t>(), 70'000);
  EXPECT_EQ(ArgMin(Of(values)).item<int64_t>(), 70'000);
  values[70'000] = 0;
  EXPECT_EQ(ArgMin(Of(values)).item<int64_t>(), 70'000);
}

TEST(Norm, HasDerivativeZeroAtZero) {
  const Tensor x = Zeros({3}, DType::kF64).set_requires_grad(true);
  const Tensor dx = Grad({Norm(x)}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(dx.ToVector<double>(), (Values{0, 0, 0}));
}

TEST(LogSumExp, OfLargeAndInfiniteValues) {
  EXPECT_NEAR(LogSumExp(Of<double>({1000, 1000})).item(), 1000 + std::log(2.0), 1e-12);
  EXPECT_EQ(LogSumExp(Of<double>({-kInf, -kInf})).item(), -kInf);
  EXPECT_EQ(LogSumExp(Of<double>({0, kInf})).item(), kInf);
  // A row in pieces, one of them of -infinity alone, the others far below zero.
  std::vector<double> values(100'000, -kInf);
  values[99'999] = -2000;
  EXPECT_EQ(LogSumExp(Of(values)).item(), -2000);
}

TEST(Softmax, OfLargeAndInfiniteValues) {
  EXPECT_EQ(Softmax(Of<double>({1000, -kInf, 1000}), 0).ToVector<double>(), (Values{.5, 0, .5}));
  EXPECT_EQ(LogSoftmax(Of<double>({1000, 0}), 0).ToVector<double>(), (Values{0, -1000}));
}

TEST(Losses, OfNothing) {
  EXPECT_TRUE(std::isnan(MseLoss(Zeros({0}), Zeros({0})).item()));
  EXPECT_EQ(CrossEntropy(Zeros({0, 3}), Zeros({0}, DType::kI64), Reduction::kNone).shape(),
            Shape{0});
}

}  // namespace
}  // namespace autograd
