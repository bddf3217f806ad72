#include "flowmatch/path/schedule_transform.h"

#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace flowmatch {
namespace {

using autograd::DType;

Tensor ColumnOf(const std::vector<double>& values, const autograd::Shape& shape, DType dtype) {
  if (dtype == DType::kF64) return Tensor::FromVector(values, shape);
  return Tensor::FromVector(std::vector<float>(values.begin(), values.end()), shape);
}

// The change at each of the times r [B], as tensors: times [B], the others [B, 1, ...].
struct Columns {
  Tensor t, shrink, of_x, of_u;
};
Columns ColumnsAt(const Scheduler& original, const Scheduler& wanted, const Tensor& r, int rank) {
  const int64_t batch = r.size(0);
  std::vector<double> t, shrink, of_x, of_u;
  for (int64_t i = 0; i < batch; ++i) {
    const double time =
        r.dtype() == DType::kF32 ? static_cast<double>(r.at<float>({i})) : r.at<double>({i});
    const ScheduleChange c = ChangeOfSchedule(original, wanted, time);
    t.push_back(c.t);
    shrink.push_back(1 / c.s);
    of_x.push_back(c.d_s / c.s);
    of_u.push_back(c.s * c.d_t);
    if (!std::isfinite(shrink.back()) || !std::isfinite(of_x.back()) ||
        !std::isfinite(of_u.back())) {
      throw std::invalid_argument(absl::StrCat("TransformSchedule from ", original.name(), " to ",
                                               wanted.name(), ": singular at t = ", time,
                                               "; keep the time off this end"));
    }
  }
  autograd::Shape shape = autograd::Dims::Filled(rank, 1);
  shape[0] = batch;
  return {ColumnOf(t, {batch}, r.dtype()), ColumnOf(shrink, shape, r.dtype()),
          ColumnOf(of_x, shape, r.dtype()), ColumnOf(of_u, shape, r.dtype())};
}

}  // namespace

ScheduleChange ChangeOfSchedule(const Scheduler& original, const Scheduler& wanted, double r) {
  const PathCoefficients w = wanted.At(r);
  if (dynamic_cast<const CondOTScheduler*>(&original) != nullptr) {
    const double s = w.alpha + w.sigma;
    return {w.alpha / s, s, (w.d_alpha * w.sigma - w.alpha * w.d_sigma) / (s * s),
            w.d_alpha + w.d_sigma};
  }
  const PathCoefficients first = original.At(0);
  if (w.alpha * first.sigma < w.sigma * first.alpha) {
    // Before the original begins: the point there only shrinks.
    return {0, w.sigma / first.sigma, 0, w.d_sigma / first.sigma};
  }
  const double t = original.TimeFromSnr(w.alpha / w.sigma);
  const PathCoefficients c = original.At(t);
  // Of the two expressions for s and its derivative (from s sigma = sigma_wanted and from
  // s alpha = alpha_wanted), the one whose divisor is not near 0.
  const bool by_alpha = c.alpha > c.sigma;
  const double s = by_alpha ? w.alpha / c.alpha : w.sigma / c.sigma;
  const double d_t = (w.sigma * w.d_alpha - w.alpha * w.d_sigma) /
                     (s * s * (c.sigma * c.d_alpha - c.alpha * c.d_sigma));
  const double d_s = by_alpha ? (w.d_alpha - s * c.d_alpha * d_t) / c.alpha
                              : (w.d_sigma - s * c.d_sigma * d_t) / c.sigma;
  return {t, s, d_t, d_s};
}

VelocityField TransformSchedule(VelocityField u, std::shared_ptr<const Scheduler> original,
                                std::shared_ptr<const Scheduler> wanted) {
  if (u == nullptr || original == nullptr || wanted == nullptr) {
    throw std::invalid_argument(
        "TransformSchedule: the velocity field or one of the schedulers is null");
  }
  return [u = std::move(u), original = std::move(original), wanted = std::move(wanted)](
             const Tensor& x, const Tensor& r) {
    const bool floating = x.defined() && (x.dtype() == DType::kF32 || x.dtype() == DType::kF64);
    if (!floating || !r.defined() || x.rank() < 1 || r.rank() != 1 || r.size(0) != x.size(0) ||
        r.dtype() != x.dtype()) {
      throw std::invalid_argument(absl::StrCat(
          "TransformSchedule: wants x [B, ...] and times [B], both f32 or both f64; got ",
          Describe(x), " and ", Describe(r)));
    }
    const Columns c = ColumnsAt(*original, *wanted, r, x.rank());
    return x * c.of_x + u(x * c.shrink, c.t) * c.of_u;
  };
}

}  // namespace flowmatch
