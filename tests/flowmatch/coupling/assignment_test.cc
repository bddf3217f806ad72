#include "flowmatch/coupling/assignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace flowmatch {
namespace {

using Permutation = std::vector<int64_t>;

double Total(const std::vector<double>& cost, const Permutation& p) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += cost[i * p.size() + static_cast<size_t>(p[i])];
  return sum;
}

bool IsPermutation(const Permutation& p) {
  return std::set<int64_t>(p.begin(), p.end()).size() == p.size() &&
         std::all_of(p.begin(), p.end(),
                     [&](int64_t j) { return j >= 0 && j < static_cast<int64_t>(p.size()); });
}

double BestByTrying(const std::vector<double>& cost, int64_t n) {
  Permutation p(static_cast<size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  double best = std::numeric_limits<double>::infinity();
  do {
    best = std::min(best, Total(cost, p));
  } while (std::next_permutation(p.begin(), p.end()));
  return best;
}

std::vector<double> Costs(int64_t n, const std::function<double(int64_t, int64_t)>& f) {
  std::vector<double> cost;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) cost.push_back(f(i, j));
  }
  return cost;
}

TEST(AssignmentTest, AsGoodAsTheBestOfAllPermutations) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  for (int64_t n = 1; n <= 7; ++n) {
    for (int trial = 0; trial < (n < 7 ? 60 : 20); ++trial) {
      const auto integer = [&](int64_t range) {
        return static_cast<double>(random() % static_cast<uint64_t>(range));
      };
      const std::vector<std::vector<double>> problems = {
          Costs(n, [&](auto, auto) { return normal(random); }),
          Costs(n, [&](auto, auto) { return integer(2); }),
          Costs(n, [&](auto, auto) { return integer(4) - 5; }),
          Costs(n, [&](auto, auto) { return std::exp(12 * normal(random)); }),
          Costs(n, [&](int64_t i, auto) { return static_cast<double>(i); }),
          Costs(n, [&](int64_t i, int64_t j) { return static_cast<double>(i * j); }),
      };
      for (size_t k = 0; k < problems.size(); ++k) {
        const Permutation p = SolveAssignment(problems[k], n);
        ASSERT_EQ(p.size(), static_cast<size_t>(n));
        EXPECT_TRUE(IsPermutation(p));
        const double best = BestByTrying(problems[k], n);
        EXPECT_NEAR(Total(problems[k], p), best, 1e-12 * (1 + std::abs(best)))
            << "problem " << k << ", n = " << n;
      }
    }
  }
}

TEST(AssignmentTest, OnALineItIsSorting) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const int64_t n : {2, 17, 200}) {
    std::vector<double> x(static_cast<size_t>(n)), y(x.size());
    for (double& v : x) v = normal(random);
    for (double& v : y) v = 3 * normal(random) + 1;
    const Permutation p = SolveAssignment(Costs(n,
                                                [&](int64_t i, int64_t j) {
                                                  const double d = x[static_cast<size_t>(i)] -
                                                                   y[static_cast<size_t>(j)];
                                                  return d * d;
                                                }),
                                          n);
    const auto rank = [](const std::vector<double>& v, size_t i) {
      return std::count_if(v.begin(), v.end(), [&](double other) { return other < v[i]; });
    };
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(rank(x, i), rank(y, static_cast<size_t>(p[i]))) << n;
  }
}

TEST(AssignmentTest, AShiftKeepsEachPoint) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  constexpr int64_t kPoints = 300;
  std::vector<double> x(2 * kPoints);
  for (double& v : x) v = normal(random);
  for (const double shift : {0.0, 0.5, 20.0}) {
    const Permutation p = SolveAssignment(
        Costs(kPoints,
              [&](int64_t i, int64_t j) {
                const size_t a = 2 * static_cast<size_t>(i), b = 2 * static_cast<size_t>(j);
                const double dx = x[b] + shift - x[a], dy = x[b + 1] - 2 * shift - x[a + 1];
                return dx * dx + dy * dy;
              }),
        kPoints);
    for (int64_t i = 0; i < kPoints; ++i) EXPECT_EQ(p[static_cast<size_t>(i)], i) << shift;
  }
}

// Linear programming duality: a permutation is optimal exactly if no cycle of exchanges lowers the
// cost, which Bellman-Ford finds on the graph of exchanges.
bool NoExchangeHelps(const std::vector<double>& cost, const Permutation& p, double tolerance) {
  const size_t n = p.size();
  const auto at = [&](size_t i, size_t j) { return cost[i * n + j]; };
  std::vector<double> distance(n, 0);
  for (size_t round = 0; round < n; ++round) {
    bool changed = false;
    for (size_t i = 0; i < n; ++i) {
      for (size_t k = 0; k < n; ++k) {
        // Row i takes the column of row k.
        const size_t j = static_cast<size_t>(p[k]);
        const double d = distance[i] + at(i, j) - at(i, static_cast<size_t>(p[i])) + tolerance;
        if (d >= distance[k]) continue;
        distance[k] = d;
        changed = true;
      }
    }
    if (!changed) return true;
  }
  return false;
}

