#include "examples/mnist/flow.h"

#include <memory>

#include "autograd/ops/creation.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/time/time_sampler.h"

namespace examples::mnist {

using autograd::Tensor;

Tensor FlowLoss(const flowmatch::ClassConditionedUNet& model, const Tensor& images,
                const Tensor& labels, autograd::Generator& generator) {
  constexpr int64_t kTimes = 1000;
  static const flowmatch::AffinePath& path =
      *new flowmatch::AffinePath(std::make_shared<flowmatch::CondOTScheduler>());
  const Tensor noise = autograd::Randn(images.shape(), generator);
  const Tensor t = flowmatch::DiscreteUniformTimes(images.size(0), kTimes, generator);
  const auto velocity = [&](const Tensor& x, const Tensor& times) {
    return model.Forward(x, times, labels);
  };
  return flowmatch::CfmLoss(velocity, path.Sample(noise, images, t));
}

}  // namespace examples::mnist
