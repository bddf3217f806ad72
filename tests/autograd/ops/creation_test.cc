#include "autograd/ops/creation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "autograd/parallel/parallel.h"

namespace autograd {
namespace {

using Doubles = std::vector<double>;

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Arange, CountsLikeNumPy) {
  const auto arange = [](double start, double stop, double step) {
    return Arange(start, stop, step, DType::kF64).ToVector<double>();
  };
  EXPECT_EQ(arange(0, 3, 1), (Doubles{0, 1, 2}));
  EXPECT_EQ(arange(1, 2, .25), (Doubles{1, 1.25, 1.5, 1.75}));
  EXPECT_EQ(arange(3, -1, -2), (Doubles{3, 1}));
  EXPECT_EQ(arange(3, 3, 1), Doubles{});
  EXPECT_EQ(arange(3, 5, -1), Doubles{});
  EXPECT_EQ(arange(0, 1, 5), Doubles{0});
  EXPECT_EQ(Arange(-1, 2, 1, DType::kI32).ToVector<int32_t>(), (std::vector<int32_t>{-1, 0, 1}));
  EXPECT_EQ(Arange(254, 256, 1, DType::kU8).ToVector<uint8_t>(), (std::vector<uint8_t>{254, 255}));
  EXPECT_EQ(Arange(0, 3).ToVector<float>(), (std::vector<float>{0, 1, 2}));
}

TEST(Arange, RoundsOnce) {
  const std::vector<float> values = Arange(0, 100, .1).ToVector<float>();
  ASSERT_EQ(values.size(), 1000u);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], static_cast<float>(static_cast<double>(i) * .1));
  }
}

TEST(Arange, Errors) {
  EXPECT_NE(ErrorOf([] { Arange(0, 1, 0); }).find("Arange: there is no range"), std::string::npos);
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_NE(ErrorOf([&] { Arange(0, bad); }).find("Arange"), std::string::npos);
    EXPECT_NE(ErrorOf([&] { Arange(0, 1, bad); }).find("Arange"), std::string::npos);
    EXPECT_NE(ErrorOf([&] { Arange(-bad, 1); }).find("Arange"), std::string::npos);
  }
  EXPECT_NE(ErrorOf([] { Arange(0, 257, 1, DType::kU8); }).find("dtype u8"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Arange(0, 2, .5, DType::kI64); }).find("dtype i64"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Arange(0, 2, 1, DType::kBool); }).find("bool"), std::string::npos);
}

TEST(Linspace, MeetsBothEndsExactly) {
  EXPECT_EQ(Linspace(0, 1, 5, DType::kF64).ToVector<double>(), (Doubles{0, .25, .5, .75, 1}));
  EXPECT_EQ(Linspace(2, -1, 2, DType::kF64).ToVector<double>(), (Doubles{2, -1}));
  EXPECT_EQ(Linspace(.1, .7, 1, DType::kF64).ToVector<double>(), Doubles{.1});
  EXPECT_EQ(Linspace(.1, .7, 0, DType::kF64).ToVector<double>(), Doubles{});
  const Doubles fine = Linspace(.1, .7, 10001, DType::kF64).ToVector<double>();
  EXPECT_EQ(fine.front(), .1);
  EXPECT_EQ(fine.back(), .7);
  EXPECT_TRUE(std::is_sorted(fine.begin(), fine.end()));
  EXPECT_NE(ErrorOf([] { Linspace(0, 1, -1); }).find("Linspace"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Linspace(0, 1, 3, DType::kI64); }).find("i64"), std::string::npos);
}

