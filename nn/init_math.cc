#include "nn/init_math.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/parallel/parallel.h"

namespace nn::internal {
namespace {

// 35 deviations away; far enough from the smallest f64 for NormalQuantile's steps.
constexpr double kLeastProbability = 1e-280;

// P(z < x) for z ~ N(0, 1).
double NormalBelow(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// In eight sums side by side, for the compiler to use vectors.
double Dot(const double* a, const double* b, int64_t n) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  double sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace

void Orthonormalize(std::vector<double>& vectors, int64_t count, int64_t length) {
  for (int64_t i = 0; i < count; ++i) {
    double* vector = vectors.data() + i * length;
    // Cancellation leaves a rest of the projections where little of the vector remains; the second
    // pass removes it (Giraud, Langou and Rozloznik, "The loss of orthogonality in the Gram-Schmidt
    // orthogonalization process", 2005).
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < i; ++j) {
        const double* before = vectors.data() + j * length;
        const double projection = Dot(vector, before, length);
        for (int64_t k = 0; k < length; ++k) vector[k] -= projection * before[k];
      }
    }
    const double norm = std::sqrt(Dot(vector, vector, length));
    for (int64_t k = 0; k < length; ++k) vector[k] /= norm;
  }
}

double NormalQuantile(double p) {
  // Newton's method on log P(z < x) = log p. The logarithm is concave and grows, and P(z < x) <=
  // exp(-x^2 / 2) / 2 makes the start no larger than the solution, so the steps approach it from
  // below.
  const double target = std::log(p);
  double x = -std::sqrt(std::max(0.0, -2 * (target + std::numbers::ln2)));
  for (int step = 0; step < 30; ++step) {
    const double below = NormalBelow(x);
    const double density = std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    const double change = (target - std::log(below)) * below / density;
    x += change;
    if (std::abs(change) <= 1e-8 * (1 + std::abs(x))) break;  // the next would be 1e-16
  }
  return x;
}

TruncatedNormalDistribution::TruncatedNormalDistribution(double mean, double deviation, double low,
                                                         double high)
    : mean_(mean), deviation_(deviation), low_(low), high_(high) {
  // Each from the tail on its side, where it is small and accurate.
  below_ = NormalBelow((low - mean) / deviation);
  above_ = NormalBelow(-(high - mean) / deviation);
  inside_ = low > mean ? NormalBelow(-(low - mean) / deviation) - above_
                       : NormalBelow((high - mean) / deviation) - below_;
  if (!(low < high) || !(deviation > 0) || !(inside_ > kLeastProbability)) {
    throw std::invalid_argument(absl::StrCat(
        "TruncatedNormal: wants low < high, deviation > 0 and an interval of some probability, got "
        "mean ",
        mean, ", deviation ", deviation, ", low ", low, " and high ", high));
  }
}

double TruncatedNormalDistribution::InvertOne(double u) const {
  // Half of the smallest step in the place of 0, whose x may be infinite.
  u = std::max(u, 0x1p-54);
  const double p = below_ + u * inside_, q = above_ + (1 - u) * inside_;
  const double z = p < q ? NormalQuantile(p) : -NormalQuantile(q);
  return std::clamp(mean_ + deviation_ * z, low_, high_);
}

void TruncatedNormalDistribution::Invert(std::vector<double>& uniform) const {
  constexpr int64_t kGrain = 2048;
  autograd::ParallelFor(static_cast<int64_t>(uniform.size()), kGrain,
                        [&](int64_t begin, int64_t end) {
                          for (int64_t i = begin; i < end; ++i) {
                            double& value = uniform[static_cast<size_t>(i)];
                            value = InvertOne(value);
                          }
                        });
}

}  // namespace nn::internal
