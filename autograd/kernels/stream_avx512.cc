#include "autograd/kernels/simd_avx512.h"
#include "autograd/kernels/stream.h"
#include "autograd/kernels/stream_loop.h"

namespace autograd::kernels {

extern const StreamCopyFn kStreamCopyAvx512;
constexpr StreamCopyFn kStreamCopyAvx512 = CopyStreaming<Avx512F32>;

}  // namespace autograd::kernels
