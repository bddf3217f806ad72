// ClassConditionedUNet: a velocity model of images that is told a class, nn::UNet2D with an
// embedding of the label.
//
// The label's vector is joined to every pixel as further channels, as in the MNIST program, or
// added to the time embedding, as class-conditional diffusion models do (Dhariwal & Nichol
// 2105.05233). Label 0 is the null label, of no class: a model trained with some labels dropped
// (Ho & Salimans 2207.12598) is steered by classifier-free guidance when it samples.
//
// Times are flow matching's, in [0, 1); the network sees 1000 t, in training and in sampling alike.
//
// Example:
//   Generator generator(1);
//   ClassConditionedUNet model({}, generator);
//   std::cout << model.ParameterCount() << "\n";  // 1709401
//   Tensor t = Tensor::FromVector<float>({0, 0.5f}, {2});
//   Tensor labels = Tensor::FromVector<int64_t>({0, 7}, {2});  // none, and the digit 6
//   Tensor v = model.Forward(Zeros({2, 28, 28, 1}), t, labels);  // [2, 28, 28, 1]
#ifndef FLOWMATCH_MODELS_CLASS_CONDITIONED_UNET_H_
#define FLOWMATCH_MODELS_CLASS_CONDITIONED_UNET_H_

#include <cstdint>
#include <optional>

#include "autograd/ops/creation.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "nn/embedding.h"
#include "nn/models/unet2d.h"
#include "nn/module.h"

namespace flowmatch {

using autograd::Tensor;

enum class ClassConditioning { kChannels, kTimeEmbedding };

struct ClassConditionedUNetOptions {
  int64_t num_classes = 10;  // labels 1 ... num_classes, beside the null label 0
  int64_t image_channels = 1;
  ClassConditioning conditioning = ClassConditioning::kChannels;
  int64_t class_channels = 8;  // of kChannels
  // in_channels, out_channels and num_class_embeds follow from the above. The default is the
  // network of the MNIST program.
  nn::UNet2DOptions unet = {};
};

class ClassConditionedUNet final : public nn::Module {
 public:
  // Module model, and class_emb [num_classes + 1, class_channels] before it for kChannels; with
  // kTimeEmbedding the table is model.class_embedding. Throws std::invalid_argument unless
  // num_classes, image_channels and class_channels are positive, and as UNet2D does.
  ClassConditionedUNet(const ClassConditionedUNetOptions& options, autograd::Generator& generator);

  // The velocity at x [B, H, W, image_channels] and t [B] (or [1] for all) in [0, 1), for labels
  // [B] of i64 or i32 in [0, num_classes]; result of x's shape. Throws std::invalid_argument naming
  // all shapes if they do not fit, and naming the first label that is out of range.
  Tensor Forward(const Tensor& x, const Tensor& t, const Tensor& labels) const;

  const ClassConditionedUNetOptions& options() const { return options_; }

  // As nn::UNet2D's: bf16 for mixed precision.
  void set_compute_dtype(autograd::DType dtype) { model_->set_compute_dtype(dtype); }

 private:
  void CheckInputs(const Tensor& x, const Tensor& t, const Tensor& labels) const;

  ClassConditionedUNetOptions options_;
  std::optional<nn::Embedding> class_emb_;
  std::optional<nn::UNet2D> model_;
};

}  // namespace flowmatch

#endif  // FLOWMATCH_MODELS_CLASS_CONDITIONED_UNET_H_
