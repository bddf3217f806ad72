#include "benchmarks/training_step.h"

#include <stdexcept>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/slice.h"
#include "benchmarks/model_flops.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/models/flow_mlp.h"
#include "flowmatch/path/affine_path.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/time/time_sampler.h"

namespace benchmarks {

using autograd::DType;
using autograd::Tensor;

namespace {

constexpr int64_t kImageSize = 28;

}  // namespace

DType ActivationsByName(const std::string& name) {
  if (name == "f32") return DType::kF32;
  if (name == "bf16") return DType::kBF16;
  throw std::invalid_argument("the dtype is '" + name + "', expected f32 or bf16");
}

flowmatch::ClassConditionedUNetOptions UNetOptions(DType dtype) {
  flowmatch::ClassConditionedUNetOptions options;
  options.unet.compute_dtype = dtype;
  return options;
}

TrainingStep::TrainingStep(const TrainingStepOptions& options) : options_(options) {
  if (options.model == "unet") {
    MakeUNet();
  } else if (options.model == "moons") {
    MakeMoons();
  } else {
    throw std::invalid_argument("the model is '" + options.model + "', expected unet or moons");
  }
  parameters_ = std::make_unique<nn::ParameterBuffer>(*model_);
  optimizer_ = std::make_unique<nn::AdamW>(*parameters_, nn::AdamWOptions{.learning_rate = 1e-3});
  ema_ = std::make_unique<nn::Ema>(*parameters_, nn::WarmupDecay(0.9999));
}

void TrainingStep::MakeUNet() {
  const int64_t batch = options_.batch_size;
  auto unet =
      std::make_unique<flowmatch::ClassConditionedUNet>(UNetOptions(options_.dtype), generator_);
  data_ = autograd::Rand({batch, kImageSize, kImageSize, 1}, generator_) * 2.0 - 1.0;
  draw_times_ = [this, batch] { return flowmatch::DiscreteUniformTimes(batch, 1000, generator_); };
  draw_labels_ = [this, batch] { return autograd::RandInt(0, 11, {batch}, generator_); };
  velocity_ = [model = unet.get()](const Tensor& x, const Tensor& t, const Tensor& labels) {
    return model->Forward(x, t, labels);
  };
  model_ = std::move(unet);
}

void TrainingStep::MakeMoons() {
  if (options_.dtype != DType::kF32) {
    throw std::invalid_argument("the model moons has activations of f32 only");
  }
  const int64_t batch = options_.batch_size;
  auto mlp = std::make_unique<flowmatch::FlowMlp>(flowmatch::FlowMlpOptions{}, generator_);
  data_ = autograd::Randn({batch, 2}, generator_);
  draw_times_ = [this, batch] { return autograd::Rand({batch}, generator_); };
  draw_labels_ = [] { return Tensor(); };
  velocity_ = [model = mlp.get()](const Tensor& x, const Tensor& t, const Tensor&) {
    return model->Forward(x, t);
  };
  model_ = std::move(mlp);
}

double TrainingStep::Run() {
  static const flowmatch::AffinePath& path =
      *new flowmatch::AffinePath(std::make_shared<flowmatch::CondOTScheduler>());
  const Tensor noise = autograd::Randn(data_.shape(), generator_);
  const Tensor t = draw_times_();
  const flowmatch::PathSample sample = path.Sample(noise, data_, t);
  const Tensor labels = draw_labels_();
  optimizer_->ZeroGrad();
  const double loss = flowmatch::BackwardInChunks(
      options_.batch_size, options_.chunk_size, [&](int64_t begin, int64_t end) {
        const Tensor part = labels.defined() ? autograd::Slice(labels, 0, begin, end) : Tensor();
        return flowmatch::CfmLoss(
            [&](const Tensor& x, const Tensor& at) { return velocity_(x, at, part); },
            flowmatch::SliceSample(sample, begin, end));
      });
  optimizer_->Step({.ema = ema_.get()});
  return loss;
}

double TrainingStep::flops() const {
  constexpr double kPasses = 3;  // forward, and backward by inputs and by weights
  return kPasses * static_cast<double>(options_.batch_size) *
         ForwardFlops(*model_, kImageSize, kImageSize).computed();
}

}  // namespace benchmarks
