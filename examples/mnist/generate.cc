#include "examples/mnist/generate.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/slice.h"
#include "flowmatch/guidance/classifier_free_guidance.h"

namespace examples::mnist {

using autograd::Tensor;

namespace {

// Thrown out of the solver, which has no other way to end early.
struct Stopped {};

std::vector<Tensor> States(const flowmatch::ClassConditionedUNet& model, const Tensor& noise,
                           const std::vector<int64_t>& labels, const std::vector<double>& times,
                           const GenerateOptions& options) {
  const autograd::NoGrad guard;
  const int64_t n = noise.size(0);
  const Tensor all_labels = Tensor::FromVector(labels, {n});
  const auto velocity = [&](const Tensor& x, const Tensor& t, const Tensor& chunk_labels) {
    if (options.stop && options.stop()) throw Stopped();
    // A solver asks for one time at once, whose embedding is then computed once for all images.
    return model.Forward(x, Slice(t, 0, 0, 1), chunk_labels);
  };
  std::vector<std::vector<Tensor>> chunks(times.size());
  const int64_t chunk = options.chunk > 0 ? options.chunk : std::max<int64_t>(1, n);
  for (int64_t begin = 0; begin < n; begin += chunk) {
    const int64_t end = std::min(n, begin + chunk);
    const flowmatch::ClassifierFreeGuidance guided(
        velocity, Slice(all_labels, 0, begin, end),
        {.scale = options.guidance_scale, .null_label = kNullLabel});
    const std::vector<Tensor> states =
        SolveOde(guided, Slice(noise, 0, begin, end), times, options.ode).states;
    for (size_t i = 0; i < times.size(); ++i) chunks[i].push_back(states[i]);
    if (options.on_drawn) options.on_drawn(end);
  }
  std::vector<Tensor> result;
  for (const std::vector<Tensor>& parts : chunks) result.push_back(autograd::Concat(parts, 0));
  return result;
}

}  // namespace

std::string Describe(const GenerateOptions& options) {
  const std::string solver = flowmatch::OdeMethodName(options.ode.method);
  return options.ode.steps == 0
             ? absl::StrFormat("guidance %g, %s", options.guidance_scale, solver)
             : absl::StrFormat("guidance %g, %d %s steps", options.guidance_scale,
                               options.ode.steps, solver);
}

std::vector<int64_t> GridColumns(const std::vector<int64_t>& digits) {
  std::vector<int64_t> columns = {kNullLabel};
  for (const int64_t digit : digits) columns.push_back(digit + 1);
  return columns;
}

std::vector<int64_t> Repeat(const std::vector<int64_t>& labels, int64_t rows) {
  std::vector<int64_t> all;
  for (int64_t row = 0; row < rows; ++row) all.insert(all.end(), labels.begin(), labels.end());
  return all;
}

std::vector<Tensor> GenerateStates(const flowmatch::ClassConditionedUNet& model,
                                   const Tensor& noise, const std::vector<int64_t>& labels,
                                   const std::vector<double>& times,
                                   const GenerateOptions& options) {
  try {
    return States(model, noise, labels, times, options);
  } catch (const Stopped&) {
    return {};
  }
}

Tensor Generate(const flowmatch::ClassConditionedUNet& model, const Tensor& noise,
                const std::vector<int64_t>& labels, const GenerateOptions& options) {
  const std::vector<Tensor> states = GenerateStates(model, noise, labels, {0, 1}, options);
  return states.empty() ? Tensor() : states.back();
}

}  // namespace examples::mnist
