#include "examples/mnist/flow.h"

#include <memory>

#include "autograd/ops/creation.h"
#include "autograd/ops/slice.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/loss/chunked_backward.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/time/time_sampler.h"

namespace examples::mnist {

using autograd::Tensor;

flowmatch::PathSample DrawFlow(const Tensor& images, autograd::Generator& generator) {
  constexpr int64_t kTimes = 1000;
  static const flowmatch::AffinePath& path =
      *new flowmatch::AffinePath(std::make_shared<flowmatch::CondOTScheduler>());
  const Tensor noise = autograd::Randn(images.shape(), generator);
  const Tensor t = flowmatch::DiscreteUniformTimes(images.size(0), kTimes, generator);
  return path.Sample(noise, images, t);
}

Tensor FlowLoss(const flowmatch::ClassConditionedUNet& model, const flowmatch::PathSample& sample,
                const Tensor& labels, int64_t begin, int64_t end) {
  const Tensor part = autograd::Slice(labels, 0, begin, end);
  const auto velocity = [&](const Tensor& x, const Tensor& times) {
    return model.Forward(x, times, part);
  };
  return flowmatch::CfmLoss(velocity, flowmatch::SliceSample(sample, begin, end));
}

}  // namespace examples::mnist
