#include "autograd/kernels/conv_dot_tile.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_outer_tile.h"
#include "autograd/kernels/conv_tile.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {
namespace {

// 28 of the 32 registers hold sums, 2 a row of weights, 1 the element of a pixel.
constexpr int kPixels = 14;
constexpr int kVecs = 2;
// Sums in flight that hide the latency of a multiply-add.
constexpr int kDots = 8;

}  // namespace

extern const ConvKernels kConvAvx512 = {Avx512F32::kLanes,      kVecs* Avx512F32::kLanes,
                                        &RowsAtATime<kPixels>,  &Direct<Avx512F32, kPixels, kVecs>,
                                        &Dot<Avx512F32, kDots>, &Outer<Avx512F32, kPixels, kVecs>};

}  // namespace autograd::kernels
