// Optimizer: the base of SGD, Adam and AdamW. See sgd.h and adam.h.
//
// A step changes every parameter that has a gradient, and leaves the others and their state alone,
// as PyTorch does. It goes over the flat arrays of the ParameterBuffer once; where the work is cut
// into pieces depends on its size alone, so the result has the same bytes on any number of threads.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Adam optimizer(parameters, {.learning_rate = 1e-2});
//   for (int step = 0; step < 3; ++step) {
//     optimizer.ZeroGrad();
//     Backward(Sum(Square(model.Forward(Ones({5, 3})))));
//     optimizer.Step();
//   }
#ifndef NN_OPTIM_OPTIMIZER_H_
#define NN_OPTIM_OPTIMIZER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "autograd/tensor.h"
#include "nn/named_tensors.h"
#include "nn/parameter_buffer.h"

namespace nn {

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  // Changes the parameters once, by the gradients in them.
  void Step();
  // Clears the gradients.
  void ZeroGrad() { parameters_.ZeroGrad(); }

  double learning_rate() const { return learning_rate_; }
  // For the next step; schedule.h has rates that depend on the step. Throws std::invalid_argument
  // if negative or not finite.
  void set_learning_rate(double learning_rate);

  // What a checkpoint must keep for training to continue with the same bytes: for each parameter
  // the number of its steps ("net.0.weight.step", i64) and PyTorch's state ("net.0.weight.exp_avg",
  // ...). The learning rate and the other options are not part of it. Handles to own memory.
  NamedTensors StateDict() const;
  // Copies in what another StateDict holds; strict as CopyNamedTensors.
  absl::Status LoadStateDict(const NamedTensors& state);

 protected:
  Optimizer(ParameterBuffer& parameters, double learning_rate);

  // Changes elements [begin, end), with `step` counting from 1. Called on several threads at once,
  // for ranges that do not overlap.
  virtual void Update(int64_t begin, int64_t end, int64_t step) = 0;
  // Adds an array of zeros, of the buffer's size and dtype, to the state.
  Tensor AddState(std::string name);
  ParameterBuffer& parameters() { return parameters_; }

 private:
  ParameterBuffer& parameters_;
  double learning_rate_;
  Tensor steps_;  // of each parameter
  std::vector<std::pair<std::string, Tensor>> state_;
};

namespace internal {

// Throws std::invalid_argument "<optimizer>: <name> is <value>, ..." unless low <= value < high.
void CheckOption(const char* optimizer, const char* name, double value, double low, double high);

}  // namespace internal
}  // namespace nn

#endif  // NN_OPTIM_OPTIMIZER_H_