TEST(AssignmentTest, LargerProblemsAreOptimal) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  constexpr int64_t n = 150;
  std::vector<double> x(2 * n), y(2 * n);
  for (double& v : x) v = normal(random);
  for (double& v : y) v = 0.3 * normal(random) + 2;
  const std::vector<std::vector<double>> problems = {
      Costs(n,
            [&](int64_t i, int64_t j) {
              const size_t a = 2 * static_cast<size_t>(i), b = 2 * static_cast<size_t>(j);
              return std::hypot(x[a] - y[b], x[a + 1] - y[b + 1]);
            }),
      Costs(n, [&](auto, auto) { return normal(random); }),
      Costs(n, [&](auto, auto) { return static_cast<double>(random() % 5); }),
      Costs(n, [&](int64_t i, int64_t j) { return static_cast<double>((i + 1) * (j + 1)); }),
      Costs(n, [&](int64_t i, int64_t j) { return i == 3 && j == 4 ? 1e12 : normal(random); }),
  };
  for (size_t k = 0; k < problems.size(); ++k) {
    const Permutation p = SolveAssignment(problems[k], n);
    EXPECT_TRUE(IsPermutation(p));
    EXPECT_TRUE(NoExchangeHelps(problems[k], p, 1e-10)) << k;
    Permutation worse = p;
    std::swap(worse[0], worse[1]);
    EXPECT_GE(Total(problems[k], worse), Total(problems[k], p) - 1e-10);
  }
}

TEST(AssignmentTest, TheCheckItselfFindsABadAssignment) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  constexpr int64_t n = 30;
  const std::vector<double> cost = Costs(n, [&](auto, auto) { return normal(random); });
  Permutation p = SolveAssignment(cost, n);
  std::swap(p[4], p[9]);
  EXPECT_FALSE(NoExchangeHelps(cost, p, 1e-10));
}

TEST(AssignmentTest, DuplicatesAndEqualCosts) {
  constexpr int64_t n = 400;
  EXPECT_TRUE(IsPermutation(SolveAssignment(std::vector<double>(n * n, 0.0), n)));
  EXPECT_TRUE(IsPermutation(SolveAssignment(std::vector<double>(n * n, -7.5), n)));
  // Only four different points, a hundred times each.
  const auto cost =
      Costs(n, [](int64_t i, int64_t j) { return std::abs(static_cast<double>(i % 4 - j % 4)); });
  EXPECT_EQ(Total(cost, SolveAssignment(cost, n)), 0);
}

TEST(AssignmentTest, AThousandPoints) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  constexpr int64_t n = 1000;
  std::vector<double> x(2 * n), y(2 * n);
  for (double& v : x) v = normal(random);
  for (double& v : y) v = 0.5 * normal(random) + 1;
  const std::vector<double> cost = Costs(n, [&](int64_t i, int64_t j) {
    const size_t a = 2 * static_cast<size_t>(i), b = 2 * static_cast<size_t>(j);
    return (x[a] - y[b]) * (x[a] - y[b]) + (x[a + 1] - y[b + 1]) * (x[a + 1] - y[b + 1]);
  });
  const Permutation p = SolveAssignment(cost, n);
  EXPECT_TRUE(IsPermutation(p));
  EXPECT_EQ(p, SolveAssignment(cost, n));
  for (size_t i = 0; i < n; ++i) {
    const size_t k = (i * 7 + 1) % n;
    const double kept =
        cost[i * n + static_cast<size_t>(p[i])] + cost[k * n + static_cast<size_t>(p[k])];
    const double exchanged =
        cost[i * n + static_cast<size_t>(p[k])] + cost[k * n + static_cast<size_t>(p[i])];
    EXPECT_LE(kept, exchanged + 1e-9);
  }
}

TEST(AssignmentTest, ExtremeCosts) {
  constexpr double kHuge = std::numeric_limits<double>::max(),
                   kTiny = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(SolveAssignment(std::vector<double>{kHuge, 1e307, 2e307, kHuge}, 2),
            (Permutation{1, 0}));
  EXPECT_EQ(SolveAssignment(std::vector<double>{-kHuge, kHuge, kHuge, -kHuge}, 2),
            (Permutation{0, 1}));
  EXPECT_EQ(SolveAssignment(std::vector<double>{kTiny, 0, 0, kTiny}, 2), (Permutation{1, 0}));
}

TEST(AssignmentTest, NothingToAssign) { EXPECT_TRUE(SolveAssignment({}, 0).empty()); }

TEST(AssignmentTest, MisuseIsNamed) {
  const auto message = [](const std::vector<double>& cost, int64_t n) -> std::string {
    try {
      SolveAssignment(cost, n);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({1, 2, 3}, 2), "SolveAssignment: 3 costs for n = 2; expected n × n");
  EXPECT_EQ(message({}, -1), "SolveAssignment: 0 costs for n = -1; expected n × n");
  EXPECT_EQ(message({1}, int64_t{1} << 32),
            "SolveAssignment: 1 costs for n = 4294967296; expected n × n");
  EXPECT_EQ(message({0, 1, std::nan(""), 3}, 2), "SolveAssignment: cost[1, 0] is nan");
  EXPECT_EQ(message({0, INFINITY, 2, 3}, 2), "SolveAssignment: cost[0, 1] is inf");
}

}  // namespace
}  // namespace flowmatch
