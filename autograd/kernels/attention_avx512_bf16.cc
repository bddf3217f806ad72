#include "autograd/kernels/attention_pairs_backward.h"
#include "autograd/kernels/attention_pairs_forward.h"
#include "autograd/kernels/attention_short.h"

namespace autograd::kernels::avx512_bf16 {

const AttentionKernels<BFloat16> kAttentionBf16 =
    ShortAttention<PairsForward, PairsBackward>::Make();

}  // namespace autograd::kernels::avx512_bf16
