// What the table of operation cases cannot see: values and derivatives at kinks, ties and
// infinities, integers, and dtypes of scalars.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/select.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/unary.h"

namespace autograd {
namespace {

using Values = std::vector<double>;
using Function = std::function<Tensor(const Tensor&)>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor Leaf(const Values& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())}).set_requires_grad(true);
}

template <class T>
Tensor Of(const std::vector<T>& values) {
  return Tensor::FromVector<T>(values, {static_cast<int64_t>(values.size())});
}

// Derivatives of f at x by its fused and by its differentiable rule, which must agree.
Values Slope(const Function& f, const Values& x) {
  const Tensor leaf = Leaf(x);
  const Values fused = Grad({Sum(f(leaf))}, {leaf})[0].ToVector<double>();
  const Values rule = Grad({Sum(f(leaf))}, {leaf}, {.create_graph = true})[0].ToVector<double>();
  EXPECT_EQ(fused, rule);
  return fused;
}

TEST(Kinks, TakeTheDerivativePyTorchTakes) {
  EXPECT_EQ(Slope(Abs, {-1, 0, 2}), (Values{-1, 0, 1}));
  EXPECT_EQ(Slope(Sign, {-1, 0, 2}), (Values{0, 0, 0}));
  EXPECT_EQ(Slope(Relu, {-1, 0, 2}), (Values{0, 0, 1}));
  EXPECT_EQ(Slope([](const Tensor& x) { return LeakyRelu(x, .5); }, {-1, 0, 2}),
            (Values{.5, .5, 1}));
  EXPECT_EQ(Slope([](const Tensor& x) { return Elu(x, .5); }, {0, 2}), (Values{.5, 1}));
  EXPECT_EQ(Slope([](const Tensor& x) { return Clamp(x, -1, 1); }, {-2, -1, 0, 1, 2}),
            (Values{0, 1, 1, 1, 0}));
  EXPECT_EQ(Slope([](const Tensor& x) { return Pow(x, 0); }, {-1, 0, 2}), (Values{0, 0, 0}));
  EXPECT_EQ(Slope([](const Tensor& x) { return Pow(x, 2); }, {-1, 0, 2}), (Values{-2, 0, 4}));
  EXPECT_EQ(Slope(Sqrt, {0, 4}), (Values{kInf, .25}));
}

TEST(Ties, ShareTheGradient) {
  const Tensor a = Leaf({1, 2, 3}), b = Leaf({2, 2, 2});
  std::vector<Tensor> grads = Grad({Sum(Maximum(a, b))}, {a, b});
  EXPECT_EQ(grads[0].ToVector<double>(), (Values{0, .5, 1}));
  EXPECT_EQ(grads[1].ToVector<double>(), (Values{1, .5, 0}));
  grads = Grad({Sum(Minimum(a, b))}, {a, b});
  EXPECT_EQ(grads[0].ToVector<double>(), (Values{1, .5, 0}));
  EXPECT_EQ(grads[1].ToVector<double>(), (Values{0, .5, 1}));
  const Tensor x = Leaf({4, 1, 4, 4, 0, 4});
  EXPECT_EQ(Grad({Max(x)}, {x})[0].ToVector<double>(), (Values{.25, 0, .25, .25, 0, .25}));
  EXPECT_EQ(Slope(
                [](const Tensor& v) {
                  return Max(Reshape(v, {2, 2}), {1});
                },
                {5, 5, 1, 2}),
            (Values{.5, .5, 0, 1}));
}

