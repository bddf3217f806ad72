#include "autograd/kernels/pixels_loops.h"

namespace autograd::kernels::avx2 {

extern const PixelKernels<float> kPixelsF32;
extern const PixelKernels<double> kPixelsF64;
constexpr PixelKernels<float> kPixelsF32 = MakePixelKernels<float>();
constexpr PixelKernels<double> kPixelsF64 = MakePixelKernels<double>();

}  // namespace autograd::kernels::avx2
