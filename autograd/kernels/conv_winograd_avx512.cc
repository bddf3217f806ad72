#include "autograd/kernels/conv_winograd_kernels.h"
#include "autograd/kernels/conv_winograd_transform.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {

extern const WinogradKernels kWinogradAvx512 = WinogradTable<Avx512F32>();

}  // namespace autograd::kernels
