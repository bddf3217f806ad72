#include "autograd/ops/upsample_conv.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "autograd/ops/conv.h"
#include "autograd/ops/conv_size.h"
#include "autograd/ops/pixel_map.h"
#include "autograd/ops/shape.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::AxisMap;
using internal::PixelMap;
using internal::SharedPixelMap;

// The sums of weights, as a linear operation: a kernel [O, 3, 3, C], taken for images, becomes one
// [O, 4, 4, C].
struct KernelAdjoint;
struct Kernel {
  static constexpr char kName[] = "UpsampleConv2dKernel";
  using Adjoint = KernelAdjoint;
};
struct KernelAdjoint {
  static constexpr char kName[] = "UpsampleConv2dKernelAdjoint";
  using Adjoint = Kernel;
};

// Along an axis, pixel r of the result reads, through weight k, pixel floor((r + k - 1) / 2) of x;
// so pixel i of x meets pixel r = 2 i + a - 1 through the weights 2 - a and 3 - a, where they are.
AxisMap KernelAxis() {
  AxisMap map;
  map.source_size = 3;
  for (int64_t a = 0; a < 4; ++a) {
    for (int64_t k = 2 - a; k <= 3 - a; ++k) {
      if (k >= 0 && k < 3) map.terms.push_back({k, 1});
    }
    map.EndEntry();
  }
  return map;
}

const SharedPixelMap& KernelMap() {
  static const auto* const map = new SharedPixelMap(
      std::make_shared<PixelMap>(PixelMap{.rows = KernelAxis(), .columns = KernelAxis()}));
  return *map;
}

const SharedPixelMap& KernelAdjointMap() {
  static const auto* const map = new SharedPixelMap(Transposed(*KernelMap()));
  return *map;
}

void Check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool fits = internal::AreConvOperands(x, weight, bias) && weight.size(1) == 3 &&
                    weight.size(2) == 3 && x.size(1) >= 1 && x.size(2) >= 1;
  if (fits) return;
  throw std::invalid_argument("UpsampleConv2d: x " + Describe(x) + ", weight " + Describe(weight) +
                              " and bias " + Describe(bias) +
                              " do not fit; wants [B, H, W, C], [O, 3, 3, C] and [O], H and W at "
                              "least 1, all f32, all f64, or x bf16 and the others f32");
}

}  // namespace

Tensor UpsampleConv2d(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const OpScope scope("UpsampleConv2d", {&x, &weight, &bias});
  Check(x, weight, bias);
  const Tensor sums = internal::RecordPixelMap<Kernel>(weight, KernelMap(), KernelAdjointMap());
  // A transposed convolution takes [C, 4, 4, O].
  return ConvTranspose2d(x, Contiguous(Permute(sums, {3, 1, 2, 0})), bias,
                         {.stride = {2, 2}, .padding = {1, 1}});
}

}  // namespace autograd
