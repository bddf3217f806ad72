// Sampling and metrics of the moons program.
#ifndef EXAMPLES_MOONS_EVALUATE_H_
#define EXAMPLES_MOONS_EVALUATE_H_

#include <vector>

#include "autograd/tensor.h"
#include "examples/moons/options.h"
#include "examples/moons/train.h"
#include "flowmatch/models/flow_mlp.h"

namespace examples::moons {

// States at `count` equally spaced times, from n independent normal points at the first time to
// samples at the last.
std::vector<Tensor> GenerateStates(const Options& options, const flowmatch::VelocityModel& model,
                                   int64_t n, int count, autograd::Generator& generator);

// n generated points, f32 [n, 2].
Tensor Generate(const Options& options, const flowmatch::VelocityModel& model, int64_t n,
                autograd::Generator& generator);

// Exact ln p of points [n, 2] under the model, [n], computed in f32.
Tensor LogLikelihood(const flowmatch::VelocityModel& model, const Tensor& points,
                     const flowmatch::OdeOptions& ode, const flowmatch::TimeRange& times);

struct Metrics {
  // Exact 2-Wasserstein distance of 1,000 generated points to 1,000 points of the data, mean of 10
  // draws, and the same for independent points of the data in place of generated ones.
  double w2 = 0;
  double w2_floor = 0;
  // Mean exact negative log-likelihood of 2,000 fresh points, nats.
  double nll = 0;
};
Metrics Evaluate(const Options& options, const DrawData& draw,
                 const flowmatch::VelocityModel& model);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_EVALUATE_H_
