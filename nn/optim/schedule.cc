#include "nn/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

namespace nn {
namespace {

void CheckSteps(const char* schedule, int64_t steps) {
  if (steps < 1) {
    throw std::invalid_argument(std::string(schedule) + ": " + std::to_string(steps) +
                                " steps, wants at least 1");
  }
}

}  // namespace

Schedule ConstantSchedule(double learning_rate) {
  return [learning_rate](int64_t) { return learning_rate; };
}

Schedule WarmupSchedule(int64_t warmup_steps, Schedule after) {
  CheckSteps("WarmupSchedule", warmup_steps);
  return [warmup_steps, after = std::move(after)](int64_t step) {
    const double share = static_cast<double>(step) / static_cast<double>(warmup_steps);
    return after(step) * std::min(share, 1.0);
  };
}

Schedule CosineSchedule(double learning_rate, int64_t total_steps, double last) {
  CheckSteps("CosineSchedule", total_steps);
  return [=](int64_t step) {
    const double share =
        static_cast<double>(std::min(step, total_steps)) / static_cast<double>(total_steps);
    return last + (learning_rate - last) * (1 + std::cos(std::numbers::pi * share)) / 2;
  };
}

Schedule StepSchedule(double learning_rate, int64_t period, double factor) {
  CheckSteps("StepSchedule", period);
  return [=](int64_t step) {
    return learning_rate * std::pow(factor, static_cast<double>(step / period));
  };
}

}  // namespace nn
