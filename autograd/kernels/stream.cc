#include "autograd/kernels/stream.h"

#include <cstring>

#include "autograd/kernels/isa.h"

#ifdef AUTOGRAD_X86
#include <xmmintrin.h>
#endif

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const StreamCopyFn kStreamCopyAvx2;
extern const StreamCopyFn kStreamCopyAvx512;
#endif

namespace {

void PlainCopy(const void* src, void* dst, int64_t bytes) {
  std::memcpy(dst, src, static_cast<size_t>(bytes));
}

StreamCopyFn Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kStreamCopyAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kStreamCopyAvx512;
#endif
    default:
      return PlainCopy;
  }
}

}  // namespace

StreamCopyFn GetStreamCopy() {
  static const StreamCopyFn copy = Choose();
  return copy;
}

void StreamFence() {
#ifdef AUTOGRAD_X86
  _mm_sfence();
#endif
}

}  // namespace autograd::kernels
