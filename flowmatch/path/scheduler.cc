#include "flowmatch/path/scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace flowmatch {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void CheckTime(const char* scheduler, double t) {
  if (t >= 0 && t <= 1) return;
  throw std::invalid_argument(
      absl::StrCat(scheduler, " scheduler: time ", t, " is outside [0, 1]"));
}

void CheckSnr(const char* scheduler, double snr) {
  if (snr >= 0) return;
  throw std::invalid_argument(
      absl::StrCat(scheduler, " scheduler: alpha / sigma is ", snr, ", expected 0 or more"));
}

// snr / (1 + snr), also at infinity.
double Share(double snr) { return snr == kInfinity ? 1 : snr / (1 + snr); }

}  // namespace

PathCoefficients CondOTScheduler::At(double t) const {
  CheckTime(name(), t);
  return {t, 1 - t, 1, -1};
}

// The path most models train on: no call for each sample.
void CondOTScheduler::AtMany(const double* t, int64_t n, PathCoefficients* coefficients) const {
  for (int64_t i = 0; i < n; ++i) coefficients[i] = CondOTScheduler::At(t[i]);
}

double CondOTScheduler::TimeFromSnr(double snr) const {
  CheckSnr(name(), snr);
  return Share(snr);
}

PolynomialScheduler::PolynomialScheduler(double exponent) : exponent_(exponent) {
  if (!(exponent > 0) || exponent == kInfinity) {
    throw std::invalid_argument(
        absl::StrCat("polynomial scheduler: the exponent is ", exponent, ", expected > 0"));
  }
}

PathCoefficients PolynomialScheduler::At(double t) const {
  CheckTime(name(), t);
  const double alpha = std::pow(t, exponent_);
  // At t = 0: n < 1 gives infinity, n = 1 gives 1, n > 1 gives 0.
  const double slope = exponent_ * std::pow(t, exponent_ - 1);
  return {alpha, 1 - alpha, slope, -slope};
}

double PolynomialScheduler::TimeFromSnr(double snr) const {
  CheckSnr(name(), snr);
  return std::pow(Share(snr), 1 / exponent_);
}

TimeRange PolynomialScheduler::training_times() const { return {exponent_ < 1 ? 1e-5 : 0, 1}; }

VPScheduler::VPScheduler(double beta_min, double beta_max)
    : beta_min_(beta_min), beta_max_(beta_max) {
  if (!(beta_min > 0 && beta_max > beta_min && beta_max < kInfinity)) {
    throw std::invalid_argument(absl::StrCat("vp scheduler: beta_min ", beta_min, " and beta_max ",
                                             beta_max, ", expected 0 < beta_min < beta_max"));
  }
}

PathCoefficients VPScheduler::At(double t) const {
  CheckTime(name(), t);
  const double s = 1 - t, slope = beta_max_ - beta_min_;
  const double integral = .5 * s * s * slope + s * beta_min_;
  const double beta = s * slope + beta_min_;
  const double alpha = std::exp(-.5 * integral);
  const double sigma = std::sqrt(-std::expm1(-integral));
  // exp(-T) is alpha^2.
  return {alpha, sigma, .5 * beta * alpha, -.5 * beta * alpha * alpha / sigma};
}

double VPScheduler::TimeFromSnr(double snr) const {
  CheckSnr(name(), snr);
  const PathCoefficients first = At(0);
  if (snr <= first.alpha / first.sigma) return 0;
  const double b = beta_min_, slope = beta_max_ - beta_min_;
  const double integral = std::log1p(1 / (snr * snr));
  // The root of slope s^2 / 2 + b s = integral, in the form that does not cancel for small s.
  const double s = 2 * integral / (b + std::sqrt(b * b + 2 * slope * integral));
  return std::clamp(1 - s, 0.0, 1.0);
}

PathCoefficients LinearVPScheduler::At(double t) const {
  CheckTime(name(), t);
  // (1 - t)(1 + t) keeps the digits that 1 - t^2 loses near 1.
  const double sigma = std::sqrt((1 - t) * (1 + t));
  return {t, sigma, 1, t == 0 ? 0 : -t / sigma};
}

double LinearVPScheduler::TimeFromSnr(double snr) const {
  CheckSnr(name(), snr);
  return snr == kInfinity ? 1 : snr / std::hypot(1, snr);
}

PathCoefficients CosineScheduler::At(double t) const {
  CheckTime(name(), t);
  constexpr double kHalfPi = std::numbers::pi / 2;
  // cos(pi/2) is not exactly 0 in floating point; sin(pi (1 - t) / 2) is at t = 1.
  const double alpha = std::sin(kHalfPi * t), sigma = std::sin(kHalfPi * (1 - t));
  return {alpha, sigma, kHalfPi * sigma, -kHalfPi * alpha};
}

double CosineScheduler::TimeFromSnr(double snr) const {
  CheckSnr(name(), snr);
  return std::atan(snr) * 2 / std::numbers::pi;
}

absl::StatusOr<std::shared_ptr<const Scheduler>> SchedulerByName(absl::string_view name) {
  if (name == "cond_ot") return std::make_shared<const CondOTScheduler>();
  if (name == "polynomial") return std::make_shared<const PolynomialScheduler>(2);
  if (name == "vp") return std::make_shared<const VPScheduler>();
  if (name == "linear_vp") return std::make_shared<const LinearVPScheduler>();
  if (name == "cosine") return std::make_shared<const CosineScheduler>();
  return absl::InvalidArgumentError(absl::StrCat(
      "path '", name, "' is unknown; expected cond_ot, polynomial, vp, linear_vp or cosine"));
}

}  // namespace flowmatch