TEST(Eye, Shapes) {
  EXPECT_EQ(Eye(2, DType::kF64).ToVector<double>(), (Doubles{1, 0, 0, 1}));
  EXPECT_EQ(Eye(2, 3, DType::kF64).ToVector<double>(), (Doubles{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(Eye(3, 1, DType::kF64).ToVector<double>(), (Doubles{1, 0, 0}));
  EXPECT_EQ(Eye(0).shape(), (Shape{0, 0}));
  EXPECT_EQ(Eye(2, DType::kBool).ToVector<bool>(), (std::vector<bool>{true, false, false, true}));
}

TEST(Full, ChecksIntegers) {
  EXPECT_EQ(Full({}, -128, DType::kI32).item(), -128);
  EXPECT_NE(ErrorOf([] { Full({2}, 256, DType::kU8); }).find("u8"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Full({2}, .5, DType::kI64); }).find("i64"), std::string::npos);
  EXPECT_EQ(FullLike(Zeros({2, 1}, DType::kI64), 3).ToVector<int64_t>(),
            (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(OnesLike(Zeros({2}, DType::kBF16)).dtype(), DType::kBF16);
}

TEST(Random, IsTheGeneratorsSequence) {
  Generator a(7), b(7);
  const Tensor uniform = Rand({10, 10}, a), normal = Randn({33}, a, DType::kF64);
  std::vector<float> wanted(100);
  b.Uniform(wanted.data(), 100);
  EXPECT_EQ(uniform.ToVector<float>(), wanted);
  Doubles wanted_normal(33);
  b.Normal(wanted_normal.data(), 33);
  EXPECT_EQ(normal.ToVector<double>(), wanted_normal);
  EXPECT_EQ(a.state(), b.state());
}

TEST(Random, SameOnAnyNumberOfThreads) {
  const auto draw = [](int threads) {
    SetNumThreads(threads);
    Generator generator(3);
    std::vector<float> values = Randn({100000}, generator).ToVector<float>();
    const std::vector<float> uniform = RandLike(Zeros({100000}), generator).ToVector<float>();
    values.insert(values.end(), uniform.begin(), uniform.end());
    return values;
  };
  const int before = NumThreads();
  const std::vector<float> one = draw(1);
  EXPECT_EQ(one, draw(3));
  SetNumThreads(before);
}

TEST(Random, IntegersAndFlags) {
  Generator generator(1);
  const std::vector<int64_t> values = RandInt(-2, 3, {5, 200}, generator).ToVector<int64_t>();
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), -2);
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 2);
  EXPECT_EQ(RandInt(5, 6, {2}, generator, DType::kI32).ToVector<int32_t>(),
            (std::vector<int32_t>{5, 5}));
  const std::vector<bool> flags = Bernoulli(.25, {10000}, generator).ToVector<bool>();
  // Four standard deviations of sqrt(10000 * .25 * .75) = 43.
  EXPECT_NEAR(static_cast<double>(std::count(flags.begin(), flags.end(), true)), 2500, 174);
  std::vector<int64_t> order = Permutation(100, generator).ToVector<int64_t>();
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  std::vector<int64_t> all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(order, all);
}

TEST(Random, Bf16IsDrawnAsF32) {
  constexpr int64_t kCount = 5000;
  Generator a(3), b(3);
  const std::vector<BFloat16> uniform = Rand({kCount}, a, DType::kBF16).ToVector<BFloat16>();
  const std::vector<float> wide = Rand({kCount}, b).ToVector<float>();
  for (size_t i = 0; i < uniform.size(); ++i) {
    EXPECT_EQ(ToFloat(uniform[i]), std::floor(wide[i] * 256) / 256);
    EXPECT_LT(ToFloat(uniform[i]), 1);
  }
  const std::vector<BFloat16> normal = Randn({kCount}, a, DType::kBF16).ToVector<BFloat16>();
  const std::vector<float> wide_normal = Randn({kCount}, b).ToVector<float>();
  for (size_t i = 0; i < normal.size(); ++i) {
    EXPECT_EQ(normal[i].bits, ToBFloat16(wide_normal[i]).bits);
  }
  EXPECT_EQ(a.state(), b.state());
}

TEST(Random, Errors) {
  Generator generator(1);
  EXPECT_NE(
      ErrorOf([&] { Rand({2}, generator, DType::kI64); }).find("Rand: wants f32, f64 or bf16"),
      std::string::npos);
  EXPECT_NE(ErrorOf([&] { Randn({-2}, generator); }).find("Randn: negative size"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { RandInt(3, 3, {2}, generator); }).find("RandInt"), std::string::npos);
  const int64_t large = int64_t{1} << 40;
  EXPECT_NE(ErrorOf([&] { RandInt(0, large, {2}, generator, DType::kI32); }).find("i32"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { Bernoulli(1.5, {2}, generator); }).find("1.5"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Permutation(-1, generator); }).find("Permutation"), std::string::npos);
  EXPECT_EQ(generator.state(), Generator(1).state());
}

}  // namespace
}  // namespace autograd
