// Optimizer: the base of SGD, Adam and AdamW. See sgd.h and adam.h.
//
// A step changes every parameter that has a gradient, and leaves the others and their state alone,
// as PyTorch does. It goes over the flat arrays of the ParameterBuffer once; where the work is cut
// into pieces depends on its size alone, so the result has the same bytes on any number of threads.
//
// What usually goes before and after a step can be part of its pass: clipping the gradients by
// their norm, and updating a moving average. The parameters and the average then get the same bytes
// as by ClipGradientNorm and Ema::Update, for less traffic.
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
//   Ema ema(parameters, WarmupDecay(0.999));
//   Backward(Sum(Square(model.Forward(Ones({5, 3})))));
//   const double norm = optimizer.Step({.max_norm = 1, .ema = &ema});
//   std::cout << norm << " before clipping\n";
#ifndef NN_OPTIM_OPTIMIZER_H_
#define NN_OPTIM_OPTIMIZER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "autograd/kernels/optimizer.h"
#include "autograd/tensor.h"
#include "nn/ema.h"
#include "nn/named_tensors.h"
#include "nn/parameter_buffer.h"

namespace nn {

struct StepOptions {
  // Above 0: gradients count as if ClipGradientNorm(parameters, max_norm) had scaled them, but are
  // themselves left as they are.
  double max_norm = 0;
  // Not null: updated as by ema->Update() after the step. It must be an average of the optimiser's
  // own parameters.
  Ema* ema = nullptr;
};

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  // Changes the parameters once, by the gradients in them. Returns the norm that the gradients have
  // if max_norm is above 0, otherwise 0. Before anything is changed it throws
  // std::invalid_argument if max_norm is negative or NaN or the average is of other parameters,
  // std::logic_error if the average is swapped in, and, with max_norm, autograd::NumericalError
  // naming the parameter if a gradient is not finite.
  double Step(const StepOptions& options = {});
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

  // A step of some parameters, counted from 1, and what it does on the way: see
  // autograd::kernels::StepExtras.
  struct Pass {
    int64_t step = 1;
    double gradient_scale = 1;
    Tensor average;  // of the buffer's size, or undefined
    double average_weight = 0;
  };
  // Changes elements [begin, end). Called on several threads at once, for ranges that do not
  // overlap.
  virtual void Update(int64_t begin, int64_t end, const Pass& pass) = 0;
  // The extras of elements from `begin` on.
  template <class T>
  static autograd::kernels::StepExtras<T> ExtrasOf(const Pass& pass, int64_t begin) {
    return {.gradient_scale = static_cast<T>(pass.gradient_scale),
            .average = pass.average.defined() ? pass.average.raw<T>() + begin : nullptr,
            .average_weight = static_cast<T>(pass.average_weight)};
  }
  // Adds an array of zeros, of the buffer's size and dtype, to the state.
  Tensor AddState(std::string name);
  ParameterBuffer& parameters() { return parameters_; }

 private:
  // Elements [begin, end) of the average alone, where there is one and the parameters stay.
  void UpdateAverage(int64_t begin, int64_t end, const Pass& pass);

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
