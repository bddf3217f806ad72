#include "autograd/kernels/pixels_loops.h"

namespace autograd::kernels::avx2 {

extern const PixelKernels<float> kPixelsF32;
extern const PixelKernels<double> kPixelsF64;
extern const PixelKernels<BFloat16> kPixelsBf16;
constexpr PixelKernels<float> kPixelsF32 = MakePixelKernels<float>();
constexpr PixelKernels<double> kPixelsF64 = MakePixelKernels<double>();
constexpr PixelKernels<BFloat16> kPixelsBf16 = MakePixelKernels<BFloat16>();

}  // namespace autograd::kernels::avx2
