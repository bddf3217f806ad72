// Ema: an exponential moving average of a model's parameters, which often samples better than the
// parameters themselves.
//
// Each Update moves the average towards the parameters by 1 - decay, in one pass over the flat
// buffer; it starts as a copy of them. For evaluation the two change places and back, so nothing is
// copied twice and the model's code knows nothing of it.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Ema ema(parameters, WarmupDecay(0.9999));
//   ema.Update();  // after each step of the optimiser
//   {
//     UseAverage averaged(ema);
//     std::cout << model.Forward(Ones({1, 3})) << "\n";  // with the averaged parameters
//   }
#ifndef NN_EMA_H_
#define NN_EMA_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "nn/named_tensors.h"
#include "nn/parameter_buffer.h"

namespace nn {

// The decay of an update, in [0, 1], where `updates` were made before.
using EmaDecay = std::function<double(int64_t updates)>;

// decay always. Throws std::invalid_argument unless 0 <= decay <= 1, as do the others.
EmaDecay ConstantDecay(double decay);
// min(decay, (1 + n) / (10 + n)): the start is forgotten soon.
EmaDecay WarmupDecay(double decay);
// min(max_decay, 1 - (1 + n / gamma)^-power): the average of a share of the run that stays the
// same. power 2/3 suits long runs, 3/4 shorter ones. Throws std::invalid_argument unless gamma > 0
// and power > 0.
EmaDecay PowerDecay(double gamma, double power, double max_decay = 1);

class Optimizer;

class Ema {
 public:
  Ema(ParameterBuffer& parameters, EmaDecay decay);
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;

  // average = decay average + (1 - decay) parameters. Throws std::logic_error while swapped.
  // optimizer.Step({.ema = &ema}) does the same in the optimiser's own pass.
  void Update();
  // Exchanges the values of the average and of the parameters; a second time restores both. See
  // UseAverage.
  void Swap();
  bool swapped() const { return swapped_; }
  int64_t updates() const { return updates_.item<int64_t>(); }

  // The average under the parameters' names: what to load into a copy of the model, or to export.
  NamedTensors NamedParameters() const;
  // The same and "num_updates": what a checkpoint keeps. Neither while swapped: they throw
  // std::logic_error.
  NamedTensors StateDict() const;
  absl::Status LoadStateDict(const NamedTensors& state);

 private:
  friend class Optimizer;  // updates the average in its own pass
  void CheckNotSwapped(const char* operation) const;
  // Counts an update and returns the weight of the parameters in it.
  double NextWeight();

  ParameterBuffer& parameters_;
  EmaDecay decay_;
  Tensor average_;
  Tensor updates_;
  bool swapped_ = false;
};

// While one lives, the model has the averaged parameters.
class UseAverage {
 public:
  explicit UseAverage(Ema& ema) : ema_(ema) { ema_.Swap(); }
  ~UseAverage() { ema_.Swap(); }
  UseAverage(const UseAverage&) = delete;
  UseAverage& operator=(const UseAverage&) = delete;

 private:
  Ema& ema_;
};

}  // namespace nn

#endif  // NN_EMA_H_