TEST(Pow, DerivativesAtZeroAreFinite) {
  const Tensor base = Leaf({0, 0, 2}), exponent = Leaf({0, 2, 0});
  const std::vector<Tensor> first =
      Grad({Sum(Pow(base, exponent))}, {base, exponent}, {.create_graph = true});
  EXPECT_EQ(first[0].ToVector<double>(), (Values{0, 0, 0}));
  EXPECT_EQ(first[1].ToVector<double>(), (Values{0, 0, std::log(2.0)}));
  const Tensor x = Leaf({0, 0});
  const Tensor dx = Grad({Sum(Pow(x, 3))}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(Grad({Sum(dx)}, {x})[0].ToVector<double>(), (Values{0, 0}));
}

TEST(Where, DoesNotMixInWhatWasNotChosen) {
  const Tensor x = Leaf({-1, 4});
  const Tensor root = Where(Greater(x, 0), Sqrt(Clamp(x, 1, kInf)), 0);
  EXPECT_EQ(root.ToVector<double>(), (Values{0, 2}));
  EXPECT_EQ(Grad({Sum(root)}, {x})[0].ToVector<double>(), (Values{0, .25}));
}

TEST(Nan, PassesThrough) {
  const Tensor x = Of<double>({kNan, 1});
  for (const Function& f : std::vector<Function>{
           Relu, Abs, Sign, [](const Tensor& v) { return Clamp(v, 0, 1); },
           [](const Tensor& v) { return Maximum(v, ZerosLike(v)); },
           [](const Tensor& v) { return Minimum(ZerosLike(v), v); },
           [](const Tensor& v) { return Max(v); }, [](const Tensor& v) { return Min(v); }}) {
    EXPECT_TRUE(std::isnan(Reshape(f(x), {-1}).ToVector<double>()[0]));
  }
  EXPECT_EQ(NotEqual(x, x).ToVector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(ArgMax(x).item<int64_t>(), 0);
}

TEST(Activations, DoNotOverflow) {
  const Tensor x = Of<float>({-1000, 1000});
  EXPECT_EQ(Softplus(x).ToVector<float>(), (std::vector<float>{0, 1000}));
  EXPECT_EQ(Sigmoid(x).ToVector<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(Tanh(x).ToVector<float>(), (std::vector<float>{-1, 1}));
  EXPECT_EQ(Elu(x).ToVector<float>(), (std::vector<float>{-1, 1000}));
  EXPECT_EQ(GeluErf(x).ToVector<float>()[1], 1000);
  EXPECT_EQ(GeluTanh(x).ToVector<float>()[1], 1000);
  EXPECT_EQ(Silu(x).ToVector<float>()[1], 1000);
  // Second derivatives too.
  const Function twice[] = {Softplus, Sigmoid, Tanh, [](const Tensor& v) { return Elu(v); },
                            Selu,     GeluErf, Silu, GeluTanh};
  for (const Function& f : twice) {
    const Tensor leaf = Leaf({-1000, 1000});
    const Tensor first = Grad({Sum(f(leaf))}, {leaf}, {.create_graph = true})[0];
    for (const double value : Grad({Sum(first)}, {leaf})[0].ToVector<double>()) {
      EXPECT_EQ(value, 0);
    }
  }
}

TEST(Integers, ArithmeticWrapsAroundAndDivisionTruncates) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  const Tensor a = Of<int32_t>({kMax, kMin, 7, -7}), b = Of<int32_t>({1, -1, 2, 2});
  EXPECT_EQ((a + b).ToVector<int32_t>(), (std::vector<int32_t>{kMin, kMax, 9, -5}));
  EXPECT_EQ((a / b).ToVector<int32_t>(), (std::vector<int32_t>{kMax, kMin, 3, -3}));
  EXPECT_EQ((a / (b - b)).ToVector<int32_t>(), (std::vector<int32_t>{0, 0, 0, 0}));
  EXPECT_EQ(Abs(a).ToVector<int32_t>(), (std::vector<int32_t>{kMax, kMin, 7, 7}));
  EXPECT_EQ(Sign(a).ToVector<int32_t>(), (std::vector<int32_t>{1, -1, 1, -1}));
  EXPECT_EQ(Square(b).ToVector<int32_t>(), (std::vector<int32_t>{1, 1, 4, 4}));
  EXPECT_EQ(Clamp(a, -kInf, 5).ToVector<int32_t>(), (std::vector<int32_t>{5, kMin, 5, -7}));
  EXPECT_EQ((a / 2.0).ToVector<int32_t>(), (std::vector<int32_t>{kMax / 2, kMin / 2, 3, -3}));
  EXPECT_EQ((b * 3.0 + 1.0).ToVector<int32_t>(), (std::vector<int32_t>{4, -2, 7, 7}));
  EXPECT_EQ((-b).ToVector<int32_t>(), (std::vector<int32_t>{-1, 1, -2, -2}));
  EXPECT_EQ(Maximum(a, b).ToVector<int32_t>(), (std::vector<int32_t>{kMax, -1, 7, 2}));
  EXPECT_EQ(Clamp(b, .5, 1.5).ToVector<int32_t>(), (std::vector<int32_t>{1, 1, 1, 1}));
}

// What function throws, which must be std::invalid_argument.
std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Scalars, MustBeValuesOfTheDtype) {
  const Tensor i = Of<int32_t>({1, 2}), flags = Less(i, 2);
  const char* rest = " is not a value of dtype i32 of the tensor [2] i32";
  EXPECT_EQ(ErrorOf([&] { i * 0.5; }), std::string("Affine: 0.5") + rest);
  EXPECT_EQ(ErrorOf([&] { i + 3e9; }), std::string("Affine: 3000000000") + rest);
  EXPECT_EQ(ErrorOf([&] { i / 0.5; }), std::string("Div: 0.5") + rest);
  EXPECT_EQ(ErrorOf([&] { kNan / i; }), std::string("Div: nan") + rest);
  EXPECT_EQ(ErrorOf([&] { Less(i, 0.5); }), std::string("Less: 0.5") + rest);
  EXPECT_EQ(ErrorOf([&] { Where(flags, i, -0.5); }), std::string("Where: -0.5") + rest);
  EXPECT_NE(ErrorOf([&] { Where(flags, Tensor(), 0); }), "nothing");
  EXPECT_NE(ErrorOf([&] { Affine(Tensor(), 1, 1); }), "nothing");
  EXPECT_NE(ErrorOf([&] { Clamp(i, kNan, 1); }), "nothing");
}

TEST(Cast, BetweenAllDtypes) {
  const Tensor x = Of<float>({0, 1, 100});
  for (int from = 0; from < kNumDTypes; ++from) {
    for (int to = 0; to < kNumDTypes; ++to) {
      const Tensor there = Cast(Cast(x, static_cast<DType>(from)), static_cast<DType>(to));
      EXPECT_EQ(there.dtype(), static_cast<DType>(to));
      const bool boolean =
          static_cast<DType>(from) == DType::kBool || static_cast<DType>(to) == DType::kBool;
      EXPECT_EQ(Cast(there, DType::kF64).ToVector<double>(), (Values{0, 1, boolean ? 1. : 100.}));
    }
  }
  const Tensor odd = Of<double>({kNan, kInf, -2.9, -1e30});
  EXPECT_EQ(Cast(odd, DType::kI32).ToVector<int32_t>(),
            (std::vector<int32_t>{0, std::numeric_limits<int32_t>::max(), -2,
                                  std::numeric_limits<int32_t>::min()}));
}

TEST(Cast, GradientsComeBackInTheirDtype) {
  const Tensor x = Leaf({1.001, 2});
  const Tensor narrow = Cast(x, DType::kBF16);
  EXPECT_EQ(narrow.dtype(), DType::kBF16);
  const Tensor y = Sum(Cast(narrow, DType::kF32) * Of<float>({3, 1.001f}));
  const Tensor g = Grad({y}, {x})[0];
  EXPECT_EQ(g.dtype(), DType::kF64);
  EXPECT_EQ(g.ToVector<double>(), (Values{3, 1}));  // 1.001 is 1 in bf16
  EXPECT_FALSE(Cast(x, DType::kI32).requires_grad());
}

TEST(InPlace, OverlappingViewsAreReadAsTheyWere) {
  for (const int64_t n : {5, 100000}) {
    std::vector<double> sums{0}, shifted{0};
    for (int64_t i = 1; i < n; ++i) {
      sums.push_back(static_cast<double>(2 * i - 1));
      shifted.push_back(static_cast<double>(i - 1));
    }
    Tensor x = Arange(0, static_cast<double>(n), 1, DType::kF64);
    Tensor behind = Slice(x, 0, 1);
    AddInPlace(behind, Slice(x, 0, 0, -1));
    EXPECT_EQ(x.ToVector<double>(), sums);
    x = Arange(0, static_cast<double>(n), 1, DType::kF64);
    behind = Slice(x, 0, 1);
    CopyInPlace(behind, Slice(x, 0, 0, -1));
    EXPECT_EQ(x.ToVector<double>(), shifted);
  }
  Tensor square = Reshape(Arange(0, 4), {2, 2});
  CopyInPlace(square, Transpose(square));
  EXPECT_EQ(square.ToVector<float>(), (std::vector<float>{0, 2, 1, 3}));
  AddInPlace(square, Select(square, 0, 0));
  EXPECT_EQ(square.ToVector<float>(), (std::vector<float>{0, 4, 1, 5}));
}

TEST(InPlace, RefusesToWriteToElementsThatShareMemory) {
  Tensor x = Zeros({1});
  Tensor expanded = Expand(x, {2, 3});
  const std::string error = "elements of the tensor [2, 3] f32 share memory (axis 0";
  EXPECT_NE(ErrorOf([&] { AddInPlace(expanded, Ones({3})); }).find("AddInPlace: " + error),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { ScaleInPlace(expanded, 2); }).find("ScaleInPlace: " + error),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { CopyInPlace(expanded, Ones({3})); }).find("CopyInPlace: " + error),
            std::string::npos);
  EXPECT_EQ(x.version(), 0u);
  FillInPlace(expanded, 7);
  EXPECT_EQ(x.item(), 7);
}

