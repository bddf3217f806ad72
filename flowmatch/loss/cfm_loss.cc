#include "flowmatch/loss/cfm_loss.h"

#include "autograd/ops/loss.h"

namespace flowmatch {

Tensor CfmLoss(const VelocityField& v, const PathSample& sample) {
  return MseLoss(v(sample.x_t, sample.t), sample.dx_t);
}

Tensor UniformTimes(int64_t n, const TimeRange& range, autograd::Generator& generator,
                    autograd::DType dtype) {
  const Tensor unit = autograd::Rand({n}, generator, dtype);
  if (range.first == 0 && range.last == 1) return unit;
  return unit * (range.last - range.first) + range.first;
}

}  // namespace flowmatch
