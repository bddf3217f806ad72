#include "examples/moons/evaluate.h"

#include <algorithm>
#include <numeric>

#include "autograd/grad_mode.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/slice.h"
#include "autograd/parallel/parallel.h"
#include "flowmatch/metrics/wasserstein.h"
#include "flowmatch/solver/likelihood.h"

namespace examples::moons {
namespace {

constexpr int kDraws = 10;
constexpr int64_t kPoints = 1000;
constexpr int64_t kLikelihoodPoints = 2000;
// Points whose likelihood is integrated at once: their activations stay in the cache.
constexpr int64_t kChunk = 2048;

// n points drawn from the data independently of each other, as a perfect sampler would.
Tensor DrawIndependent(const DrawData& draw, int64_t n, autograd::Generator& generator) {
  const Tensor pool = draw(20 * n, generator);
  return IndexSelect(pool, 0, autograd::RandInt(0, pool.size(0), {n}, generator));
}

// Mean over pairs of sets of their distance. Every pair in a thread of its own.
double MeanDistance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  std::vector<double> distances(a.size());
  autograd::ParallelFor(static_cast<int64_t>(a.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const size_t pair = static_cast<size_t>(i);
      distances[pair] = flowmatch::Wasserstein2(a[pair].span<float>(), b[pair].span<float>(),
                                                a[pair].size(0), a[pair].size(1));
    }
  });
  return std::accumulate(distances.begin(), distances.end(), 0.0) /
         static_cast<double>(distances.size());
}

}  // namespace

std::vector<Tensor> GenerateStates(const Options& options, const flowmatch::VelocityModel& model,
                                   int64_t n, int count, autograd::Generator& generator) {
  const autograd::NoGrad guard;
  const flowmatch::TimeRange range = options.scheduler->training_times();
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    times.push_back(range.first + (range.last - range.first) * i / (count - 1));
  }
  times.back() = range.last;
  return SolveOde(FieldOf(model, options.dtype), autograd::Randn({n, 2}, generator), times,
                  options.ode)
      .states;
}

Tensor Generate(const Options& options, const flowmatch::VelocityModel& model, int64_t n,
                autograd::Generator& generator) {
  return GenerateStates(options, model, n, 2, generator).back();
}

Tensor LogLikelihood(const flowmatch::VelocityModel& model, const Tensor& points,
                     const flowmatch::OdeOptions& ode, const flowmatch::TimeRange& times) {
  const autograd::NoGrad guard;
  // The divergence is a sum of derivatives; with bf16's three digits there would be little left.
  const flowmatch::VelocityField field = FieldOf(model, autograd::DType::kF32);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < points.size(0); i += kChunk) {
    const Tensor chunk = Slice(points, 0, i, std::min(points.size(0), i + kChunk));
    parts.push_back(
        flowmatch::ComputeLikelihood(field, chunk, {.ode = ode, .times = times}).log_likelihood);
  }
  return autograd::Concat(parts, 0);
}

Metrics Evaluate(const Options& options, const DrawData& draw,
                 const flowmatch::VelocityModel& model) {
  autograd::Generator generator(options.seed, kMetricsStream);
  std::vector<Tensor> data, generated, independent;
  for (int i = 0; i < kDraws; ++i) {
    data.push_back(draw(kPoints, generator));
    generated.push_back(Generate(options, model, kPoints, generator));
    independent.push_back(DrawIndependent(draw, kPoints, generator));
  }
  Metrics metrics;
  metrics.w2 = MeanDistance(generated, data);
  metrics.w2_floor = MeanDistance(independent, data);
  const Tensor fresh = draw(kLikelihoodPoints, generator);
  metrics.nll =
      -autograd::Mean(LogLikelihood(model, fresh, options.ode, options.scheduler->training_times()))
           .item();
  return metrics;
}

}  // namespace examples::moons
