#include "flowmatch/path/affine_path.h"

#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/ops/arithmetic.h"

namespace flowmatch {
namespace {

using autograd::Describe;
using autograd::DType;
using autograd::Shape;

// Coefficients of two tensors in a linear combination, at one time.
struct Pair {
  double first, second;
};

void CheckOperands(const char* name, const Tensor& a, const Tensor& b, const Tensor& t) {
  const bool floating = a.dtype() == DType::kF32 || a.dtype() == DType::kF64;
  const bool times = t.rank() == 0 || (t.rank() == 1 && a.rank() >= 1 && t.size(0) == a.size(0));
  if (floating && a.shape() == b.shape() && a.dtype() == b.dtype() && a.dtype() == t.dtype() &&
      times) {
    return;
  }
  throw std::invalid_argument(
      absl::StrCat(name,
                   ": wants two tensors [B, ...] of one shape and times [B] or of rank 0, "
                   "all f32 or all f64; got ",
                   Describe(a), ", ", Describe(b), " and ", Describe(t)));
}

double TimeAt(const Tensor& t, int64_t i) {
  const int64_t offset = t.rank() == 0 ? 0 : i * t.strides()[0];
  return t.dtype() == DType::kF32 ? static_cast<double>(t.raw<float>()[offset])
                                  : t.raw<double>()[offset];
}

// pair(coefficients).first * a + .second * b, sample by sample.
template <class Function>
Tensor Combine(const char* name, const Scheduler& scheduler, const Tensor& a, const Tensor& b,
               const Tensor& t, Function pair) {
  CheckOperands(name, a, b, t);
  Shape shape = t.rank() == 0 ? Shape{} : autograd::Dims::Filled(a.rank(), 1);
  if (t.rank() == 1) shape[0] = t.size(0);
  std::vector<double> first, second;
  for (int64_t i = 0; i < t.numel(); ++i) {
    const double time = TimeAt(t, i);
    const Pair found = pair(scheduler.At(time));
    if (!std::isfinite(found.first) || !std::isfinite(found.second)) {
      throw std::invalid_argument(absl::StrCat(name, ": singular at t = ", time, " on the path ",
                                               scheduler.name(), "; keep the time off this end"));
    }
    first.push_back(found.first);
    second.push_back(found.second);
  }
  const auto coefficients = [&](const std::vector<double>& values) {
    if (a.dtype() == DType::kF64) return Tensor::FromVector(values, shape);
    return Tensor::FromVector(std::vector<float>(values.begin(), values.end()), shape);
  };
  return a * coefficients(first) + b * coefficients(second);
}

double Determinant(const PathCoefficients& c) { return c.d_alpha * c.sigma - c.d_sigma * c.alpha; }

// n / d with d = 0 an infinity or NaN, which Combine reports.
Pair Over(double first, double second, double divisor) {
  return {first / divisor, second / divisor};
}

}  // namespace

AffinePath::AffinePath(std::shared_ptr<const Scheduler> scheduler)
    : scheduler_(std::move(scheduler)) {
  if (scheduler_ == nullptr) throw std::invalid_argument("AffinePath: the scheduler is null");
}

PathSample AffinePath::Sample(const Tensor& x0, const Tensor& x1, const Tensor& t) const {
  const char* name = "AffinePath::Sample";
  PathSample sample{x0, x1, t, {}, {}};
  sample.x_t = Combine(name, *scheduler_, x1, x0, t, [](const PathCoefficients& c) {
    return Pair{c.alpha, c.sigma};
  });
  sample.dx_t = Combine(name, *scheduler_, x1, x0, t, [](const PathCoefficients& c) {
    return Pair{c.d_alpha, c.d_sigma};
  });
  return sample;
}

Tensor AffinePath::VelocityToTarget(const Tensor& velocity, const Tensor& x,
                                    const Tensor& t) const {
  return Combine("VelocityToTarget", *scheduler_, velocity, x, t, [](const PathCoefficients& c) {
    // sigma' = -infinity: D is -sigma' alpha in the limit.
    if (std::isinf(c.d_sigma)) return Pair{0, 1 / c.alpha};
    return Over(c.sigma, -c.d_sigma, Determinant(c));
  });
}

Tensor AffinePath::VelocityToEpsilon(const Tensor& velocity, const Tensor& x,
                                     const Tensor& t) const {
  return Combine("VelocityToEpsilon", *scheduler_, velocity, x, t, [](const PathCoefficients& c) {
    return Over(-c.alpha, c.d_alpha, Determinant(c));
  });
}

Tensor AffinePath::VelocityToScore(const Tensor& velocity, const Tensor& x, const Tensor& t) const {
  return Combine("VelocityToScore", *scheduler_, velocity, x, t, [](const PathCoefficients& c) {
    return Over(c.alpha, -c.d_alpha, c.sigma * Determinant(c));
  });
}

Tensor AffinePath::TargetToVelocity(const Tensor& target, const Tensor& x, const Tensor& t) const {
  return Combine("TargetToVelocity", *scheduler_, target, x, t, [](const PathCoefficients& c) {
    return Over(Determinant(c), c.d_sigma, c.sigma);
  });
}

Tensor AffinePath::TargetToEpsilon(const Tensor& target, const Tensor& x, const Tensor& t) const {
  return Combine("TargetToEpsilon", *scheduler_, target, x, t,
                 [](const PathCoefficients& c) { return Over(-c.alpha, 1, c.sigma); });
}

Tensor AffinePath::TargetToScore(const Tensor& target, const Tensor& x, const Tensor& t) const {
  return Combine("TargetToScore", *scheduler_, target, x, t,
                 [](const PathCoefficients& c) { return Over(c.alpha, -1, c.sigma * c.sigma); });
}

Tensor AffinePath::EpsilonToVelocity(const Tensor& epsilon, const Tensor& x,
                                     const Tensor& t) const {
  return Combine("EpsilonToVelocity", *scheduler_, epsilon, x, t, [](const PathCoefficients& c) {
    return Over(-Determinant(c), c.d_alpha, c.alpha);
  });
}

Tensor AffinePath::EpsilonToTarget(const Tensor& epsilon, const Tensor& x, const Tensor& t) const {
  return Combine("EpsilonToTarget", *scheduler_, epsilon, x, t,
                 [](const PathCoefficients& c) { return Over(-c.sigma, 1, c.alpha); });
}

Tensor AffinePath::EpsilonToScore(const Tensor& epsilon, const Tensor& x, const Tensor& t) const {
  return Combine("EpsilonToScore", *scheduler_, epsilon, x, t,
                 [](const PathCoefficients& c) { return Over(-1, 0, c.sigma); });
}

Tensor AffinePath::ScoreToVelocity(const Tensor& score, const Tensor& x, const Tensor& t) const {
  return Combine("ScoreToVelocity", *scheduler_, score, x, t, [](const PathCoefficients& c) {
    return Over(c.sigma * c.sigma * c.d_alpha - c.alpha * c.sigma * c.d_sigma, c.d_alpha, c.alpha);
  });
}

Tensor AffinePath::ScoreToTarget(const Tensor& score, const Tensor& x, const Tensor& t) const {
  return Combine("ScoreToTarget", *scheduler_, score, x, t,
                 [](const PathCoefficients& c) { return Over(c.sigma * c.sigma, 1, c.alpha); });
}

Tensor AffinePath::ScoreToEpsilon(const Tensor& score, const Tensor& x, const Tensor& t) const {
  return Combine("ScoreToEpsilon", *scheduler_, score, x, t, [](const PathCoefficients& c) {
    return Pair{-c.sigma, 0};
  });
}

}  // namespace flowmatch
