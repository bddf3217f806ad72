#include "autograd/kernels/pixels.h"

#include "autograd/kernels/isa.h"
#include "autograd/kernels/pixels_loops.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
namespace avx2 {
extern const PixelKernels<float> kPixelsF32;
extern const PixelKernels<double> kPixelsF64;
extern const PixelKernels<BFloat16> kPixelsBf16;
}  // namespace avx2
namespace avx512 {
extern const PixelKernels<float> kPixelsF32;
extern const PixelKernels<double> kPixelsF64;
extern const PixelKernels<BFloat16> kPixelsBf16;
}  // namespace avx512
#endif

template <>
const PixelKernels<float>& GetPixelKernels<float>() {
  static constexpr PixelKernels<float> kScalar = MakePixelKernels<float>();
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAvx512) return avx512::kPixelsF32;
  if (ActiveIsa() >= Isa::kAvx2) return avx2::kPixelsF32;
#endif
  return kScalar;
}

template <>
const PixelKernels<double>& GetPixelKernels<double>() {
  static constexpr PixelKernels<double> kScalar = MakePixelKernels<double>();
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAvx512) return avx512::kPixelsF64;
  if (ActiveIsa() >= Isa::kAvx2) return avx2::kPixelsF64;
#endif
  return kScalar;
}

template <>
const PixelKernels<BFloat16>& GetPixelKernels<BFloat16>() {
  static constexpr PixelKernels<BFloat16> kScalar = MakePixelKernels<BFloat16>();
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAvx512) return avx512::kPixelsBf16;
  if (ActiveIsa() >= Isa::kAvx2) return avx2::kPixelsBf16;
#endif
  return kScalar;
}

}  // namespace autograd::kernels
