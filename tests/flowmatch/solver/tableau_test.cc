// Consistency and order conditions of the tableaux (Hairer, Norsett, Wanner I, section II.2).
#include "flowmatch/solver/tableau.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "tests/flowmatch/solver/methods.h"

namespace flowmatch {
namespace {

TEST(TableauTest, NodesAreRowSums) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const Tableau& tableau = TableauOf(method);
    ASSERT_EQ(tableau.a.size(), tableau.c.size());
    ASSERT_EQ(tableau.b.size(), tableau.c.size());
    for (size_t i = 0; i < tableau.a.size(); ++i) {
      double sum = 0;
      for (const double a : tableau.a[i]) sum += a;
      EXPECT_NEAR(sum, tableau.c[i], 1e-14) << OdeMethodName(method) << " row " << i;
    }
  }
}

// sum_i w_i c_i^(k-1) = 1/k up to the order.
TEST(TableauTest, WeightsIntegratePolynomials) {
  for (const auto& [method, order, evaluations] : kAllMethods) {
    const Tableau& tableau = TableauOf(method);
    for (int k = 1; k <= order; ++k) {
      double sum = 0, error = 0;
      for (size_t i = 0; i < tableau.c.size(); ++i) {
        sum += tableau.b[i] * std::pow(tableau.c[i], k - 1);
        if (!tableau.error.empty()) error += tableau.error[i] * std::pow(tableau.c[i], k - 1);
      }
      EXPECT_NEAR(sum, 1. / k, 1e-14) << OdeMethodName(method) << ", k = " << k;
      // The embedded method is of the fourth order, and no more.
      if (k <= 4) {
        EXPECT_NEAR(error, 0, 1e-14) << "k = " << k;
      } else {
        EXPECT_GT(std::abs(error), 1e-4);
      }
    }
  }
}

TEST(TableauTest, DenseOutputOfDopri5) {
  const Tableau& tableau = TableauOf(OdeMethod::kDopri5);
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(Dopri5DenseWeights(0)[i], 0);
    EXPECT_NEAR(Dopri5DenseWeights(1)[i], tableau.b[i], 1e-15);
  }
  // It leaves the step with the velocities at its ends.
  constexpr double kStep = 1e-7;
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(Dopri5DenseWeights(kStep)[i] / kStep, i == 0 ? 1 : 0, 1e-5);
    EXPECT_NEAR((tableau.b[i] - Dopri5DenseWeights(1 - kStep)[i]) / kStep, i == 6 ? 1 : 0, 1e-5);
  }
  for (const double theta : {.1, .5, .9}) {
    const std::vector<double> weights = Dopri5DenseWeights(theta);
    for (int k = 1; k <= 4; ++k) {
      double sum = 0;
      for (size_t i = 0; i < 7; ++i) sum += weights[i] * std::pow(tableau.c[i], k - 1);
      EXPECT_NEAR(sum, std::pow(theta, k) / k, 1e-14) << "theta = " << theta << ", k = " << k;
    }
  }
}

}  // namespace
}  // namespace flowmatch
