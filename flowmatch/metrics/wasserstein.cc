#include "flowmatch/metrics/wasserstein.h"

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "flowmatch/coupling/assignment.h"

namespace flowmatch {

double Wasserstein2(std::span<const float> a, std::span<const float> b, int64_t n, int64_t dim) {
  const size_t count = static_cast<size_t>(n), d = static_cast<size_t>(dim);
  // Divided rather than multiplied, so that nothing overflows.
  if (n < 1 || dim < 1 || a.size() / d != count || a.size() % d != 0 || b.size() != a.size()) {
    throw std::invalid_argument("Wasserstein2: " + std::to_string(a.size()) + " and " +
                                std::to_string(b.size()) + " values for n = " + std::to_string(n) +
                                " points of dimension " + std::to_string(dim));
  }
  for (const auto& points : {a, b}) {
    for (size_t k = 0; k < points.size(); ++k) {
      if (std::isfinite(points[k])) continue;
      throw std::invalid_argument("Wasserstein2: coordinate " + std::to_string(k % d) +
                                  " of point " + std::to_string(k / d) + " is " +
                                  std::to_string(points[k]));
    }
  }
  std::vector<double> cost(count * count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < count; ++j) {
      double sum = 0;
      for (size_t k = 0; k < d; ++k) {
        const double difference =
            static_cast<double>(a[i * d + k]) - static_cast<double>(b[j * d + k]);
        sum += difference * difference;
      }
      cost[i * count + j] = sum;
    }
  }
  const std::vector<int64_t> partner = SolveAssignment(cost, n);
  double total = 0;
  for (size_t i = 0; i < count; ++i) total += cost[i * count + static_cast<size_t>(partner[i])];
  return std::sqrt(total / static_cast<double>(n));
}

}  // namespace flowmatch
