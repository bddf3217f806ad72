// Attention kernels against sums in double, with more keys and queries than one block has, causal
// masks, large scores, gaps between vectors, and gradients that are not asked for.
#include "autograd/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/attention_problem.h"

namespace autograd::kernels {
namespace {

// What a head should be, in double.
struct Head {
  std::vector<double> out, sums, dq, dk, dv;
};

template <class T>
Head Reference(const Problem<T>& problem, int64_t b, int64_t h) {
  const auto& [batch, heads, queries, keys, d, dv] = problem.spec.size;
  const auto zeros = [](int64_t n) { return std::vector<double>(static_cast<size_t>(n)); };
  Head head = {zeros(queries * dv), zeros(queries), zeros(queries * d), zeros(keys * d),
               zeros(keys * dv)};
  for (int64_t i = 0; i < queries; ++i) {
    const int64_t visible = problem.spec.causal ? std::min(keys, i + 1) : keys;
    std::vector<double> p = zeros(visible), dp = zeros(visible);
    double max = -std::numeric_limits<double>::infinity(), sum = 0, shift = 0;
    for (int64_t j = 0; j < visible; ++j) {
      double& score = p[static_cast<size_t>(j)];
      for (int64_t x = 0; x < d; ++x) score += problem.q.At(b, i, h, x) * problem.k.At(b, j, h, x);
      score *= problem.spec.scale;
      max = std::max(max, score);
    }
    for (double& score : p) sum += score = std::exp(score - max);
    head.sums[static_cast<size_t>(i)] = max + std::log(sum);
    for (int64_t j = 0; j < visible; ++j) {
      const auto at = static_cast<size_t>(j);
      p[at] /= sum;
      for (int64_t x = 0; x < dv; ++x) {
        head.out[static_cast<size_t>(i * dv + x)] += p[at] * problem.v.At(b, j, h, x);
        dp[at] += problem.g.At(b, i, h, x) * problem.v.At(b, j, h, x);
        head.dv[static_cast<size_t>(j * dv + x)] += p[at] * problem.g.At(b, i, h, x);
      }
      shift += p[at] * dp[at];
    }
    for (int64_t j = 0; j < visible; ++j) {
      const double ds =
          problem.spec.scale * p[static_cast<size_t>(j)] * (dp[static_cast<size_t>(j)] - shift);
      for (int64_t x = 0; x < d; ++x) {
        head.dq[static_cast<size_t>(i * d + x)] += ds * problem.k.At(b, j, h, x);
        head.dk[static_cast<size_t>(j * d + x)] += ds * problem.q.At(b, i, h, x);
      }
    }
  }
  return head;
}

template <class T>
void ExpectNear(const Array<T>& found, int64_t b, int64_t h, const std::vector<double>& wanted,
                double tolerance, const char* what) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    const double value = found.At(b, index / found.width, h, index % found.width);
    ASSERT_NEAR(value, wanted[i], tolerance * (1 + std::abs(wanted[i])))
        << what << " of batch entry " << b << ", head " << h << ", element " << i;
  }
}

template <class T>
void CompareWithReference(double tolerance, double sums_tolerance) {
  for (const AttentionSpec& spec : Specs()) {
    SCOPED_TRACE(Name(spec));
    Problem<T> problem(spec);
    problem.Run();
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t h = 0; h < 2; ++h) {
        const Head head = Reference(problem, b, h);
        ExpectNear(problem.out, b, h, head.out, tolerance, "out");
        ExpectNear(problem.dq, b, h, head.dq, tolerance, "dq");
        ExpectNear(problem.dk, b, h, head.dk, tolerance, "dk");
        ExpectNear(problem.dv, b, h, head.dv, tolerance, "dv");
        for (size_t i = 0; i < head.sums.size(); ++i) {
          const size_t at = static_cast<size_t>(b * 2 + h) * head.sums.size() + i;
          ASSERT_NEAR(static_cast<double>(problem.sums[at]), head.sums[i],
                      sums_tolerance * (1 + std::abs(head.sums[i])));
        }
      }
    }
  }
}

TEST(Attention, F32IsNearTheSums) { CompareWithReference<float>(1e-5, 1e-5); }
TEST(Attention, F64IsNearTheSums) { CompareWithReference<double>(1e-13, 1e-13); }
// Rounding a result takes 2^-9 of it, and what is rounded before a product the same of its terms.
TEST(Attention, Bf16IsNearTheSums) { CompareWithReference<BFloat16>(6e-3, 1e-3); }

TEST(Attention, LargeScoresNeitherOverflowNorVanish) {
  // Scores up to thousands: each query sees one key alone.
  Problem<float> problem({{1, 1, 40, 300, 8, 8}, 3000, false});
  problem.Run();
  const Head head = Reference(problem, 0, 0);
  ExpectNear(problem.out, 0, 0, head.out, 1e-3, "out");
  for (const float value : problem.dk.values) ASSERT_TRUE(std::isfinite(value));
  // All of them far below 0.
  for (float& value : problem.q.values) value = 1;
  for (float& value : problem.k.values) value = -1;
  problem.Run();
  double mean = 0;
  for (int64_t j = 0; j < 300; ++j) mean += problem.v.At(0, j, 0, 3) / 300;
  EXPECT_NEAR(problem.out.At(0, 5, 0, 3), mean, 1e-5);
}

