// Stores that bypass the caches, for outputs larger than they are.
//
// A normal store first reads the line it writes to, and leaves it in the cache, where a large array
// only drives out what is needed sooner. A streaming store does neither. On one core of a Xeon with
// 2 MB of L2 (others busy), a chain of four passes over arrays of 8 to 51 MB took between half and
// nine tenths of the time with them; below 4 MB it took 1.6 times as long, because the next pass
// then found nothing in the cache. So they pay by the size of the whole array, which the caller
// knows, and not by that of the piece a kernel is given.
//
// Any kernel can be streamed: it writes to a small buffer that stays in the L1 cache, which is then
// moved out.
//
// Example:
//   std::vector<float> x(1 << 22, 1.0f), y(x.size());
//   const int64_t n = static_cast<int64_t>(x.size());
//   const auto exp = kernels::GetUnary<float>(kernels::UnaryOp::kExp);
//   if (kernels::WorthStreaming(n * int64_t{sizeof(float)})) {
//     kernels::Stream(y.data(), n, [&](int64_t i, int64_t count, float* out) {
//       exp(x.data() + i, out, count, 0.0f);
//     });
//   } else {
//     exp(x.data(), y.data(), n, 0.0f);
//   }
//   std::cout << y[0] << "\n";  // 2.71828
#ifndef AUTOGRAD_KERNELS_STREAM_H_
#define AUTOGRAD_KERNELS_STREAM_H_

#include <stdint.h>

namespace autograd::kernels {

// Whether an output of this many bytes should be streamed.
constexpr bool WorthStreaming(int64_t bytes) { return bytes >= (int64_t{8} << 20); }

// Copies bytes to dst past the caches, where the processor can. The arrays must not overlap.
using StreamCopyFn = void (*)(const void* src, void* dst, int64_t bytes);

// The kernel of ActiveIsa(). Throws as ActiveIsa does.
StreamCopyFn GetStreamCopy();

// Makes the streamed stores of this thread visible before any later one. Stream calls it.
void StreamFence();

// y[0, n) from fill(begin, count, out), which writes elements [begin, begin + count) to out[0,
// count). y may be an input.
template <class T, class Fill>
void Stream(T* y, int64_t n, const Fill& fill) {
  constexpr int64_t kCount = 4096 / static_cast<int64_t>(sizeof(T));
  alignas(64) T buffer[kCount];
  const StreamCopyFn copy = GetStreamCopy();
  for (int64_t i = 0; i < n; i += kCount) {
    const int64_t count = n - i < kCount ? n - i : kCount;
    fill(i, count, static_cast<T*>(buffer));
    copy(buffer, y + i, count * static_cast<int64_t>(sizeof(T)));
  }
  StreamFence();
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_STREAM_H_
