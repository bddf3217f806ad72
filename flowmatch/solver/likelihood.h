// The likelihood of data under a flow: ln p_1(x) by the instantaneous change of variables
// (Chen et al. 1806.07366, theorem 1).
//
// Integrates x and l' = div v from t = 1, where l = 0, to t = 0; then ln p_1(x_1) = ln p_0(x_0) +
// l(0), with p_0 a standard normal unless another density is given. The divergence is exact (one
// backward pass for each element of a sample), or estimated by Hutchinson's z^T J z with Rademacher
// z, fixed over the solve (Grathwohl et al. 1810.01367).
//
// Example:
//   auto v = [](const Tensor& x, const Tensor& t) { return x * .5; };
//   Tensor x = Ones({4, 2}, DType::kF64);
//   LikelihoodResult result = ComputeLikelihood(v, x, {.ode = {.method = OdeMethod::kDopri5}});
//   std::cout << result.log_likelihood << "\n";  // ln N(x; 0, e I), four times
#ifndef FLOWMATCH_SOLVER_LIKELIHOOD_H_
#define FLOWMATCH_SOLVER_LIKELIHOOD_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

struct LikelihoodOptions {
  OdeOptions ode = {};
  // From the source to the data; a scheduler's training_times() for a model that never saw its
  // singular ends.
  TimeRange times = {0, 1};
  // 0: the exact divergence. More: the mean of that many Hutchinson probes, drawn from `seed`.
  int hutchinson_probes = 0;
  uint64_t seed = 0;
  // ln p_0 of states [B, ...], a tensor [B]. Default: StandardNormalLogDensity.
  std::function<Tensor(const Tensor& x0)> source_log_density = {};
};

struct LikelihoodResult {
  Tensor log_likelihood;  // [B], nats
  Tensor x0;              // where each sample came from, of x's shape
  int64_t evaluations = 0;
};

// x: f32 or f64, [B, ...]. Differentiable with respect to x and v's parameters if recording is on.
// Throws what SolveOde throws, and std::invalid_argument for a negative number of probes.
LikelihoodResult ComputeLikelihood(const VelocityField& v, const Tensor& x,
                                   const LikelihoodOptions& options = {});

// ln N(x; 0, I) of each sample: x [B, ...] gives [B].
Tensor StandardNormalLogDensity(const Tensor& x);

// The divergence of v at (x, t) for each sample, [B], and v itself, [B, ...].
struct VelocityAndDivergence {
  Tensor velocity;
  Tensor divergence;
};
VelocityAndDivergence ExactDivergence(const VelocityField& v, const Tensor& x, const Tensor& t);
// probes: P >= 1 tensors of x's shape; throws std::invalid_argument for none.
VelocityAndDivergence HutchinsonDivergence(const VelocityField& v, const Tensor& x, const Tensor& t,
                                           const std::vector<Tensor>& probes);

}  // namespace flowmatch

#endif  // FLOWMATCH_SOLVER_LIKELIHOOD_H_
