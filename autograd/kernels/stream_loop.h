// The copy of stream.h on a vector type of simd_avx2.h or simd_avx512.h. See vec_math.h for the
// rules of these headers.
#ifndef AUTOGRAD_KERNELS_STREAM_LOOP_H_
#define AUTOGRAD_KERNELS_STREAM_LOOP_H_

#include <stdint.h>

namespace autograd::kernels {
namespace {

// Streaming stores need aligned addresses, so the ends are copied as usual.
template <class V>
void CopyStreaming(const void* src, void* dst, int64_t bytes) {
  constexpr int64_t kBytes = V::kLanes * static_cast<int64_t>(sizeof(float));
  const char* from = static_cast<const char*>(src);
  char* to = static_cast<char*>(dst);
  int64_t head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) & (kBytes - 1));
  head = head < bytes ? head : bytes;
  __builtin_memcpy(to, from, static_cast<uint64_t>(head));
  int64_t i = head;
  for (; i + kBytes <= bytes; i += kBytes) {
    V::Stream(reinterpret_cast<float*>(to + i), V::Load(reinterpret_cast<const float*>(from + i)));
  }
  __builtin_memcpy(to + i, from + i, static_cast<uint64_t>(bytes - i));
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_STREAM_LOOP_H_
