// The training steps that train_step times and roofline takes apart: those of the programs, all of
// it but reading data. Images and points are random numbers.
#ifndef BENCHMARKS_TRAINING_STEP_H_
#define BENCHMARKS_TRAINING_STEP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "autograd/dtype.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "flowmatch/loss/chunked_backward.h"
#include "flowmatch/models/class_conditioned_unet.h"
#include "nn/ema.h"
#include "nn/module.h"
#include "nn/optim/adam.h"
#include "nn/parameter_buffer.h"

namespace benchmarks {

struct TrainingStepOptions {
  std::string model = "unet";  // of the MNIST program, or "moons": 3-64-64-64-2
  int64_t batch_size = 256;
  int64_t chunk_size = flowmatch::kDefaultChunk;  // 0: the whole batch
  autograd::DType dtype = autograd::DType::kF32;  // of activations; kBF16 for unet only
};

// "f32" or "bf16", as flags have it. Throws std::invalid_argument for another name.
autograd::DType ActivationsByName(const std::string& name);

// The options of the MNIST program's network with activations of a dtype.
flowmatch::ClassConditionedUNetOptions UNetOptions(autograd::DType dtype);

class TrainingStep {
 public:
  // Throws std::invalid_argument for an unknown model, or a dtype it does not have.
  explicit TrainingStep(const TrainingStepOptions& options);

  // Noise, times and labels drawn, loss, gradients, AdamW with the moving average. The loss.
  double Run();

  // Floating-point operations of a step (model_flops.h).
  double flops() const;
  const nn::Module& model() const { return *model_; }

 private:
  void MakeUNet();
  void MakeMoons();

  const TrainingStepOptions options_;
  autograd::Generator generator_{0};
  std::unique_ptr<nn::Module> model_;
  autograd::Tensor data_;  // a batch of x_1
  std::function<autograd::Tensor()> draw_times_;
  std::function<autograd::Tensor()> draw_labels_;  // undefined labels where the model wants none
  std::function<autograd::Tensor(const autograd::Tensor& x, const autograd::Tensor& t,
                                 const autograd::Tensor& labels)>
      velocity_;
  std::unique_ptr<nn::ParameterBuffer> parameters_;
  std::unique_ptr<nn::AdamW> optimizer_;
  std::unique_ptr<nn::Ema> ema_;
};

}  // namespace benchmarks

#endif  // BENCHMARKS_TRAINING_STEP_H_
