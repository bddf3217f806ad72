#include "flowmatch/solver/likelihood.h"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/identity.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "autograd/random/philox.h"

namespace flowmatch {
namespace {

using autograd::DType;

// [B, ...] as [B, elements of a sample].
Tensor Flat(const Tensor& x) {
  const int64_t batch = x.size(0);
  return Reshape(x, {batch, batch == 0 ? 0 : x.numel() / batch});
}

// v recorded at a point of its own, so that its derivative there does not run into how the point
// was computed.
struct Recorded {
  Tensor x, velocity;
};
Recorded Record(const VelocityField& v, const Tensor& x, const Tensor& t) {
  const autograd::EnableGrad recording;
  Recorded recorded;
  recorded.x = x.requires_grad() ? Identity(x) : x.Detach().set_requires_grad(true);
  recorded.velocity = v(recorded.x, t);
  return recorded;
}

// J^T u, keeping the graph; zeros if v does not depend on x.
Tensor TransposedProduct(const Recorded& recorded, const Tensor& u) {
  if (!recorded.velocity.requires_grad()) return ZerosLike(recorded.x);
  const Tensor product = autograd::Grad({recorded.velocity}, {recorded.x},
                                        {.grad_outputs = {u},
                                         .create_graph = autograd::GradEnabled(),
                                         .retain_graph = true,
                                         .allow_unused = true})[0];
  return product.defined() ? product : ZerosLike(recorded.x);
}

Tensor VelocityOf(const Recorded& recorded) {
  return autograd::GradEnabled() ? recorded.velocity : recorded.velocity.Detach();
}

// Elements -1 or 1, with equal probability.
Tensor Rademacher(const Tensor& like, autograd::Generator& generator) {
  const Tensor bits = autograd::RandInt(0, 2, like.shape(), generator);
  return Cast(bits, like.dtype()) * 2.0 - 1.0;
}

}  // namespace

VelocityAndDivergence ExactDivergence(const VelocityField& v, const Tensor& x, const Tensor& t) {
  const Recorded recorded = Record(v, x, t);
  Tensor divergence = autograd::Zeros({x.size(0)}, x.dtype());
  const int64_t elements = Flat(x).size(1);
  for (int64_t i = 0; i < elements; ++i) {
    Tensor unit = autograd::Zeros({x.size(0), elements}, x.dtype());
    Tensor column = Select(unit, 1, i);
    FillInPlace(column, 1);
    const Tensor row = TransposedProduct(recorded, Reshape(unit, x.shape()));
    divergence = divergence + Select(Flat(row), 1, i);
  }
  return {VelocityOf(recorded), divergence};
}

VelocityAndDivergence HutchinsonDivergence(const VelocityField& v, const Tensor& x, const Tensor& t,
                                           const std::vector<Tensor>& probes) {
  if (probes.empty()) throw std::invalid_argument("HutchinsonDivergence: no probes");
  const Recorded recorded = Record(v, x, t);
  Tensor divergence = autograd::Zeros({x.size(0)}, x.dtype());
  for (const Tensor& probe : probes) {
    divergence = divergence + Sum(Flat(TransposedProduct(recorded, probe) * probe), {1});
  }
  return {VelocityOf(recorded), divergence / static_cast<double>(probes.size())};
}

Tensor StandardNormalLogDensity(const Tensor& x) {
  const Tensor flat = Flat(x);
  const double constant = -.5 * static_cast<double>(flat.size(1)) * std::log(2 * std::numbers::pi);
  return Sum(flat * flat, {1}) * -.5 + constant;
}

LikelihoodResult ComputeLikelihood(const VelocityField& v, const Tensor& x,
                                   const LikelihoodOptions& options) {
  if (!x.defined() || x.rank() < 1 || (x.dtype() != DType::kF32 && x.dtype() != DType::kF64)) {
    throw std::invalid_argument(absl::StrCat("ComputeLikelihood: x is ", Describe(x),
                                             ", expected f32 or f64 of shape [B, ...]"));
  }
  if (options.hutchinson_probes < 0) {
    throw std::invalid_argument(
        absl::StrCat("ComputeLikelihood: ", options.hutchinson_probes, " Hutchinson probes"));
  }
  std::vector<Tensor> probes;
  autograd::Generator generator(options.seed);
  for (int i = 0; i < options.hutchinson_probes; ++i) probes.push_back(Rademacher(x, generator));
  const StateField field = [&](const std::vector<Tensor>& state, const Tensor& t) {
    VelocityAndDivergence found = probes.empty() ? ExactDivergence(v, state[0], t)
                                                 : HutchinsonDivergence(v, state[0], t, probes);
    return std::vector<Tensor>{found.velocity, found.divergence};
  };
  const OdeStateSolution solution =
      SolveOdeState(field, {x, autograd::Zeros({x.size(0)}, x.dtype())},
                    {options.times.last, options.times.first}, options.ode);
  const std::vector<Tensor>& end = solution.states.back();
  const Tensor source = options.source_log_density ? options.source_log_density(end[0])
                                                   : StandardNormalLogDensity(end[0]);
  return {source + end[1], end[0], solution.evaluations};
}

}  // namespace flowmatch
