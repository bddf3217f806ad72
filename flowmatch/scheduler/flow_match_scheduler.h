// FlowMatchScheduler: flow matching in the words of diffusion programs, with AddNoise to train and
// Step to sample.
//
// Training knows num_train_timesteps = N discrete timesteps k = 0 ... N - 1, at the times t = k / N
// of the straight path x_t = t x_1 + (1 - t) x_0 from noise x_0 to data x_1; the network regresses
// x_1 - x_0 (Liu et al. 2209.03003, equation 1). Sampling takes any number of Euler steps, however
// many timesteps there were in training.
//
// What the network is given is always the time t in [0, 1), Times(k) in training and SamplingTimes
// in sampling, and never the number of a step: step 49 of 50 is at t = .98, which is timestep 980
// and not 49.
//
// Example:
//   FlowMatchScheduler scheduler;  // 1000 timesteps
//   auto model = [](const Tensor& x, const Tensor& t) { return x * -1.0; };
//   Generator generator(0);
//   // A training step.
//   Tensor data = Ones({4, 2}), noise = Randn({4, 2}, generator);
//   Tensor k = RandInt(0, scheduler.num_train_timesteps(), {4}, generator);
//   Tensor v = model(scheduler.AddNoise(data, k, noise), scheduler.Times(k));
//   Tensor loss = MseLoss(v, data - noise);
//   // Sampling, as SolveOde does it by Euler's method.
//   Tensor x = Randn({4, 2}, generator);
//   std::vector<double> times = scheduler.SamplingTimes(50);
//   for (size_t i = 0; i < 50; ++i) x = scheduler.Step(model(x, Full({4}, times[i])), x, 50);
#ifndef FLOWMATCH_SCHEDULER_FLOW_MATCH_SCHEDULER_H_
#define FLOWMATCH_SCHEDULER_FLOW_MATCH_SCHEDULER_H_

#include <cstdint>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/loss.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace flowmatch {

using autograd::Tensor;

class FlowMatchScheduler {
 public:
  // Throws std::invalid_argument unless 1 <= num_train_timesteps <= 2^24.
  explicit FlowMatchScheduler(int64_t num_train_timesteps = 1000);

  int64_t num_train_timesteps() const { return num_train_timesteps_; }

  // t = timestep / N, rounded once to dtype (f32 or f64). timestep: [B], or of rank 0 for all
  // samples; i32, i64, or f32 and f64 for times in between. Throws std::invalid_argument for other
  // tensors, or unless 0 <= timestep <= N.
  Tensor Times(const Tensor& timestep, autograd::DType dtype = autograd::DType::kF32) const;

  // x_t = t sample + (1 - t) noise with t = Times(timestep). sample and noise: [B, ...] of one
  // dtype, f32 or f64, and differentiable in both. Throws std::invalid_argument if shapes or dtypes
  // do not match, and as Times does.
  Tensor AddNoise(const Tensor& sample, const Tensor& timestep, const Tensor& noise) const;

  // One of `steps` Euler steps from noise to data: sample + model_output / steps, of one shape and
  // dtype, f32 or f64. Throws std::invalid_argument if they do not match, or unless steps >= 1.
  Tensor Step(const Tensor& model_output, const Tensor& sample, int steps) const;

  // UniformTimeGrid(steps) of time_grid.h: step i of `steps` starts at entry i, i / steps, with the
  // network's velocity there; the last entry, 1, is where the samples are. Where steps divides N
  // all but the last are times of training to the bit. Throws std::invalid_argument unless steps
  // >= 1.
  std::vector<double> SamplingTimes(int steps) const;

 private:
  int64_t num_train_timesteps_;
};

}  // namespace flowmatch

#endif  // FLOWMATCH_SCHEDULER_FLOW_MATCH_SCHEDULER_H_
