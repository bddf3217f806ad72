#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/attention_short.h"
#include "autograd/kernels/attention_tiles_backward.h"
#include "autograd/kernels/attention_tiles_forward.h"

namespace autograd::kernels {

extern const AttentionKernels<BFloat16> AUTOGRAD_AMX_NAME(kAttentionBf16Amx) =
    ShortAttention<TilesForward, TilesBackward>::Make();

}  // namespace autograd::kernels