TEST(Attention, ANanReachesTheQueriesThatSeeIt) {
  Problem<float> problem({{1, 1, 20, 20, 8, 8}, 1, true});
  problem.k.values[10 * 8] = std::numeric_limits<float>::quiet_NaN();
  AttentionForward<float>(problem.spec, problem.Inputs(), problem.out.Vectors(), nullptr);
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(std::isnan(problem.out.At(0, i, 0, 0)), i >= 10) << i;
  }
}

TEST(Attention, Bf16LargeScoresNeitherOverflowNorVanish) {
  Problem<BFloat16> problem({{1, 1, 40, 300, 8, 8}, 3000, false});
  problem.Run();
  for (const BFloat16 value : problem.dk.values) ASSERT_TRUE(std::isfinite(ToFloat(value)));
  for (BFloat16& value : problem.q.values) value = Rounded<BFloat16>(1);
  for (BFloat16& value : problem.k.values) value = Rounded<BFloat16>(-1);
  problem.Run();
  double mean = 0;
  for (int64_t j = 0; j < 300; ++j) mean += problem.v.At(0, j, 0, 3) / 300;
  EXPECT_NEAR(problem.out.At(0, 5, 0, 3), mean, 1e-3);
}

TEST(Attention, ABf16NanReachesTheQueriesThatSeeIt) {
  Problem<BFloat16> problem({{1, 1, 20, 20, 8, 8}, 1, true});
  problem.k.values[10 * 8] = Rounded<BFloat16>(std::numeric_limits<double>::quiet_NaN());
  AttentionForward<BFloat16>(problem.spec, problem.Inputs(), problem.out.Vectors(), nullptr);
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(std::isnan(problem.out.At(0, i, 0, 0)), i >= 10) << i;
  }
}

// Without a mask: queries, keys or values that are not finite.
template <class T>
void NonFiniteNumbersReachWhoSeesThem() {
  const T nan = Rounded<T>(std::numeric_limits<double>::quiet_NaN());
  const AttentionSpec spec = {{1, 1, 40, 50, 8, 8}, 1, false};
  Problem<T> query(spec), key(spec), value(spec), infinite(spec);
  query.q.values[10 * 8] = nan;
  key.k.values[49 * 8 + 7] = nan;
  value.v.values[3 * 8 + 2] = nan;
  infinite.k.values[20 * 8] = Rounded<T>(std::numeric_limits<double>::infinity());
  for (Problem<T>* problem : {&query, &key, &value, &infinite}) problem->Run();
  for (int64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(std::isnan(query.out.At(0, i, 0, 5)), i == 10) << i;
    EXPECT_TRUE(std::isnan(key.out.At(0, i, 0, 5))) << i;
    EXPECT_TRUE(std::isnan(value.out.At(0, i, 0, 2))) << i;
    EXPECT_FALSE(std::isnan(value.out.At(0, i, 0, 5))) << i;
    // A score of infinity less its maximum is NaN; one of -infinity counts for nothing.
    EXPECT_EQ(std::isnan(infinite.out.At(0, i, 0, 5)), infinite.q.At(0, i, 0, 0) >= 0) << i;
  }
}

TEST(Attention, NonFiniteNumbersReachWhoSeesThem) { NonFiniteNumbersReachWhoSeesThem<float>(); }
TEST(Attention, Bf16NonFiniteNumbersReachWhoSeesThem) {
  NonFiniteNumbersReachWhoSeesThem<BFloat16>();
}

// Kernels may take a shorter way where no score is large: here some are, of some queries.
template <class T>
void FewLargeScores(double tolerance) {
  Problem<T> problem({{1, 1, 100, 60, 8, 8}, 1, false});
  for (int64_t i = 40; i < 43; ++i) {
    for (int64_t x = 0; x < 8; ++x) {
      T& value = problem.q.values[static_cast<size_t>(i * 8 + x)];
      value = Rounded<T>(64 * ToDouble(value));
    }
  }
  problem.Run();
  const Head head = Reference(problem, 0, 0);
  ExpectNear(problem.out, 0, 0, head.out, tolerance, "out");
  ExpectNear(problem.dq, 0, 0, head.dq, tolerance, "dq");
  ExpectNear(problem.dk, 0, 0, head.dk, tolerance, "dk");
  ExpectNear(problem.dv, 0, 0, head.dv, tolerance, "dv");
}

TEST(Attention, FewLargeScores) { FewLargeScores<float>(5e-5); }
TEST(Attention, Bf16FewLargeScores) { FewLargeScores<BFloat16>(2e-2); }

