// Velocity models for points of a few dimensions: the two 2-D programs of the literature.
//
// FlowMlp is the model of the standalone two-moons script in Lipman et al. 2412.06264: an ELU
// network on [t, x]. TimeEmbeddingFlow embeds the time with a network of its own first.
//
// Example:
//   Generator generator(0);
//   FlowMlp model({.dim = 2, .hidden = 64}, generator);
//   Tensor v = model.Forward(Zeros({5, 2}), Zeros({5}));  // [5, 2]
//   std::cout << model.ParameterCount() << "\n";          // 8706
#ifndef FLOWMATCH_MODELS_FLOW_MLP_H_
#define FLOWMATCH_MODELS_FLOW_MLP_H_

#include <cstdint>

#include "autograd/ops/creation.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace flowmatch {

using autograd::Tensor;

// A velocity model v(x, t): x [B, dim], t [B], f32, result [B, dim]. Forward throws
// std::invalid_argument for other shapes.
class VelocityModel : public nn::Module {
 public:
  virtual Tensor Forward(const Tensor& x, const Tensor& t) const = 0;
};

struct FlowMlpOptions {
  int64_t dim = 2;
  int64_t hidden = 64;
};

// Linear(1 + dim, hidden), ELU, Linear(hidden, hidden), ELU, Linear(hidden, hidden), ELU,
// Linear(hidden, dim) on [t, x]. Parameters are called net.0.weight, net.0.bias, net.2.weight, ...
// as in PyTorch's nn.Sequential.
class FlowMlp final : public VelocityModel {
 public:
  FlowMlp(const FlowMlpOptions& options, autograd::Generator& generator);
  Tensor Forward(const Tensor& x, const Tensor& t) const override;

 private:
  int64_t dim_;
  nn::Sequential net_;
};

struct TimeEmbeddingFlowOptions {
  int64_t dim = 2;
  int64_t hidden = 128;
  int64_t time_dim = 64;
};

// time_mlp: Linear(1, time_dim), SiLU, Linear(time_dim, time_dim); net: Linear(dim + time_dim,
// hidden), SiLU, Linear(hidden, hidden), SiLU, Linear(hidden, hidden), SiLU, Linear(hidden, dim) on
// [x, embedding].
class TimeEmbeddingFlow final : public VelocityModel {
 public:
  TimeEmbeddingFlow(const TimeEmbeddingFlowOptions& options, autograd::Generator& generator);
  Tensor Forward(const Tensor& x, const Tensor& t) const override;

 private:
  int64_t dim_;
  nn::Sequential time_mlp_;
  nn::Sequential net_;
};

}  // namespace flowmatch

#endif  // FLOWMATCH_MODELS_FLOW_MLP_H_
