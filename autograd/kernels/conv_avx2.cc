#include "autograd/kernels/conv_dot_tile.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_outer_tile.h"
#include "autograd/kernels/conv_tile.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {
namespace {

// 12 of the 16 registers hold sums, 2 a row of weights, 1 the element of a pixel.
constexpr int kPixels = 6;
constexpr int kVecs = 2;
// Sums in flight that hide the latency of a multiply-add.
constexpr int kDots = 8;

}  // namespace

extern const ConvKernels kConvAvx2 = {Avx2F32::kLanes,       kVecs* Avx2F32::kLanes,
                                      &RowsAtATime<kPixels>, &Direct<Avx2F32, kPixels, kVecs>,
                                      &Dot<Avx2F32, kDots>,  &Outer<Avx2F32, kPixels, kVecs>};

}  // namespace autograd::kernels
