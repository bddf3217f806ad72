// Rows of pixels copied as pairs, for instruction sets that multiply pairs of bf16.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_PAIRS_PACK_H_
#define AUTOGRAD_KERNELS_CONV_PAIRS_PACK_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/conv_pairs_kernels.h"

namespace autograd::kernels {
namespace {

// The numbers of lanes that put 16 channels of pixel a, from `first` on, beside those of b.
inline __m512i Interleaved(int first) {
  alignas(64) int16_t lanes[32];
  for (int i = 0; i < 32; ++i) lanes[i] = static_cast<int16_t>(first + i / 2 + i % 2 * 32);
  return _mm512_load_si512(lanes);
}

// ConvPairsKernels::pack.
inline void PackPairs(const PairsRow& r) {
  // Rows come from memory, and the processor asks for what follows only within a page.
  constexpr int64_t kAhead = 4096;
  const __m512i low = Interleaved(0), high = Interleaved(16);
  const auto inside = [&](int64_t i) { return i >= r.lead && i < r.lead + r.count; };
  for (int64_t m = 0; m < r.pairs; ++m) {
    const bool has_even = inside(2 * m), has_odd = inside(2 * m + 1);
    const BFloat16* even = r.pixels + (has_even ? 2 * m - r.lead : 0) * r.pixel_stride;
    const BFloat16* odd = r.pixels + (has_odd ? 2 * m + 1 - r.lead : 0) * r.pixel_stride;
    uint32_t* to = r.to + m * r.pitch;
    for (int64_t c = 0; c < r.pitch; c += 2 * kPairChannels) {
      const int64_t rest = r.channels - c;
      const __mmask32 mask = rest < 2 * kPairChannels ? (1u << rest) - 1u : ~0u;
      _mm_prefetch(reinterpret_cast<const char*>(even + c) + kAhead, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(odd + c) + kAhead, _MM_HINT_T0);
      const __m512i a = _mm512_maskz_loadu_epi16(has_even ? mask : 0, even + c);
      const __m512i b = _mm512_maskz_loadu_epi16(has_odd ? mask : 0, odd + c);
      _mm512_store_si512(to + c, _mm512_permutex2var_epi16(a, low, b));
      if (rest > kPairChannels)
        _mm512_store_si512(to + c + kPairChannels, _mm512_permutex2var_epi16(a, high, b));
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_PAIRS_PACK_H_
