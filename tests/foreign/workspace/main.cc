// Checks an operation of one's own against finite differences, then trains a small net with it to
// be a parabola.
#include <cstdint>
#include <iostream>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/random/philox.h"
#include "bent_identity.h"

namespace {

using autograd::Tensor;

constexpr int64_t kPoints = 64;
constexpr int64_t kHidden = 16;

bool GradientsAreRight() {
  const Tensor x = Tensor::FromVector<double>({-2.0, -0.3, 0.0, 1.5}, {4});
  const auto function = [](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{BentIdentity(in[0])};
  };
  const autograd::GradCheckReport first = autograd::GradCheck(function, {x});
  const autograd::GradCheckReport second = autograd::GradGradCheck(function, {x});
  std::cout << "gradcheck: " << (first.ok ? "ok" : first.message)
            << ", gradgradcheck: " << (second.ok ? "ok" : second.message) << "\n";
  return first.ok && second.ok;
}

Tensor Parameter(const autograd::Shape& shape, double scale, autograd::Generator& generator) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  generator.Normal(values.data(), shape.numel());
  for (float& value : values) value *= static_cast<float>(scale);
  return Tensor::FromVector(values, shape).set_requires_grad(true);
}

// Mean squared error after `steps` of gradient descent.
float Train(int steps) {
  std::vector<float> xs, ys;
  for (int64_t i = 0; i < kPoints; ++i) {
    xs.push_back(-1.0f + 2.0f * static_cast<float>(i) / static_cast<float>(kPoints - 1));
    ys.push_back(xs.back() * xs.back());
  }
  const Tensor x = Tensor::FromVector(xs, {kPoints, 1});
  const Tensor y = Tensor::FromVector(ys, {kPoints, 1});
  autograd::Generator generator(1);
  std::vector<Tensor> parameters = {
      Parameter({kHidden, 1}, 1.0, generator), Parameter({kHidden}, 1.0, generator),
      Parameter({1, kHidden}, 0.2, generator), Parameter({1}, 0.2, generator)};
  float mean_squared_error = 0;
  for (int step = 0; step < steps; ++step) {
    const Tensor hidden = BentIdentity(Linear(x, parameters[0], parameters[1]));
    const Tensor error = Reshape(Linear(hidden, parameters[2], parameters[3]) - y, {kPoints});
    const Tensor loss = MatMul(error, error) / static_cast<double>(kPoints);
    Backward(loss);
    autograd::NoGrad guard;
    for (Tensor& parameter : parameters) {
      AddInPlace(parameter, parameter.grad(), -0.05);
      parameter.set_grad(Tensor());
    }
    mean_squared_error = loss.item<float>();
  }
  return mean_squared_error;
}

}  // namespace

int main() {
  if (!GradientsAreRight()) return 1;
  const float before = Train(1);
  const float after = Train(1000);
  std::cout << "mean squared error: " << before << " -> " << after << "\n";
  return after < 1e-3f ? 0 : 1;
}
