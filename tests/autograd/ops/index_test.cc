#include "autograd/ops/index.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/sort.h"

namespace autograd {
namespace {

using Values = std::vector<float>;
using Indices = std::vector<int64_t>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class T>
Tensor Vector(const std::vector<T>& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())});
}

TEST(Sort, IsStableWithNanLastInBothDirections) {
  const Tensor x = Vector<float>({0, kNan, -0.f, kInfinity, -1, kNan, -kInfinity, 0});
  EXPECT_EQ(ArgSort(x).ToVector<int64_t>(), (Indices{6, 4, 0, 2, 7, 3, 1, 5}));
  EXPECT_EQ(ArgSort(x, 0, true).ToVector<int64_t>(), (Indices{3, 0, 2, 7, 4, 6, 1, 5}));
  EXPECT_EQ(TopK(x, 2).values.ToVector<float>(), (Values{kInfinity, 0}));
  EXPECT_EQ(TopK(x, 2, 0, false).indices.ToVector<int64_t>(), (Indices{6, 4}));
  EXPECT_TRUE(std::isnan(TopK(x, 8).values.ToVector<float>()[7]));
}

TEST(Sort, EveryDType) {
  EXPECT_EQ(ArgSort(Vector<double>({1, -2, NAN, 1})).ToVector<int64_t>(), (Indices{1, 0, 3, 2}));
  EXPECT_EQ(ArgSort(Vector<int32_t>({1, -2, INT32_MIN, INT32_MAX})).ToVector<int64_t>(),
            (Indices{2, 1, 0, 3}));
  EXPECT_EQ(ArgSort(Vector<int64_t>({1, -2, INT64_MAX, INT64_MIN}), 0, true).ToVector<int64_t>(),
            (Indices{2, 0, 1, 3}));
  EXPECT_EQ(ArgSort(Vector<uint8_t>({1, 255, 0})).ToVector<int64_t>(), (Indices{2, 0, 1}));
  EXPECT_EQ(ArgSort(Tensor::FromVector<uint8_t>({1, 0, 1}, {3}), 0, true).ToVector<int64_t>(),
            (Indices{0, 2, 1}));
  // 1, -2, NaN, 0.5 in bf16.
  const std::vector<BFloat16> halves = {{0x3f80}, {0xc000}, {0x7fc0}, {0x3f00}};
  EXPECT_EQ(ArgSort(Vector(halves)).ToVector<int64_t>(), (Indices{1, 3, 0, 2}));
}

TEST(Sort, FirstAxisAndEmpty) {
  const Tensor x = Tensor::FromVector<float>({3, 0, 1, 5, 2, 4}, {3, 2});
  EXPECT_EQ(Sort(x, 0).values.ToVector<float>(), (Values{1, 0, 2, 4, 3, 5}));
  EXPECT_EQ(Sort(Zeros({0, 3}), 0).values.shape(), (Shape{0, 3}));
  EXPECT_EQ(Sort(Zeros({3, 0})).indices.shape(), (Shape{3, 0}));
  EXPECT_EQ(TopK(x, 0, 0).values.shape(), (Shape{0, 2}));
}

TEST(Index, ZeroSizes) {
  const Tensor none = Tensor::FromVector<int64_t>({}, {0});
  EXPECT_EQ(IndexSelect(Zeros({3, 2}), 0, none).shape(), (Shape{0, 2}));
  EXPECT_EQ(IndexSelect(Zeros({0, 2}), 0, none).shape(), (Shape{0, 2}));
  EXPECT_EQ(IndexSelect(Zeros({3, 0}), 0, Vector<int64_t>({2, 2})).shape(), (Shape{2, 0}));
  EXPECT_EQ(IndexAdd(Ones({2, 2}), 0, none, Zeros({0, 2})).ToVector<float>(), (Values{1, 1, 1, 1}));
  EXPECT_EQ(Gather(Zeros({3}), 0, none).shape(), Shape{0});
  EXPECT_EQ(ScatterAdd(Ones({2}), 0, none, Zeros({0})).ToVector<float>(), (Values{1, 1}));
  EXPECT_EQ(Pad(Zeros({0, 1}), {2, 0}, {0, 1}, 3).ToVector<float>(), (Values{3, 3, 3, 3}));
  EXPECT_EQ(Flip(Zeros({0, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ(Flip(Ones({})).item(), 1);
}

TEST(Index, EveryDTypeCanBeMoved) {
  const Tensor index = Vector<int32_t>({2, 0, 1});
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kBF16, DType::kI32, DType::kI64,
                            DType::kU8, DType::kBool}) {
    const Tensor x = Pad(Ones({1}, dtype), {1}, {1});  // 0 1 0
    const std::string moved = ToString(Pad(Ones({1}, dtype), {2}, {0}));
    EXPECT_EQ(ToString(IndexSelect(x, 0, index)), moved);
    EXPECT_EQ(ToString(Gather(x, 0, index)), moved);
    EXPECT_EQ(ToString(Sort(x).values), moved);
    EXPECT_EQ(ToString(Flip(Pad(Ones({1}, dtype), {0}, {2}))), moved);
  }
}

TEST(IndexAdd, SumsInIndexOrder) {
  // (1 + 2^24) + -2^24 loses the 1 in f32, another order would not.
  const Tensor index = Vector<int64_t>({0, 0, 0});
  const Tensor source = Vector<float>({1, 16777216, -16777216});
  EXPECT_EQ(IndexAdd(Zeros({1}), 0, index, source).item(), 0);
  EXPECT_EQ(ScatterAdd(Zeros({1}), 0, index, source).item(), 0);
}

TEST(IndexAdd, SumsBf16InF32) {
  // 256 + 1 is a tie that bf16 rounds to 256, again and again; f32 reaches 258.
  const std::vector<BFloat16> ones(2, BFloat16{0x3f80});
  const Tensor x = Full({1}, 256, DType::kBF16), index = Vector<int64_t>({0, 0});
  EXPECT_EQ(IndexAdd(x, 0, index, Vector(ones)).item(), 258);
  EXPECT_EQ(ScatterAdd(x, 0, index, Vector(ones)).item(), 258);
}

TEST(IndexAdd, IntegersWrap) {
  const Tensor x = Vector<int32_t>({INT32_MAX}), one = Vector<int32_t>({1});
  EXPECT_EQ(IndexAdd(x, 0, Vector<int64_t>({0}), one).item<int32_t>(), INT32_MIN);
}

TEST(Index, TheFirstBadIndexIsNamed) {
  std::vector<int32_t> values(1 << 20, 0);
  values[200000] = 7;
  values[900000] = -3;
  const Tensor index = Tensor::FromVector(values, {1024, 1024});
  try {
    IndexSelect(Zeros({7}), 0, index);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "IndexSelect: index 7 at position [195, 320] is out of range for size 7");
  }
}

}  // namespace
}  // namespace autograd
