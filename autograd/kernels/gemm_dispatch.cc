#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {
namespace {

#ifdef AUTOGRAD_X86
template <class T>
const GemmKernels<T>& Choose(const GemmKernels<T>& scalar, const GemmKernels<T>& avx2,
                             const GemmKernels<T>& avx512) {
  switch (ActiveIsa()) {
    case Isa::kScalar:
      return scalar;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return avx512;
  }
  return scalar;
}
#endif

}  // namespace

#ifdef AUTOGRAD_X86
const GemmKernels<float>& ActiveGemmKernels(float) {
  static const GemmKernels<float>& kernels = Choose(kGemmScalarF32, kGemmAvx2F32, kGemmAvx512F32);
  return kernels;
}

const GemmKernels<double>& ActiveGemmKernels(double) {
  static const GemmKernels<double>& kernels = Choose(kGemmScalarF64, kGemmAvx2F64, kGemmAvx512F64);
  return kernels;
}
#else
const GemmKernels<float>& ActiveGemmKernels(float) { return kGemmScalarF32; }
const GemmKernels<double>& ActiveGemmKernels(double) { return kGemmScalarF64; }
#endif

}  // namespace autograd::kernels
