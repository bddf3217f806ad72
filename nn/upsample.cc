#include "nn/upsample.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/resample.h"

namespace nn {
namespace {

void Check(bool positive, const std::string& sizes, const UpsampleOptions& options) {
  if (!positive) throw std::invalid_argument("Upsample: wants at least 1, got " + sizes);
  if (options.align_corners && options.mode == UpsampleMode::kNearest) {
    throw std::invalid_argument("Upsample: align_corners has no meaning for kNearest");
  }
}

}  // namespace

Upsample::Upsample(int64_t factor, const UpsampleOptions& options)
    : factor_(factor), options_(options) {
  Check(factor >= 1, "factor " + std::to_string(factor), options);
}

Upsample::Upsample(int64_t height, int64_t width, const UpsampleOptions& options)
    : height_(height), width_(width), options_(options) {
  Check(height >= 1 && width >= 1,
        "height " + std::to_string(height) + " and width " + std::to_string(width), options);
}

Tensor Upsample::Forward(const Tensor& x) const {
  int64_t height = height_, width = width_;
  // Of another rank, x is refused below.
  if (factor_ > 0 && x.defined() && x.rank() == 4) {
    if (__builtin_mul_overflow(factor_, x.size(1), &height) ||
        __builtin_mul_overflow(factor_, x.size(2), &width)) {
      throw std::invalid_argument("Upsample: factor " + std::to_string(factor_) + " times " +
                                  Describe(x) + " is too large");
    }
  }
  return options_.mode == UpsampleMode::kNearest
             ? autograd::UpsampleNearest2d(x, height, width)
             : autograd::UpsampleBilinear2d(x, height, width, options_.align_corners);
}

}  // namespace nn
