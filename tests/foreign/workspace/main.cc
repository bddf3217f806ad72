// Checks an operation of one's own against finite differences, then trains a small net with it to
// be a parabola.
#include <cstdint>
#include <iostream>
#include <vector>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/loss.h"
#include "autograd/random/philox.h"
#include "bent_identity.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/optim/adam.h"
#include "nn/parameter_buffer.h"

namespace {

using autograd::Tensor;

constexpr int64_t kPoints = 64;

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

class Net : public nn::Module {
 public:
  explicit Net(autograd::Generator& generator) : in_(1, 16, generator), out_(16, 1, generator) {
    RegisterModule("in", in_);
    RegisterModule("out", out_);
  }
  Tensor Forward(const Tensor& x) const { return out_.Forward(BentIdentity(in_.Forward(x))); }

 private:
  nn::Linear in_, out_;
};

// Mean squared error after `steps` steps.
float Train(int steps) {
  std::vector<float> xs, ys;
  for (int64_t i = 0; i < kPoints; ++i) {
    xs.push_back(-1.0f + 2.0f * static_cast<float>(i) / static_cast<float>(kPoints - 1));
    ys.push_back(xs.back() * xs.back());
  }
  const Tensor x = Tensor::FromVector(xs, {kPoints, 1});
  const Tensor y = Tensor::FromVector(ys, {kPoints, 1});
  autograd::Generator generator(1);
  Net net(generator);
  nn::ParameterBuffer parameters(net);
  nn::Adam optimizer(parameters, {.learning_rate = 1e-2});
  float mean_squared_error = 0;
  for (int step = 0; step < steps; ++step) {
    optimizer.ZeroGrad();
    const Tensor loss = MseLoss(net.Forward(x), y);
    Backward(loss);
    optimizer.Step();
    mean_squared_error = loss.item<float>();
  }
  return mean_squared_error;
}

}  // namespace

int main() {
  if (!GradientsAreRight()) return 1;
  const float before = Train(1);
  const float after = Train(500);
  std::cout << "mean squared error: " << before << " -> " << after << "\n";
  return after < 1e-3f ? 0 : 1;
}
