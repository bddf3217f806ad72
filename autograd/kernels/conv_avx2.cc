#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_outer_tile.h"
#include "autograd/kernels/conv_table.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {
namespace {

// 12 of the 16 registers hold sums, 2 a row of weights, 1 the element of a pixel.
constexpr int kPixels = 6;
constexpr int kVecs = 2;
// Sums in flight that hide the latency of a multiply-add.
constexpr int kDots = 8;

template <class Image>
constexpr DirectKernels<float, Image> Table() {
  return F32Table<Avx2F32, Transpose8x8F32, Image, kPixels, kVecs, kDots>();
}

}  // namespace

extern const ConvKernels kConvAvx2 = {Avx2F32::kLanes, &Outer<Avx2F32, kPixels, kVecs>,
                                      Table<float>(), Table<BFloat16>()};

}  // namespace autograd::kernels
