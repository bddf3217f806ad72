#include "autograd/kernels/simd_avx2.h"
#include "autograd/kernels/stream.h"
#include "autograd/kernels/stream_loop.h"

namespace autograd::kernels {

extern const StreamCopyFn kStreamCopyAvx2;
constexpr StreamCopyFn kStreamCopyAvx2 = CopyStreaming<Avx2F32>;

}  // namespace autograd::kernels
