#include "flowmatch/loss/cfm_loss.h"

#include "autograd/ops/loss.h"

namespace flowmatch {

Tensor CfmLoss(const VelocityField& v, const PathSample& sample) {
  return MseLoss(v(sample.x_t, sample.t), sample.dx_t);
}

}  // namespace flowmatch