TEST(Undefined, IsAnErrorThatNamesTheOperation) {
  const Tensor none, x = Ones({2, 2});
  Generator generator(0);
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"MatMul", [&] { MatMul(none, x); }},
      {"MatMul", [&] { MatMul(x, none); }},
      {"Linear", [&] { Linear(none, x); }},
      {"Linear", [&] { Linear(x, none); }},
      {"Expand", [&] { Expand(none, {2}); }},
      {"SumTo", [&] { SumTo(none, {2}); }},
      {"ZerosLike", [&] { ZerosLike(none); }},
      {"OnesLike", [&] { OnesLike(none); }},
      {"FullLike", [&] { FullLike(none, 1); }},
      {"RandLike", [&] { RandLike(none, generator); }},
      {"RandnLike", [&] { RandnLike(none, generator); }},
  };
  for (const auto& [name, call] : calls) {
    EXPECT_EQ(ErrorOf(call), std::string(name) + ": a tensor is undefined");
  }
}

TEST(InPlace, OnViewsAndBroadcasts) {
  Tensor x = Zeros({2, 3});
  Tensor columns = Transpose(x);  // [3, 2]
  AddInPlace(columns, Of<float>({1, 2}), 10);
  EXPECT_EQ(x.ToVector<float>(), (std::vector<float>{10, 10, 10, 20, 20, 20}));
  AddInPlace(x, Tensor::Scalar(1.f));
  ScaleInPlace(columns, 2);
  EXPECT_EQ(x.ToVector<float>(), (std::vector<float>{22, 22, 22, 42, 42, 42}));
  FillInPlace(columns, -1);
  EXPECT_EQ(x.ToVector<float>(), std::vector<float>(6, -1));
  Tensor i = Of<int64_t>({1, 2});
  AddInPlace(i, i);
  EXPECT_EQ(i.ToVector<int64_t>(), (std::vector<int64_t>{2, 4}));
}

TEST(Large, ResultsThatBypassTheCachesAreTheSame) {
  const int64_t n = (8 << 20) / 4 + 17;  // more than kernels::WorthStreaming asks for
  const Tensor x = Linspace(-5, 5, n);
  const Tensor whole = Exp(x) + x;
  const Tensor piece = x.ViewAs({1000}, {1}, n - 1000);
  const Tensor small = Exp(piece) + piece;
  EXPECT_EQ(whole.ViewAs({1000}, {1}, n - 1000).ToVector<float>(), small.ToVector<float>());
}

TEST(EmptyTensors, AreFine) {
  const Tensor x = Zeros({0, 3}).set_requires_grad(true);
  const Tensor y = Where(Less(x, 1), Exp(x) + Ones({3}), x);
  EXPECT_EQ(y.shape(), (Shape{0, 3}));
  EXPECT_EQ(Grad({Sum(y)}, {x})[0].shape(), (Shape{0, 3}));
}

}  // namespace
}  // namespace autograd
