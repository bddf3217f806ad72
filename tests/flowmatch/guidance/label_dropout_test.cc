#include "flowmatch/guidance/label_dropout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/ops/slice.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

TEST(DropLabelsTest, EachLabelOnItsOwnAtTheGivenRate) {
  constexpr int64_t kCount = 200000;
  Generator generator(1);
  const Tensor labels = autograd::RandInt(1, 11, {kCount}, generator);
  for (const double p : {.1, .2, .5}) {
    const std::vector<int64_t> before = labels.ToVector<int64_t>(),
                               after = DropLabels(labels, p, 0, generator).ToVector<int64_t>();
    double dropped = 0, pairs = 0, sevens = 0, dropped_sevens = 0;
    for (size_t i = 0; i < after.size(); ++i) {
      ASSERT_TRUE(after[i] == 0 || after[i] == before[i]);
      dropped += after[i] == 0;
      pairs += i > 0 && after[i] == 0 && after[i - 1] == 0;
      sevens += before[i] == 7;
      dropped_sevens += before[i] == 7 && after[i] == 0;
    }
    const auto error = [](double q, double n) { return 5 * std::sqrt(q * (1 - q) / n); };
    const double n = static_cast<double>(kCount);
    EXPECT_NEAR(dropped / n, p, error(p, n));
    // Whatever the label, and whatever becomes of its neighbour (pairs overlap: twice the variance
    // and more).
    EXPECT_NEAR(dropped_sevens / sevens, p, error(p, sevens));
    EXPECT_NEAR(pairs / n, p * p, 2 * error(p * p, n));
  }
}

TEST(DropLabelsTest, Probability0And1) {
  Generator generator(2);
  const Tensor labels = Tensor::FromVector<int32_t>({4, -1, 0, 9}, {4});
  const Tensor kept = DropLabels(labels, 0, 3, generator);
  EXPECT_EQ(kept.dtype(), DType::kI32);
  EXPECT_EQ(kept.ToVector<int32_t>(), labels.ToVector<int32_t>());
  EXPECT_EQ(DropLabels(labels, 1, -3, generator).ToVector<int32_t>(), std::vector<int32_t>(4, -3));
  EXPECT_EQ(labels.ToVector<int32_t>(), (std::vector<int32_t>{4, -1, 0, 9}));
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(
      DropLabels(Tensor::FromVector<int64_t>({1}, {1}), 1, kLargest, generator).ToVector<int64_t>(),
      std::vector<int64_t>{kLargest});
  EXPECT_EQ(DropLabels(autograd::Zeros({0}, DType::kI64), .5, 0, generator).numel(), 0);
}

TEST(DropLabelsTest, LabelIDependsOnTheStateAndIAlone) {
  const auto drop = [](int64_t n, uint64_t seed, double p) {
    Generator generator(seed);
    const Tensor dropped = DropLabels(autograd::Ones({n}, DType::kI64), p, 0, generator);
    return std::pair{dropped.ToVector<int64_t>(), generator.state()};
  };
  const auto [all, state] = drop(300, 3, .5);
  const auto [some, shorter] = drop(130, 3, .5);
  EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin()));
  EXPECT_NE(drop(300, 4, .5).first, all);
  // What is drawn next is the same whatever the probability, 0 included.
  for (const double p : {0., .2, 1.}) EXPECT_EQ(drop(300, 3, p).second, state);
  EXPECT_NE(state, Generator(3).state());
}

TEST(DropLabelsTest, StridedLabels) {
  Generator generator(5);
  const Tensor labels = Slice(Tensor::FromVector<int64_t>({1, 8, 2, 8, 3, 8}, {6}), 0, 0, 6, 2);
  EXPECT_EQ(DropLabels(labels, 0, 0, generator).ToVector<int64_t>(),
            (std::vector<int64_t>{1, 2, 3}));
}

TEST(DropLabelsTest, MisuseIsNamed) {
  Generator generator(6);
  const auto error = [&](const Tensor& labels, double p, int64_t null_label) {
    return ErrorText([&] { DropLabels(labels, p, null_label, generator); });
  };
  EXPECT_EQ(error(Tensor(), .1, 0), "DropLabels: labels are undefined, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2}), .1, 0),
            "DropLabels: labels are [2] f32, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2, 2}, DType::kI64), .1, 0),
            "DropLabels: labels are [2, 2] i64, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2}, DType::kI32), .1, int64_t{1} << 31),
            "DropLabels: i32 does not hold the null label 2147483648");
  const Tensor labels = autograd::Zeros({2}, DType::kI64);
  EXPECT_EQ(error(labels, 1.5, 0), "DropLabels: probability is 1.5, expected 0 to 1");
  EXPECT_EQ(error(labels, std::nan(""), 0), "DropLabels: probability is nan, expected 0 to 1");
}

}  // namespace
}  // namespace flowmatch
