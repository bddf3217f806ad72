// The one flow whose every quantity has a closed form: source N(0, 1), data N(mean, scale^2), each
// coordinate on its own. p_t is N(alpha mean, V) with V = sigma^2 + alpha^2 scale^2.
#ifndef TESTS_FLOWMATCH_TESTING_GAUSSIAN_FLOW_H_
#define TESTS_FLOWMATCH_TESTING_GAUSSIAN_FLOW_H_

#include <memory>
#include <vector>

#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

using SchedulerPointer = std::shared_ptr<const Scheduler>;

// Every scheduler there is, the polynomial one with the exponents 2 and 1.5.
std::vector<SchedulerPointer> AllSchedulers();

struct GaussianFlow {
  SchedulerPointer scheduler;
  double mean = .7;
  double scale = .4;

  double Variance(double t) const;
  // alpha' mean + (sigma sigma' + alpha alpha' scale^2) / V (x - alpha mean), finite at all ends.
  double Velocity(double x, double t) const;
  // The same for tensors.
  VelocityField Field() const;
  // Where the flow takes x from one time to another.
  double Carry(double x, double from, double to) const;
  // ln p_t(x).
  double LogDensity(double x, double t) const;
};

}  // namespace flowmatch

#endif  // TESTS_FLOWMATCH_TESTING_GAUSSIAN_FLOW_H_
