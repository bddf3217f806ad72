#include "flowmatch/path/affine_path.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

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
  const bool defined = a.defined() && b.defined() && t.defined();
  const bool floating = defined && (a.dtype() == DType::kF32 || a.dtype() == DType::kF64);
  const bool times =
      defined && (t.rank() == 0 || (t.rank() == 1 && a.rank() >= 1 && t.size(0) == a.size(0)));
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

[[noreturn]] void ThrowSingular(const char* name, const Scheduler& scheduler, double time) {
  throw std::invalid_argument(absl::StrCat(name, ": singular at t = ", time, " on the path ",
                                           scheduler.name(), "; keep the time off this end"));
}

// pair(coefficients).first * a + .second * b, sample by sample.
template <class T, class Function>
Tensor CombineAs(const char* name, const Scheduler& scheduler, const Tensor& a, const Tensor& b,
                 const Tensor& t, Function pair) {
  Shape shape = t.rank() == 0 ? Shape{} : autograd::Dims::Filled(a.rank(), 1);
  if (t.rank() == 1) shape[0] = t.size(0);
  const Tensor first = Tensor::Empty(shape, t.dtype()), second = Tensor::Empty(shape, t.dtype());
  for (int64_t i = 0; i < t.numel(); ++i) {
    const double time = TimeAt(t, i);
    const Pair found = pair(scheduler.At(time));
    T& p = first.raw<T>()[i] = static_cast<T>(found.first);
    T& q = second.raw<T>()[i] = static_cast<T>(found.second);
    if (!std::isfinite(p) || !std::isfinite(q)) ThrowSingular(name, scheduler, time);
  }
  return a * first + b * second;
}

template <class Function>
Tensor Combine(const char* name, const Scheduler& scheduler, const Tensor& a, const Tensor& b,
               const Tensor& t, Function pair) {
  CheckOperands(name, a, b, t);
  return a.dtype() == DType::kF32 ? CombineAs<float>(name, scheduler, a, b, t, pair)
                                  : CombineAs<double>(name, scheduler, a, b, t, pair);
}

// Coefficients of a sample, in its dtype.
template <class T>
struct Weights {
  T alpha, sigma, d_alpha, d_sigma;
};
template <class T>
Weights<T> WeightsOf(const PathCoefficients& c, const Scheduler& scheduler, double time) {
  const Weights<T> weights = {static_cast<T>(c.alpha), static_cast<T>(c.sigma),
                              static_cast<T>(c.d_alpha), static_cast<T>(c.d_sigma)};
  if (!std::isfinite(weights.d_alpha) || !std::isfinite(weights.d_sigma)) {
    ThrowSingular("AffinePath::Sample", scheduler, time);
  }
  return weights;
}

// n elements of x_t and dx_t that share a time.
template <class T>
inline void SampleElements(const Weights<T>& w, int64_t n, const T* noise, const T* data, T* point,
                           T* velocity) {
  for (int64_t i = 0; i < n; ++i) {
    point[i] = data[i] * w.alpha + noise[i] * w.sigma;
    velocity[i] = data[i] * w.d_alpha + noise[i] * w.d_sigma;
  }
}

// Both in one pass over dense x0 and x1, with the roundings of Combine.
template <class T>
void SampleDense(const Scheduler& scheduler, const Tensor& x0, const Tensor& x1, const Tensor& t,
                 const Tensor& x_t, const Tensor& dx_t) {
  // Elements that share a time, and elements worth a thread.
  const int64_t row = t.rank() == 0 ? x0.numel() : x0.numel() / std::max<int64_t>(1, x0.size(0));
  constexpr int64_t kGrain = 16384;
  autograd::ParallelFor(x0.numel(), kGrain, [&](int64_t begin, int64_t end) {
    const T *noise = x0.raw<T>(), *data = x1.raw<T>();
    T *point = x_t.raw<T>(), *velocity = dx_t.raw<T>();
    constexpr int64_t kBlock = 32;
    double times[kBlock];
    PathCoefficients coefficients[kBlock];
    const int64_t first = begin / row, last = (end + row - 1) / row;
    int64_t i = begin;
    for (int64_t r = first; r < last; ++r) {
      const int64_t slot = (r - first) % kBlock;
      if (slot == 0) {
        const int64_t count = std::min(kBlock, last - r);
        for (int64_t j = 0; j < count; ++j) times[j] = TimeAt(t, r + j);
        scheduler.AtMany(times, count, coefficients);
      }
      const Weights<T> weights = WeightsOf<T>(coefficients[slot], scheduler, times[slot]);
      const int64_t stop = std::min(end, (r + 1) * row);
      // Points of the plane, with a loop the compiler unrolls.
      const int64_t n = stop - i;
      n == 2 ? SampleElements(weights, 2, noise + i, data + i, point + i, velocity + i)
             : SampleElements(weights, n, noise + i, data + i, point + i, velocity + i);
      i = stop;
    }
  });
}

