// Drawing images from a model: the flow from noise to digits, with classifier-free guidance.
//
// Example:
//   autograd::Generator generator(0);
//   const auto model = examples::mnist::MakeModel({.channels = {8}}, generator);
//   const autograd::Tensor noise = autograd::Randn({2, 28, 28, 1}, generator);
//   const flowmatch::OdeOptions ode = {.method = flowmatch::OdeMethod::kEuler, .steps = 4};
//   const autograd::Tensor images =
//       examples::mnist::Generate(*model, noise, {0, 8}, {.guidance_scale = 2, .ode = ode});
#ifndef EXAMPLES_MNIST_GENERATE_H_
#define EXAMPLES_MNIST_GENERATE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/tensor.h"
#include "examples/mnist/model.h"
#include "flowmatch/solver/ode_solver.h"

namespace examples::mnist {

struct GenerateOptions {
  double guidance_scale = 1;
  flowmatch::OdeOptions ode;
  // Images drawn at a time, few enough for the caches; 0: all. With fixed steps an image does not
  // depend on it; dopri5 controls the steps of those drawn together.
  int64_t chunk = 64;
  // Called after each chunk, where not empty, with how many images have been drawn.
  std::function<void(int64_t)> on_drawn = {};
  // Asked before each evaluation of the model, where not empty: true gives the drawing up.
  std::function<bool()> stop = {};
};

// "guidance 2, 50 euler steps": for titles and tables.
std::string Describe(const GenerateOptions& options);

// The columns of a grid: the null label, then those of the digits.
std::vector<int64_t> GridColumns(const std::vector<int64_t>& digits);

// The labels repeated, row by row.
std::vector<int64_t> Repeat(const std::vector<int64_t>& labels, int64_t rows);

// Images [n, 28, 28, 1] at each of the times, the first of which is `noise`, for the model's labels
// (n of them). Times are in [0, 1], ascending. Empty if options.stop gave it up.
std::vector<autograd::Tensor> GenerateStates(const flowmatch::ClassConditionedUNet& model,
                                             const autograd::Tensor& noise,
                                             const std::vector<int64_t>& labels,
                                             const std::vector<double>& times,
                                             const GenerateOptions& options);

// Those at time 1, from time 0. Undefined if options.stop gave it up.
autograd::Tensor Generate(const flowmatch::ClassConditionedUNet& model,
                          const autograd::Tensor& noise, const std::vector<int64_t>& labels,
                          const GenerateOptions& options);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_GENERATE_H_
