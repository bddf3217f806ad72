#include "tests/flowmatch/testing/gaussian_flow.h"

#include <cmath>
#include <numbers>
#include <string>

#include "autograd/ops/shape.h"

namespace flowmatch {
namespace {

// sigma sigma', whose limit at a singular end is finite: half the derivative of sigma^2 = 1 -
// exp(-T) or 1 - t^2.
double SigmaSlope(const Scheduler& scheduler, double t) {
  const PathCoefficients c = scheduler.At(t);
  if (std::isfinite(c.d_sigma)) return c.sigma * c.d_sigma;
  return scheduler.name() == std::string("vp") ? -.05 : -1;
}

// Mean of the velocity at 0 and its factor of x.
struct Line {
  double offset, factor;
};
Line LineAt(const GaussianFlow& flow, double t) {
  const PathCoefficients c = flow.scheduler->At(t);
  const double factor =
      (SigmaSlope(*flow.scheduler, t) + c.alpha * c.d_alpha * flow.scale * flow.scale) /
      flow.Variance(t);
  return {c.d_alpha * flow.mean - factor * c.alpha * flow.mean, factor};
}

}  // namespace

std::vector<SchedulerPointer> AllSchedulers() {
  return {std::make_shared<CondOTScheduler>(),        std::make_shared<PolynomialScheduler>(2),
          std::make_shared<PolynomialScheduler>(1.5), std::make_shared<VPScheduler>(),
          std::make_shared<LinearVPScheduler>(),      std::make_shared<CosineScheduler>()};
}

double GaussianFlow::Variance(double t) const {
  const PathCoefficients c = scheduler->At(t);
  return c.sigma * c.sigma + c.alpha * c.alpha * scale * scale;
}

double GaussianFlow::Velocity(double x, double t) const {
  const Line line = LineAt(*this, t);
  return line.offset + line.factor * x;
}

VelocityField GaussianFlow::Field() const {
  return [flow = *this](const Tensor& x, const Tensor& t) {
    std::vector<double> offsets, factors;
    for (const double time : t.ToVector<double>()) {
      const Line line = LineAt(flow, time);
      offsets.push_back(line.offset);
      factors.push_back(line.factor);
    }
    autograd::Shape column = autograd::Dims::Filled(x.rank(), 1);
    column[0] = x.size(0);
    return x * Tensor::FromVector(factors, column) + Tensor::FromVector(offsets, column);
  };
}

double GaussianFlow::Carry(double x, double from, double to) const {
  const double start = scheduler->At(from).alpha * mean, end = scheduler->At(to).alpha * mean;
  return end + std::sqrt(Variance(to) / Variance(from)) * (x - start);
}

double GaussianFlow::LogDensity(double x, double t) const {
  const double centred = x - scheduler->At(t).alpha * mean, variance = Variance(t);
  return -.5 * (centred * centred / variance + std::log(2 * std::numbers::pi * variance));
}

}  // namespace flowmatch
