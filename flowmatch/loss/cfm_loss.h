// The conditional flow matching loss. The times to draw it at come from
// flowmatch/time/time_sampler.h.
//
// Example:
//   Generator generator(0);
//   auto scheduler = std::make_shared<VPScheduler>();
//   AffinePath path(scheduler);
//   auto v = [](const Tensor& x, const Tensor& t) { return x * .5; };
//   Tensor x1 = Ones({8, 2}), x0 = Randn({8, 2}, generator);
//   Tensor t = UniformTimes(8, scheduler->training_times(), generator);
//   Tensor loss = CfmLoss(v, path.Sample(x0, x1, t));
#ifndef FLOWMATCH_LOSS_CFM_LOSS_H_
#define FLOWMATCH_LOSS_CFM_LOSS_H_

#include <memory>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

// Mean over all elements of (v(x_t, t) - dx_t)^2, a tensor of rank 0 (Lipman et al. 2210.02747,
// equation 9). Its smallest value is not 0 but the variance of dx_t given x_t. sample.t has shape
// [B].
Tensor CfmLoss(const VelocityField& v, const PathSample& sample);

}  // namespace flowmatch

#endif  // FLOWMATCH_LOSS_CFM_LOSS_H_
