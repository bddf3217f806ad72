#include "autograd/kernels/conv_winograd_kernels.h"
#include "autograd/kernels/conv_winograd_transform.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels {

extern const WinogradKernels kWinogradAvx2 = WinogradTable<Avx2F32>();

}  // namespace autograd::kernels
