// The pictures of the moons program.
#ifndef EXAMPLES_MOONS_PICTURES_H_
#define EXAMPLES_MOONS_PICTURES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "autograd/tensor.h"
#include "examples/moons/options.h"
#include "flowmatch/models/flow_mlp.h"

namespace examples::moons {

using autograd::Tensor;

// The loss of each iteration, smoothed, with the irreducible loss of the standard data marked.
absl::Status DrawLoss(const Options& options, const std::vector<float>& losses,
                      const std::string& path);

// Points of the data beside generated ones, both f32 [n, 2].
absl::Status DrawSamples(const Tensor& data, const Tensor& generated, const std::string& path);

// The ways of points from noise to data: states [n, 2] at successive times.
absl::Status DrawTrajectories(const std::vector<Tensor>& states, const std::string& path);

// Exact log-likelihood on a grid that covers the data.
absl::Status DrawDensity(const Options& options, const flowmatch::VelocityModel& model,
                         const Tensor& data, const std::string& path);

// Five panels from t = 0 to t = 1: where the points are, and the velocity field.
absl::Status DrawFlow(const Options& options, const flowmatch::VelocityModel& model,
                      const std::vector<Tensor>& states, const std::string& path);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_PICTURES_H_
