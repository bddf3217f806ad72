#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/tensor.h"

namespace autograd {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string Print(const std::vector<float>& values, const Shape& shape) {
  return ToString(Tensor::FromVector(values, shape));
}

TEST(Print, WholeNumbersHaveAPoint) {
  EXPECT_EQ(Print({1, 2, -3}, {3}), "[ 1.,  2., -3.] [3] f32");
  EXPECT_EQ(Print({1, 2, 30, 4}, {2, 2}),
            "[[ 1.,  2.],\n"
            " [30.,  4.]] [2, 2] f32");
}

TEST(Print, AsManyDecimalsAsNeededUpToFour) {
  EXPECT_EQ(Print({.5f, 1.25f}, {2}), "[0.50, 1.25] [2] f32");
  EXPECT_EQ(Print({.1f, 10}, {2}), "[ 0.1, 10.0] [2] f32");
  EXPECT_EQ(Print({1.f / 3, -2}, {2}), "[ 0.3333, -2.0000] [2] f32");
}

TEST(Print, ScientificWhereFixedWouldHideDigits) {
  EXPECT_EQ(Print({1e-5f, 1}, {2}), "[1.0000e-05, 1.0000e+00] [2] f32");
  EXPECT_EQ(Print({1e9f, -1}, {2}), "[ 1.0000e+09, -1.0000e+00] [2] f32");
  EXPECT_EQ(Print({1e-3f, 1000}, {2}), "[   0.001, 1000.000] [2] f32");
}

TEST(Print, NanAndInfinity) {
  EXPECT_EQ(Print({kNan, -kInfinity, 1.5f}, {3}), "[ nan, -inf,  1.5] [3] f32");
  EXPECT_EQ(Print({kInfinity}, {1}), "[inf] [1] f32");
}

TEST(Print, EveryDType) {
  EXPECT_EQ(ToString(Full({2}, 7, DType::kI32)), "[7, 7] [2] i32");
  EXPECT_EQ(ToString(Tensor::FromVector<int64_t>({-1, 100}, {2})), "[ -1, 100] [2] i64");
  EXPECT_EQ(ToString(Full({1}, 255, DType::kU8)), "[255] [1] u8");
  EXPECT_EQ(ToString(Eye(2, DType::kBool)), "[[ true, false],\n [false,  true]] [2, 2] bool");
  EXPECT_EQ(ToString(Full({2}, .5, DType::kBF16)), "[0.5, 0.5] [2] bf16");
  EXPECT_EQ(ToString(Full({2}, .125, DType::kF64)), "[0.125, 0.125] [2] f64");
}

TEST(Print, ScalarsShowEveryDigit) {
  EXPECT_EQ(ToString(Tensor::Scalar(.1f)), "0.1 [] f32");
  EXPECT_EQ(ToString(Tensor::Scalar(3.141592653589793)), "3.141592653589793 [] f64");
  EXPECT_EQ(ToString(Tensor::Scalar(kNan)), "nan [] f32");
  EXPECT_EQ(ToString(Tensor::Scalar(-kNan)), "nan [] f32");
  EXPECT_EQ(ToString(Tensor::Scalar(-kInfinity)), "-inf [] f32");
  EXPECT_EQ(ToString(Tensor::Scalar(int64_t{1} << 60)), "1152921504606846976 [] i64");
  EXPECT_EQ(ToString(Tensor::Scalar(true)), "true [] bool");
  EXPECT_EQ(ToString(Full({}, .1, DType::kBF16)), "0.1001 [] bf16");
}

TEST(Print, EmptyAndUndefined) {
  EXPECT_EQ(ToString(Zeros({0})), "[] [0] f32");
  EXPECT_EQ(ToString(Zeros({1000000, 0}, DType::kI64)), "[] [1000000, 0] i64");
  EXPECT_EQ(ToString(Tensor()), "undefined");
}

TEST(Print, MatricesOfABatchAreApart) {
  EXPECT_EQ(ToString(Reshape(Arange(0, 8, 1, DType::kI32), {2, 2, 2})),
            "[[[0, 1],\n"
            "  [2, 3]],\n"
            "\n"
            " [[4, 5],\n"
            "  [6, 7]]] [2, 2, 2] i32");
}

TEST(Print, StridesDoNotMatter) {
  const Tensor x = Reshape(Arange(0, 6, 1, DType::kI64), {2, 3});
  EXPECT_EQ(ToString(Transpose(x)), "[[0, 3],\n [1, 4],\n [2, 5]] [3, 2] i64");
}

TEST(Print, LongTensorsAreShortened) {
  EXPECT_EQ(ToString(Arange(0, 2000, 1, DType::kI32)),
            "[   0,    1,    2, ..., 1997, 1998, 1999] [2000] i32");
  EXPECT_EQ(ToString(Reshape(Arange(0, 1001, 1, DType::kI32), {1001, 1})),
            "[[   0],\n [   1],\n [   2],\n ...,\n [ 998],\n [ 999],\n [1000]] [1001, 1] i32");
  const std::string all = ToString(Arange(0, 1000, 1, DType::kI32));
  EXPECT_EQ(all.find("..."), std::string::npos);
}

TEST(Print, LongRowsAreWrapped) {
  const std::string text = ToString(Arange(0, 40, 1, DType::kI64));
  EXPECT_EQ(text,
            "[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,\n"
            " 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,\n"
            " 38, 39] [40] i64");
}

TEST(Print, ToAStream) {
  std::ostringstream stream;
  stream << Tensor::Scalar(2.5);
  EXPECT_EQ(stream.str(), "2.5 [] f64");
}

}  // namespace
}  // namespace autograd
