// Group normalisation of images in two arrays and of bf16, added to pending gradients.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/group_norm.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/group_norm_problem.h"

namespace autograd::kernels {
namespace {

template <class T>
class GroupNormPartsTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GroupNormPartsTest, Types);

// What is pending comes first in the sum, as where it is added in a pass of its own.
TYPED_TEST(GroupNormPartsTest, AddsToWhatIsPending) {
  using T = TypeParam;
  for (const GroupNormSize& size : kSizes) {
    for (const UnaryOp op : {UnaryOp::kSilu, UnaryOp::kTanh}) {
      for (const int64_t split : Splits(size)) {
        SCOPED_TRACE(Name(size) + " " + std::to_string(split));
        const Problem<T> p(size);
        const auto activation = NormActivation<T>::Of(op);
        Results<T> wanted = Normalise(p, activation, split);
        for (size_t i = 0; i < p.x.size(); ++i) wanted.dx[i] = p.pending[i] + wanted.dx[i];
        for (const Pending pending : {Pending::kApart, Pending::kInPlace}) {
          const Results<T> found = Normalise(p, activation, split, pending);
          EXPECT_EQ(found.dx, wanted.dx);
          EXPECT_EQ(found.dweight, wanted.dweight);
          EXPECT_EQ(found.dbias, wanted.dbias);
        }
      }
    }
  }
}

std::vector<float> Widened(const std::vector<BFloat16>& x) {
  std::vector<float> wide;
  for (const BFloat16 value : x) wide.push_back(ToFloat(value));
  return wide;
}
std::vector<float> Rounded(const std::vector<float>& x) {
  std::vector<float> rounded;
  for (const float value : x) rounded.push_back(ToFloat(ToBFloat16(value)));
  return rounded;
}

// Images of bf16 are those of f32 with y and dx rounded; the sums see no rounding.
TEST(GroupNormBf16Test, IsThatOfFloatRoundedOnce) {
  const NormActivation<float> activations[] = {
      {}, NormActivation<float>::Of(UnaryOp::kSilu), NormActivation<float>::Of(UnaryOp::kTanh)};
  for (const GroupNormSize& size : kSizes) {
    for (const auto& activation : activations) {
      for (const int64_t split : Splits(size)) {
        for (const Pending pending : {Pending::kNone, Pending::kInPlace}) {
          SCOPED_TRACE(Name(size) + " " + std::to_string(split));
          const Problem<BFloat16> p(size, .3, 2);
          Problem<float> wide(size);
          wide.x = Widened(p.x);
          wide.dy = Widened(p.dy);
          wide.pending = Widened(p.pending);
          const Results<float> wanted = Normalise(wide, activation, split, pending);
          const Results<BFloat16> found = Normalise(p, activation, split, pending);
          EXPECT_EQ(found.statistics, wanted.statistics);
          EXPECT_EQ(Widened(found.y), Rounded(wanted.y));
          EXPECT_EQ(Widened(found.dx), Rounded(wanted.dx));
          EXPECT_EQ(found.dweight, wanted.dweight);
          EXPECT_EQ(found.dbias, wanted.dbias);
        }
      }
    }
  }
}

class GroupNormThreads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

template <class T>
bool SameBytes(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() &&
         (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

template <class S>
void ExpectSameOnManyThreads(const GroupNormSize& size, int64_t split) {
  SCOPED_TRACE(Name(size) + " " + std::to_string(split));
  const Problem<S> p(size);
  const auto silu = SiluIf<NormComputeType<S>>(true);
  SetNumThreads(1);
  const Results<S> one = Normalise(p, silu, split, Pending::kInPlace);
  for (const int threads : {2, 3, 16}) {
    SetNumThreads(threads);
    const Results<S> many = Normalise(p, silu, split, Pending::kInPlace);
    EXPECT_TRUE(SameBytes(one.y, many.y)) << threads;
    EXPECT_TRUE(SameBytes(one.dx, many.dx)) << threads;
    EXPECT_TRUE(SameBytes(one.dweight, many.dweight)) << threads;
    EXPECT_TRUE(SameBytes(one.dbias, many.dbias)) << threads;
  }
}

TEST_F(GroupNormThreads, TheirNumberDoesNotChangeABit) {
  for (const GroupNormSize& size : kSizes) {
    for (const int64_t split : Splits(size)) {
      ExpectSameOnManyThreads<float>(size, split);
      ExpectSameOnManyThreads<BFloat16>(size, split);
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
