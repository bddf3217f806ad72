#include "flowmatch/scheduler/flow_match_scheduler.h"

#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/cast.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/time/time_grid.h"

namespace flowmatch {
namespace {

using autograd::Describe;
using autograd::DType;

bool IsFloating(const Tensor& x) {
  return x.defined() && (x.dtype() == DType::kF32 || x.dtype() == DType::kF64);
}

bool IsTimestep(const Tensor& timestep) {
  return timestep.defined() && timestep.rank() <= 1 &&
         (IsFloating(timestep) || timestep.dtype() == DType::kI32 ||
          timestep.dtype() == DType::kI64);
}

void CheckSteps(const char* name, int steps) {
  if (steps >= 1) return;
  throw std::invalid_argument(absl::StrCat(name, ": ", steps, " steps, expected 1 or more"));
}

}  // namespace

FlowMatchScheduler::FlowMatchScheduler(int64_t num_train_timesteps)
    : num_train_timesteps_(num_train_timesteps) {
  // With more, f32 does not tell the last timestep from the end.
  if (num_train_timesteps < 1 || num_train_timesteps > int64_t{1} << 24) {
    throw std::invalid_argument(absl::StrCat("FlowMatchScheduler: ", num_train_timesteps,
                                             " timesteps, expected 1 to 2^24"));
  }
}

Tensor FlowMatchScheduler::Times(const Tensor& timestep, DType dtype) const {
  const char* name = "FlowMatchScheduler::Times";
  if (!IsTimestep(timestep)) {
    throw std::invalid_argument(absl::StrCat(name, ": timestep is ", Describe(timestep),
                                             ", expected [B] or rank 0 of i32, i64, f32 or f64"));
  }
  if (dtype != DType::kF32 && dtype != DType::kF64) {
    throw std::invalid_argument(
        absl::StrCat(name, ": dtype is ", DTypeName(dtype), ", expected f32 or f64"));
  }
  std::vector<double> times = Cast(timestep, DType::kF64).ToVector<double>();
  const double count = static_cast<double>(num_train_timesteps_);
  for (double& time : times) {
    if (!(0 <= time && time <= count)) {
      throw std::invalid_argument(
          absl::StrCat(name, ": timestep ", time, ", expected 0 to ", num_train_timesteps_));
    }
    time /= count;
  }
  return Cast(Tensor::FromVector(times, timestep.shape()), dtype);
}

Tensor FlowMatchScheduler::AddNoise(const Tensor& sample, const Tensor& timestep,
                                    const Tensor& noise) const {
  const bool same = IsFloating(sample) && noise.defined() && sample.shape() == noise.shape() &&
                    sample.dtype() == noise.dtype();
  const bool times =
      same && IsTimestep(timestep) &&
      (timestep.rank() == 0 || (sample.rank() >= 1 && timestep.size(0) == sample.size(0)));
  if (!times) {
    throw std::invalid_argument(
        absl::StrCat("FlowMatchScheduler::AddNoise: wants a sample [B, ...] of f32 or f64, a "
                     "timestep [B] or of rank 0, and noise like the sample; got ",
                     Describe(sample), ", ", Describe(timestep), " and ", Describe(noise)));
  }
  static const AffinePath path(std::make_shared<CondOTScheduler>());
  return path.Sample(noise, sample, Times(timestep, sample.dtype())).x_t;
}

Tensor FlowMatchScheduler::Step(const Tensor& model_output, const Tensor& sample, int steps) const {
  const char* name = "FlowMatchScheduler::Step";
  CheckSteps(name, steps);
  if (!IsFloating(sample) || !model_output.defined() || model_output.shape() != sample.shape() ||
      model_output.dtype() != sample.dtype()) {
    throw std::invalid_argument(
        absl::StrCat(name, ": the model's output is ", Describe(model_output), " and the sample ",
                     Describe(sample), ", expected one shape, and f32 or f64"));
  }
  return sample + model_output / steps;
}

std::vector<double> FlowMatchScheduler::SamplingTimes(int steps) const {
  CheckSteps("FlowMatchScheduler::SamplingTimes", steps);
  return UniformTimeGrid(steps);
}

}  // namespace flowmatch
