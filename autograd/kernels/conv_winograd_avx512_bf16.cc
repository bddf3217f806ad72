#include "autograd/kernels/conv_winograd_kernels.h"
#include "autograd/kernels/conv_winograd_transform.h"
#include "autograd/kernels/simd_avx512_bf16.h"

namespace autograd::kernels {

extern const WinogradKernels kWinogradAvx512Bf16 = WinogradTable<Avx512Bf16F32>();

}  // namespace autograd::kernels