double Determinant(const PathCoefficients& c) { return c.d_alpha * c.sigma - c.d_sigma * c.alpha; }

// n / d with d = 0 an infinity or NaN, which Combine reports.
Pair Over(double first, double second, double divisor) {
  return {first / divisor, second / divisor};
}

constexpr Pair kSingular = {std::numeric_limits<double>::infinity(), 0};

// alpha' and sigma' where one of them is infinite, divided by its size. (If both are, they are
// equal in size: the polynomial path.)
struct Slopes {
  bool infinite;
  double alpha, sigma;
};
Slopes SlopesOf(const PathCoefficients& c) {
  const auto direction = [](double d) { return std::isinf(d) ? std::copysign(1, d) : 0; };
  return {std::isinf(c.d_alpha) || std::isinf(c.d_sigma), direction(c.d_alpha),
          direction(c.d_sigma)};
}

// Coefficients of x_1 in velocity and x. Where a slope is infinite, so are v and D, and sigma v / D
// has the limit 0 if sigma is 0; otherwise it would have to come from inf / inf.
Pair TargetFromVelocity(const PathCoefficients& c) {
  const Slopes slopes = SlopesOf(c);
  if (!slopes.infinite) return Over(c.sigma, -c.d_sigma, Determinant(c));
  if (c.sigma != 0) return kSingular;
  return {0, -slopes.sigma / (slopes.alpha * c.sigma - slopes.sigma * c.alpha)};
}

// The same of epsilon, with alpha v / D.
Pair EpsilonFromVelocity(const PathCoefficients& c) {
  const Slopes slopes = SlopesOf(c);
  if (!slopes.infinite) return Over(-c.alpha, c.d_alpha, Determinant(c));
  if (c.alpha != 0) return kSingular;
  return {0, slopes.alpha / (slopes.alpha * c.sigma - slopes.sigma * c.alpha)};
}

}  // namespace

AffinePath::AffinePath(std::shared_ptr<const Scheduler> scheduler)
    : scheduler_(std::move(scheduler)) {
  if (scheduler_ == nullptr) throw std::invalid_argument("AffinePath: the scheduler is null");
}

PathSample AffinePath::Sample(const Tensor& x0, const Tensor& x1, const Tensor& t) const {
  const char* name = "AffinePath::Sample";
  PathSample sample{x0, x1, t, {}, {}};
  CheckOperands(name, x0, x1, t);
  const Tensor* inputs[] = {&x0, &x1};
  if (!autograd::internal::ShouldRecord(inputs)) {
    const autograd::OpScope scope(name, {&x0, &x1, &t});
    const Tensor a = x0.is_contiguous() ? x0 : Contiguous(x0);
    const Tensor b = x1.is_contiguous() ? x1 : Contiguous(x1);
    sample.x_t = Tensor::Empty(x0.shape(), x0.dtype());
    sample.dx_t = Tensor::Empty(x0.shape(), x0.dtype());
    x0.dtype() == DType::kF32 ? SampleDense<float>(*scheduler_, a, b, t, sample.x_t, sample.dx_t)
                              : SampleDense<double>(*scheduler_, a, b, t, sample.x_t, sample.dx_t);
    return sample;
  }
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
  return Combine("VelocityToTarget", *scheduler_, velocity, x, t, TargetFromVelocity);
}

Tensor AffinePath::VelocityToEpsilon(const Tensor& velocity, const Tensor& x,
                                     const Tensor& t) const {
  return Combine("VelocityToEpsilon", *scheduler_, velocity, x, t, EpsilonFromVelocity);
}

Tensor AffinePath::VelocityToScore(const Tensor& velocity, const Tensor& x, const Tensor& t) const {
  return Combine("VelocityToScore", *scheduler_, velocity, x, t, [](const PathCoefficients& c) {
    const Pair epsilon = EpsilonFromVelocity(c);
    return Over(epsilon.first, epsilon.second, -c.sigma);
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
