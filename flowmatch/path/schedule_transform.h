// Sampling with another scheduler than the model was trained with.
//
// All affine paths with a Gaussian source pass through the same distributions up to scale: at the
// time r where the wanted path has the ratio alpha / sigma that the original has at t, a point of
// the wanted path is s times one of the original. So a velocity model u of the original path is,
// without training, one of the wanted path (Lipman et al. 2412.06264, section 4.6.2):
// ubar(x, r) = (s' / s) x + s t' u(x / s, t), where primes are d/dr.
//
// Example:
//   auto trained = std::make_shared<CondOTScheduler>();
//   auto wanted = std::make_shared<CosineScheduler>();
//   auto u = [](const Tensor& x, const Tensor& t) { return x * .5; };  // a trained model
//   VelocityField v = TransformSchedule(u, trained, wanted);
//   OdeSolution solution = SolveOde(v, Ones({4, 2}), {0, 1}, {.steps = 10});
#ifndef FLOWMATCH_PATH_SCHEDULE_TRANSFORM_H_
#define FLOWMATCH_PATH_SCHEDULE_TRANSFORM_H_

#include <memory>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

// t(r), s(r) and their derivatives with respect to r.
struct ScheduleChange {
  double t;
  double s;
  double d_t;
  double d_s;
};

// With t the time at which `original` has the wanted alpha / sigma at r, and s = sigma_wanted(r) /
// sigma_original(t). A CondOT original uses t = alpha / (alpha + sigma), s = alpha + sigma of the
// wanted path, which is finite on all of [0, 1] where the wanted derivatives are. Where the wanted
// path starts with less signal than the original ever has (VP starts with alpha = .0066), t stays
// at 0. Derivatives may be infinite or NaN at a singular end of either path. Throws
// std::invalid_argument for r outside [0, 1].
ScheduleChange ChangeOfSchedule(const Scheduler& original, const Scheduler& wanted, double r);

// A velocity model of the path with the scheduler `wanted` and the same source and data, from one,
// u, of the path with `original`. The field takes x [B, ...] and times [B], calls u once with times
// [B], and is differentiable in x and u's parameters. It throws std::invalid_argument naming both
// schedulers and the time where the transformation is singular. Throws std::invalid_argument for a
// null argument.
VelocityField TransformSchedule(VelocityField u, std::shared_ptr<const Scheduler> original,
                                std::shared_ptr<const Scheduler> wanted);

}  // namespace flowmatch

#endif  // FLOWMATCH_PATH_SCHEDULE_TRANSFORM_H_
