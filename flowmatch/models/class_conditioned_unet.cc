#include "flowmatch/models/class_conditioned_unet.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/shape.h"

namespace flowmatch {
namespace {

using autograd::DType;

// Times in [0, 1) on the scale UNet2D's frequencies are made for.
constexpr double kTimeScale = 1000;

template <class T>
void CheckRange(const Tensor& labels, int64_t num_classes) {
  for (int64_t i = 0; i < labels.size(0); ++i) {
    const auto label = static_cast<int64_t>(labels.at<T>({i}));
    if (label >= 0 && label <= num_classes) continue;
    throw std::invalid_argument(absl::StrCat("ClassConditionedUNet: label ", label, " at position ",
                                             i, " is out of range, wants 0 (no class) ... ",
                                             num_classes));
  }
}

}  // namespace

ClassConditionedUNet::ClassConditionedUNet(const ClassConditionedUNetOptions& options,
                                           autograd::Generator& generator)
    : options_(options) {
  const bool channels = options.conditioning == ClassConditioning::kChannels;
  if (options.num_classes < 1 || options.image_channels < 1 ||
      (channels && options.class_channels < 1)) {
    throw std::invalid_argument(
        absl::StrCat("ClassConditionedUNet: wants positive sizes, got num_classes ",
                     options.num_classes, ", image_channels ", options.image_channels,
                     " and class_channels ", options.class_channels));
  }
  nn::UNet2DOptions& unet = options_.unet;
  unet.in_channels = options.image_channels + (channels ? options.class_channels : 0);
  unet.out_channels = options.image_channels;
  unet.num_class_embeds = channels ? 0 : options.num_classes + 1;
  if (channels) {
    class_emb_.emplace(options.num_classes + 1, options.class_channels, generator, unet.dtype);
    RegisterModule("class_emb", *class_emb_);
  }
  model_.emplace(unet, generator);
  RegisterModule("model", *model_);
}

void ClassConditionedUNet::CheckInputs(const Tensor& x, const Tensor& t,
                                       const Tensor& labels) const {
  const bool fits = x.defined() && t.defined() && labels.defined() && x.rank() == 4 &&
                    x.size(3) == options_.image_channels && t.rank() == 1 &&
                    (t.size(0) == x.size(0) || t.size(0) == 1) && labels.rank() == 1 &&
                    labels.size(0) == x.size(0) &&
                    (labels.dtype() == DType::kI64 || labels.dtype() == DType::kI32);
  if (!fits) {
    throw std::invalid_argument(
        absl::StrCat("ClassConditionedUNet: wants x [B, H, W, ", options_.image_channels,
                     "], t [B] or [1] and labels [B] i64 or i32, got ", Describe(x), ", ",
                     Describe(t), " and ", Describe(labels)));
  }
  labels.dtype() == DType::kI64 ? CheckRange<int64_t>(labels, options_.num_classes)
                                : CheckRange<int32_t>(labels, options_.num_classes);
}

Tensor ClassConditionedUNet::Forward(const Tensor& x, const Tensor& t, const Tensor& labels) const {
  CheckInputs(x, t, labels);
  const Tensor time = t * kTimeScale;
  if (!class_emb_.has_value()) return model_->Forward(x, time, labels);
  const Tensor vectors = class_emb_->Forward(labels);  // [B, class_channels]
  const Tensor pixels = Reshape(vectors, {x.size(0), 1, 1, vectors.size(1)});
  const Tensor channels = Expand(pixels, {x.size(0), x.size(1), x.size(2), vectors.size(1)});
  return model_->Forward(autograd::Concat({x, channels}, -1), time);
}

}  // namespace flowmatch