TEST(Attention, HiddenKeysDoNotChangeABit) {
  Problem<float> problem({{1, 1, 60, 60, 8, 8}, 1, true});
  problem.Run();
  const std::vector<float> out = problem.out.values, dq = problem.dq.values;
  for (int64_t i = 30 * 8; i < 60 * 8; ++i) {
    problem.k.values[static_cast<size_t>(i)] = 50;
    problem.v.values[static_cast<size_t>(i)] = 1e30f;
  }
  problem.Run();
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 30 * 8, problem.out.values.begin()));
  EXPECT_TRUE(std::equal(dq.begin(), dq.begin() + 30 * 8, problem.dq.values.begin()));
}

// Kernels leave parts of their scratch as they were: whatever it is must not reach a result.
template <class T>
void WhatWasBeforeDoesNotMatter() {
  const AttentionSpec spec = {{1, 1, 45, 77, 8, 8}, 0.7, false};
  Problem<T> problem(spec), poisoned(spec);
  problem.Run();
  for (auto* array : {&poisoned.q, &poisoned.k, &poisoned.v, &poisoned.g}) {
    for (T& value : array->values) value = Rounded<T>(std::numeric_limits<double>::quiet_NaN());
  }
  poisoned.Run();
  Problem<T> again(spec);
  again.Run();
  EXPECT_EQ(Doubles(again.out), Doubles(problem.out));
  EXPECT_EQ(Doubles(again.dq), Doubles(problem.dq));
  EXPECT_EQ(Doubles(again.dk), Doubles(problem.dk));
  EXPECT_EQ(Doubles(again.dv), Doubles(problem.dv));
}

TEST(Attention, WhatWasBeforeDoesNotMatter) { WhatWasBeforeDoesNotMatter<float>(); }
TEST(Attention, WhatWasBeforeDoesNotMatterInBf16) { WhatWasBeforeDoesNotMatter<BFloat16>(); }

template <class T>
void WritesOnlyWhatIsAskedFor() {
  Problem<T> all({{2, 3, 50, 45, 8, 8}, 0.5, false}), some(all.spec), other(all.spec);
  all.Run();
  AttentionForward<T>(some.spec, some.Inputs(), some.out.Vectors(), some.sums.data());
  AttentionBackward<T>(some.spec, some.Inputs(), some.out.View(), some.sums.data(), some.g.View(),
                       {{}, some.dk.Vectors(), {}});
  EXPECT_EQ(Doubles(some.dk), Doubles(all.dk));
  EXPECT_EQ(some.dq.At(0, 0, 0, 0), 77);
  EXPECT_EQ(some.dv.At(0, 0, 0, 0), 77);
  AttentionForward<T>(other.spec, other.Inputs(), other.out.Vectors(), other.sums.data());
  AttentionBackward<T>(other.spec, other.Inputs(), other.out.View(), other.sums.data(),
                       other.g.View(), {other.dq.Vectors(), {}, {}});
  EXPECT_EQ(Doubles(other.dq), Doubles(all.dq));
  EXPECT_EQ(other.dk.At(0, 0, 0, 0), 77);
  EXPECT_EQ(other.dv.At(0, 0, 0, 0), 77);
}

TEST(Attention, WritesOnlyWhatIsAskedFor) { WritesOnlyWhatIsAskedFor<float>(); }
TEST(Attention, WritesOnlyWhatIsAskedForInBf16) { WritesOnlyWhatIsAskedFor<BFloat16>(); }

TEST(Attention, NoKeysNoQueries) {
  Problem<float> no_keys({{1, 2, 3, 0, 4, 5}, 1, false});
  no_keys.Run();
  for (const float value : no_keys.out.values) EXPECT_EQ(value, 0);
  for (const float value : no_keys.dq.values) EXPECT_EQ(value, 0);
  for (const float value : no_keys.sums) {
    EXPECT_EQ(value, -std::numeric_limits<float>::infinity());
  }
  Problem<float> no_queries({{1, 2, 0, 3, 4, 5}, 1, false});
  no_queries.Run();
  for (const float value : no_queries.dk.values) EXPECT_EQ(value, 0);
  for (const float value : no_queries.dv.values) EXPECT_EQ(value, 0);
}

template <class T>
void ThreadsDoNotMatter() {
  const int before = NumThreads();
  SetNumThreads(1);
  Problem<T> one({{5, 3, 90, 70, 8, 8}, 0.5, false}), three(one.spec);
  one.Run();
  SetNumThreads(3);
  three.Run();
  SetNumThreads(before);
  EXPECT_EQ(Doubles(one.out), Doubles(three.out));
  EXPECT_EQ(Doubles(one.dq), Doubles(three.dq));
  EXPECT_EQ(Doubles(one.dk), Doubles(three.dk));
  EXPECT_EQ(Doubles(one.dv), Doubles(three.dv));
}

TEST(Attention, ThreadsDoNotMatter) { ThreadsDoNotMatter<float>(); }
TEST(Attention, ThreadsDoNotMatterInBf16) { ThreadsDoNotMatter<BFloat16>(); }

}  // namespace
}  // namespace autograd::kernels
