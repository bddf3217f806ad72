// Affine paths X_t = alpha_t X_1 + sigma_t X_0 with velocity alpha'_t X_1 + sigma'_t X_0, and
// conversions between the quantities a model may predict at X_t: velocity v, target x_1 (the data),
// noise epsilon (the source) and score.
//
// Times are tensors of shape [B], one for each sample (the first axis of x), or of rank 0, one for
// all. The coefficients are computed in double; conversions multiply x-shaped tensors by them, so
// they are differentiable in x and the prediction, not in t.
//
// Example:
//   Generator generator(0);
//   AffinePath path(std::make_shared<CondOTScheduler>());
//   Tensor x0 = Randn({4, 2}, generator), x1 = Ones({4, 2}), t = Rand({4}, generator);
//   PathSample sample = path.Sample(x0, x1, t);  // x_t = t x1 + (1 - t) x0, dx_t = x1 - x0
//   Tensor data = path.VelocityToTarget(sample.dx_t, sample.x_t, t);  // x1 again
#ifndef FLOWMATCH_PATH_AFFINE_PATH_H_
#define FLOWMATCH_PATH_AFFINE_PATH_H_

#include <memory>

#include "autograd/ops/creation.h"
#include "autograd/tensor.h"
#include "flowmatch/path/scheduler.h"

namespace flowmatch {

using autograd::Tensor;

// A point on a path and the conditional velocity there.
struct PathSample {
  Tensor x0, x1;  // source and data
  Tensor t;
  Tensor x_t;   // on the path
  Tensor dx_t;  // d x_t / dt, the regression target of a velocity model
};

class AffinePath {
 public:
  // Throws std::invalid_argument for a null scheduler.
  explicit AffinePath(std::shared_ptr<const Scheduler> scheduler);

  const Scheduler& scheduler() const { return *scheduler_; }

  // Lipman et al. 2412.06264, equations 4.2 and 4.15. x0 and x1 [B, ...] of one floating dtype, t
  // [B] or rank 0 of the same dtype. Differentiable in x0 and x1; where nothing is recorded, one
  // pass. Throws std::invalid_argument if shapes or dtypes do not match, a time lies outside [0,
  // 1], or the velocity is infinite there.
  PathSample Sample(const Tensor& x0, const Tensor& x1, const Tensor& t) const;

  // With D = alpha' sigma - sigma' alpha (Lipman et al. 2412.06264, table 1 and section 4.8.1).
  // Each throws std::invalid_argument naming the conversion and the time where it is singular
  // (there is no limit): what divides by sigma at t = 1, what divides by alpha where it is 0, and
  // what needs a velocity that is infinite. None of them makes an infinity or NaN of finite
  // numbers.

  // x_1 = (sigma v - sigma' x) / D. Takes the limit x / alpha at t = 1 for VP and LinearVP.
  Tensor VelocityToTarget(const Tensor& velocity, const Tensor& x, const Tensor& t) const;
  // epsilon = (alpha' x - alpha v) / D
  Tensor VelocityToEpsilon(const Tensor& velocity, const Tensor& x, const Tensor& t) const;
  // score = -epsilon / sigma
  Tensor VelocityToScore(const Tensor& velocity, const Tensor& x, const Tensor& t) const;
  // v = (sigma' x + D x_1) / sigma
  Tensor TargetToVelocity(const Tensor& target, const Tensor& x, const Tensor& t) const;
  // epsilon = (x - alpha x_1) / sigma
  Tensor TargetToEpsilon(const Tensor& target, const Tensor& x, const Tensor& t) const;
  // score = (alpha x_1 - x) / sigma^2
  Tensor TargetToScore(const Tensor& target, const Tensor& x, const Tensor& t) const;
  // v = (alpha' x - D epsilon) / alpha
  Tensor EpsilonToVelocity(const Tensor& epsilon, const Tensor& x, const Tensor& t) const;
  // x_1 = (x - sigma epsilon) / alpha
  Tensor EpsilonToTarget(const Tensor& epsilon, const Tensor& x, const Tensor& t) const;
  // score = -epsilon / sigma
  Tensor EpsilonToScore(const Tensor& epsilon, const Tensor& x, const Tensor& t) const;
  // v = (alpha' / alpha) x + (sigma^2 alpha' / alpha - sigma sigma') score
  Tensor ScoreToVelocity(const Tensor& score, const Tensor& x, const Tensor& t) const;
  // x_1 = (x + sigma^2 score) / alpha
  Tensor ScoreToTarget(const Tensor& score, const Tensor& x, const Tensor& t) const;
  // epsilon = -sigma score
  Tensor ScoreToEpsilon(const Tensor& score, const Tensor& x, const Tensor& t) const;

 private:
  std::shared_ptr<const Scheduler> scheduler_;
};

}  // namespace flowmatch

#endif  // FLOWMATCH_PATH_AFFINE_PATH_H_
