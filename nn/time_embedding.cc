#include "nn/time_embedding.h"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"

namespace nn {
namespace {

using autograd::DType;

// Sines and cosines of t [...] times frequencies [n], and a zero if the size is odd: [..., size].
Tensor Waves(const Tensor& t, const Tensor& frequencies, bool cos_first, int64_t size) {
  const Tensor angles = Unsqueeze(t, -1) * frequencies;
  std::vector<Tensor> parts = {Sin(angles), Cos(angles)};
  if (cos_first) std::swap(parts[0], parts[1]);
  if (size % 2 == 1) {
    autograd::Shape shape = angles.shape();
    shape[shape.rank() - 1] = 1;
    parts.push_back(autograd::Zeros(shape, t.dtype()));
  }
  return autograd::Concat(parts, -1);
}

}  // namespace

SinusoidalEmbedding::SinusoidalEmbedding(int64_t size, const SinusoidalEmbeddingOptions& options)
    : size_(size), cos_first_(options.cos_first) {
  const int64_t count = size / 2;
  const double divisor = static_cast<double>(count) - options.frequency_shift;
  // Written so that NaN is refused, too.
  if (size < 2 || !(std::abs(divisor) > 0) || !std::isfinite(divisor) ||
      !std::isfinite(options.scale) || !(options.max_period > 0) ||
      !std::isfinite(options.max_period)) {
    throw std::invalid_argument(absl::StrCat(
        "SinusoidalEmbedding: wants size >= 2, a frequency_shift other than size / 2, a finite "
        "scale and max_period > 0, got size ",
        size, ", frequency_shift ", options.frequency_shift, ", scale ", options.scale,
        " and max_period ", options.max_period));
  }
  std::vector<double> frequencies;
  for (int64_t i = 0; i < count; ++i) {
    const double exponent = -static_cast<double>(i) / divisor;
    frequencies.push_back(options.scale * std::pow(options.max_period, exponent));
  }
  frequencies_f64_ = Tensor::FromVector(frequencies, {count});
  frequencies_ = Cast(frequencies_f64_, DType::kF32);
}

Tensor SinusoidalEmbedding::Forward(const Tensor& t) const {
  const bool integers = t.defined() && (t.dtype() == DType::kI32 || t.dtype() == DType::kI64);
  if (!t.defined() || (!integers && t.dtype() != DType::kF32 && t.dtype() != DType::kF64)) {
    throw std::invalid_argument("SinusoidalEmbedding: wants times of f32, f64, i32 or i64, got " +
                                Describe(t));
  }
  const Tensor times = integers ? Cast(t, DType::kF32) : t;
  return Waves(times, times.dtype() == DType::kF64 ? frequencies_f64_ : frequencies_, cos_first_,
               size_);
}

GaussianFourierEmbedding::GaussianFourierEmbedding(int64_t size, Generator& generator,
                                                   const GaussianFourierEmbeddingOptions& options)
    : cos_first_(options.cos_first), log_(options.log) {
  if (size < 2 || size % 2 == 1) {
    throw std::invalid_argument("GaussianFourierEmbedding: wants an even, positive size, got " +
                                std::to_string(size));
  }
  weight_ = RegisterBuffer("weight",
                           NormalTensor({size / 2}, 0, options.scale, generator, options.dtype));
}

Tensor GaussianFourierEmbedding::Forward(const Tensor& t) const {
  if (!t.defined() || t.dtype() != weight_.dtype()) {
    throw std::invalid_argument(absl::StrCat("GaussianFourierEmbedding: wants times of ",
                                             DTypeName(weight_.dtype()), ", got ", Describe(t)));
  }
  const Tensor frequencies = weight_ * (2 * std::numbers::pi);
  return Waves(log_ ? Log(t) : t, frequencies, cos_first_, 2 * weight_.numel());
}

}  // namespace nn
