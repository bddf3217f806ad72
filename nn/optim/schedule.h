// Learning rates that depend on the step, which counts from 0.
//
// Example:
//   Schedule rate = WarmupSchedule(100, CosineSchedule(1e-2, 10000));
//   std::cout << rate(0) << " " << rate(100) << " " << rate(5000) << "\n";  // 0 0.0099975 0.005
//   // before step number i: optimizer.set_learning_rate(rate(i));
#ifndef NN_OPTIM_SCHEDULE_H_
#define NN_OPTIM_SCHEDULE_H_

#include <cstdint>
#include <functional>

namespace nn {

using Schedule = std::function<double(int64_t step)>;

// All throw std::invalid_argument for numbers of steps below 1.

Schedule ConstantSchedule(double learning_rate);

// after(step) * min(step / warmup_steps, 1): the first step has rate 0.
Schedule WarmupSchedule(int64_t warmup_steps, Schedule after);

// Half a cosine from learning_rate at step 0 to `last` at total_steps, and `last` from there on:
// last + (learning_rate - last) (1 + cos(pi step / total_steps)) / 2 (Loshchilov and Hutter,
// arXiv:1608.03983; PyTorch's CosineAnnealingLR).
Schedule CosineSchedule(double learning_rate, int64_t total_steps, double last = 0);

// learning_rate * factor^floor(step / period) (PyTorch's StepLR).
Schedule StepSchedule(double learning_rate, int64_t period, double factor = 0.1);

}  // namespace nn

#endif  // NN_OPTIM_SCHEDULE_H_
