// Schedulers: how signal and noise mix along a path, X_t = alpha_t X_1 + sigma_t X_0, with t = 0
// noise and t = 1 data.
//
// All are computed in double. At a singular end a derivative is infinite; training and sampling
// keep off it with training_times().
//
// Example:
//   CondOTScheduler scheduler;
//   PathCoefficients c = scheduler.At(.25);  // alpha .25, sigma .75, d_alpha 1, d_sigma -1
//   std::cout << scheduler.name() << " " << scheduler.TimeFromSnr(c.alpha / c.sigma) << "\n";
#ifndef FLOWMATCH_PATH_SCHEDULER_H_
#define FLOWMATCH_PATH_SCHEDULER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace flowmatch {

// alpha_t, sigma_t and their derivatives with respect to t.
struct PathCoefficients {
  double alpha;
  double sigma;
  double d_alpha;
  double d_sigma;
};

// A closed range of times.
struct TimeRange {
  double first;
  double last;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // "cond_ot", "polynomial", "vp", "linear_vp" or "cosine".
  virtual const char* name() const = 0;

  // Coefficients at t in [0, 1]; a derivative may be infinite at the ends. Throws
  // std::invalid_argument for other t.
  virtual PathCoefficients At(double t) const = 0;
  // The same at n times, for batches.
  virtual void AtMany(const double* t, int64_t n, PathCoefficients* coefficients) const {
    for (int64_t i = 0; i < n; ++i) coefficients[i] = At(t[i]);
  }

  // The t at which alpha_t / sigma_t is `snr` >= 0 (infinity gives 1). A ratio the path does not
  // reach in [0, 1] gives the nearest end. Throws std::invalid_argument for a negative or NaN
  // ratio.
  virtual double TimeFromSnr(double snr) const = 0;

  // Times at which training targets have finite variance: [0, 1], less 1e-5 where an end is
  // singular.
  virtual TimeRange training_times() const { return {0, 1}; }
};

// alpha = t, sigma = 1 - t: straight paths (Lipman et al. 2210.02747, section 4.1; Liu et al.
// 2209.03003).
class CondOTScheduler final : public Scheduler {
 public:
  const char* name() const override { return "cond_ot"; }
  PathCoefficients At(double t) const override;
  void AtMany(const double* t, int64_t n, PathCoefficients* coefficients) const override;
  double TimeFromSnr(double snr) const override;
};

// alpha = t^n, sigma = 1 - t^n (Lipman et al. 2412.06264, section 4.7). n > 0; below 1, d_alpha(0)
// is infinite.
class PolynomialScheduler final : public Scheduler {
 public:
  // Throws std::invalid_argument unless exponent > 0 and finite.
  explicit PolynomialScheduler(double exponent);
  const char* name() const override { return "polynomial"; }
  PathCoefficients At(double t) const override;
  double TimeFromSnr(double snr) const override;
  TimeRange training_times() const override;
  double exponent() const { return exponent_; }

 private:
  double exponent_;
};

// Variance preserving diffusion with linear beta (Song et al. 2011.13456, equation 33), time
// reversed: with s = 1 - t and T = s^2 (beta_max - beta_min) / 2 + s beta_min, alpha = exp(-T / 2)
// and sigma = sqrt(1 - exp(-T)). alpha(0) = .0066 is not 0, so smaller ratios alpha / sigma have no
// time and TimeFromSnr gives 0. d_sigma(1) is -infinity.
class VPScheduler final : public Scheduler {
 public:
  // Throws std::invalid_argument unless 0 < beta_min < beta_max.
  explicit VPScheduler(double beta_min = .1, double beta_max = 20);
  const char* name() const override { return "vp"; }
  PathCoefficients At(double t) const override;
  double TimeFromSnr(double snr) const override;
  TimeRange training_times() const override { return {0, 1 - 1e-5}; }

 private:
  double beta_min_, beta_max_;
};

// alpha = t, sigma = sqrt(1 - t^2) (Lipman et al. 2412.06264, section 4.7). d_sigma(1) is
// -infinity.
class LinearVPScheduler final : public Scheduler {
 public:
  const char* name() const override { return "linear_vp"; }
  PathCoefficients At(double t) const override;
  double TimeFromSnr(double snr) const override;
  TimeRange training_times() const override { return {0, 1 - 1e-5}; }
};

// alpha = sin(pi t / 2), sigma = cos(pi t / 2) (Albergo et al. 2303.08797; "GVP" in Ma et al.
// 2401.08740).
class CosineScheduler final : public Scheduler {
 public:
  const char* name() const override { return "cosine"; }
  PathCoefficients At(double t) const override;
  double TimeFromSnr(double snr) const override;
};

// The scheduler of that name, with its default parameters (polynomial: n = 2). InvalidArgumentError
// listing the names for another one.
absl::StatusOr<std::shared_ptr<const Scheduler>> SchedulerByName(absl::string_view name);

}  // namespace flowmatch

#endif  // FLOWMATCH_PATH_SCHEDULER_H_
