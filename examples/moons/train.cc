#include "examples/moons/train.h"

#include <chrono>
#include <optional>

#include "autograd/grad.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "examples/common/interrupt.h"
#include "examples/common/progress_bar.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/time/time_sampler.h"
#include "nn/ema.h"
#include "nn/optim/adam.h"
#include "nn/optim/finite.h"
#include "nn/optim/schedule.h"
#include "nn/parameter_buffer.h"

namespace examples::moons {

std::unique_ptr<flowmatch::VelocityModel> MakeModel(const Options& options) {
  autograd::Generator generator(options.seed, kInitStream);
  if (options.model == "time_embedding") {
    return std::make_unique<flowmatch::TimeEmbeddingFlow>(
        flowmatch::TimeEmbeddingFlowOptions{.hidden = options.hidden}, generator);
  }
  return std::make_unique<flowmatch::FlowMlp>(flowmatch::FlowMlpOptions{.hidden = options.hidden},
                                              generator);
}

flowmatch::VelocityField FieldOf(const flowmatch::VelocityModel& model, autograd::DType dtype) {
  if (dtype == autograd::DType::kF32) {
    return [&model](const Tensor& x, const Tensor& t) { return model.Forward(x, t); };
  }
  return [&model, dtype](const Tensor& x, const Tensor& t) {
    return Cast(model.Forward(Cast(x, dtype), Cast(t, dtype)), x.dtype());
  };
}

TrainingResult Train(const Options& options, const DrawData& draw,
                     flowmatch::VelocityModel& model) {
  autograd::Generator generator(options.seed, kTrainingStream);
  nn::ParameterBuffer parameters(model);
  nn::Adam optimizer(parameters, {.learning_rate = options.learning_rate});
  const nn::Schedule schedule = options.schedule == "cosine"
                                    ? nn::CosineSchedule(options.learning_rate, options.iterations)
                                    : nn::ConstantSchedule(options.learning_rate);
  std::optional<nn::Ema> ema;
  if (options.ema > 0) ema.emplace(parameters, nn::ConstantDecay(options.ema));
  const flowmatch::AffinePath path(options.scheduler);
  const flowmatch::VelocityField velocity = FieldOf(model, options.dtype);

  TrainingResult result;
  result.losses.reserve(static_cast<size_t>(options.iterations));
  const InterruptGuard interrupt;
  ProgressBar progress("training", options.iterations);
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < options.iterations && !result.interrupted; ++i) {
    const Tensor x1 = draw(options.batch_size, generator);
    const Tensor x0 = autograd::Randn(x1.shape(), generator);
    const Tensor t =
        flowmatch::UniformTimes(options.batch_size, options.scheduler->training_times(), generator);
    optimizer.set_learning_rate(schedule(i));
    optimizer.ZeroGrad();
    const Tensor loss = flowmatch::CfmLoss(velocity, path.Sample(x0, x1, t));
    Backward(loss);
    result.losses.push_back(loss.item<float>());
    nn::CheckFiniteLoss(static_cast<double>(result.losses.back()), i, parameters);
    optimizer.Step({.ema = ema.has_value() ? &*ema : nullptr});
    progress.Update(i + 1, static_cast<double>(result.losses.back()));
    result.interrupted = interrupt.interrupted();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.Finish();
  if (ema.has_value()) ema->Swap();
  return result;
}

}  // namespace examples::moons
