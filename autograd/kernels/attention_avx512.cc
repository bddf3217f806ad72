#include "autograd/kernels/attention_avx512.h"
#include "autograd/kernels/attention_simd.h"

namespace autograd::kernels {
namespace avx512 {

const AttentionTable kAttention = {MakeAttentionKernels<Avx512F32>(),
                                   MakeAttentionKernels<Avx512F64>(),
                                   WidenedAttention<Bf16Lanes<Avx512F32>>::Make()};

}  // namespace avx512
}  // namespace autograd::kernels
