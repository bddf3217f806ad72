// GradCheck and GradGradCheck: hold derivatives against finite differences.
//
// For whoever writes an operation. Use f64 inputs away from kinks. GradCheck compares the gradient
// of every output element with respect to every input element; GradGradCheck does the same for the
// gradient itself, as a function of inputs and cotangents, and so checks second derivatives.
//
// Example:
//   #include "autograd/ops/arithmetic.h"
//   Tensor x = Tensor::FromVector<double>({.1, .7, -.4}, {3});
//   auto cube = [](const std::vector<Tensor>& in) { return std::vector{in[0] * in[0] * in[0]}; };
//   GradCheckReport report = GradCheck(cube, {x});
//   std::cout << (report.ok ? "correct" : report.message) << "\n";
#ifndef AUTOGRAD_GRADCHECK_H_
#define AUTOGRAD_GRADCHECK_H_

#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/tensor.h"

namespace autograd {

struct GradCheckOptions {
  // Step of the five-point central difference (-f(x+2h) + 8 f(x+h) - 8 f(x-h) + f(x-2h)) / 12h,
  // whose error is h^4.
  double step = 1e-4;
  // |analytic - numeric| <= tolerance * (1 + |numeric|) must hold for every element.
  double tolerance = 1e-7;
};

struct GradCheckReport {
  bool ok = true;
  double max_error = 0;  // largest |analytic - numeric| / (1 + |numeric|)
  std::string message;   // which element is wrong, and by how much; empty if ok
};

// `inputs` are f64 (others are passed through without being differentiated); the function's
// floating-point outputs are checked. Throws what the function throws, and std::invalid_argument
// for f32 or bf16 inputs.
GradCheckReport GradCheck(const VectorFunction& function, const std::vector<Tensor>& inputs,
                          const GradCheckOptions& options = {});
GradCheckReport GradGradCheck(const VectorFunction& function, const std::vector<Tensor>& inputs,
                              const GradCheckOptions& options = {});

}  // namespace autograd

#endif  // AUTOGRAD_GRADCHECK_H_
