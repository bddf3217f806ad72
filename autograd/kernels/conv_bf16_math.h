// Products of pairs of bf16 for the tiles of a convolution, by AVX512_BF16, and what they need of
// rows and weights: even numbers of channels, and weights [channels / 2][outputs][2].
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_BF16_MATH_H_
#define AUTOGRAD_KERNELS_CONV_BF16_MATH_H_

#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/conv_math.h"
#include "autograd/kernels/gemm_pack.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/simd_avx512_bf16.h"

namespace autograd::kernels {
namespace {

// The policy that conv_math.h describes.
struct Bf16PairMath {
  using V = Avx512Bf16F32;
  using Source = BFloat16;
  using Row = __m512bh;
  static constexpr int kDepth = 2;

  static Row LoadRow(const BFloat16* p) {
    return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
  }
  static Row LoadRowPartial(const BFloat16* p, int64_t n) {
    return reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16((1u << n) - 1u, p));
  }
  static Row Broadcast(const BFloat16* p) {
    int pair;
    __builtin_memcpy(&pair, p, sizeof(pair));
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  static V::Vec MulAdd(Row a, Row b, V::Vec sum) { return _mm512_dpbf16_ps(sum, a, b); }
};

// DirectKernels::row_channels.
inline int64_t EvenChannels(int64_t channels) { return channels + channels % 2; }

// DirectKernels::copy from bf16 to bf16.
inline void CopyBf16(int64_t count, int64_t channels, const BFloat16* from, int64_t to_channels,
                     BFloat16* to) {
  constexpr int64_t kLanes = 32;
  if (channels == to_channels) {
    channels = to_channels = count * channels;
    count = 1;
  }
  const auto first = [](int64_t n) {
    return static_cast<__mmask32>(n >= kLanes ? ~0u : n <= 0 ? 0u : (1u << n) - 1u);
  };
  for (int64_t i = 0; i < count; ++i, from += channels, to += to_channels) {
    for (int64_t c = 0; c < to_channels; c += kLanes) {
      const __m512i x = _mm512_maskz_loadu_epi16(first(channels - c), from + c);
      _mm512_mask_storeu_epi16(to + c, first(to_channels - c), x);
    }
  }
}

// DirectKernels::pack for panels of kCols outputs: pairs of channels next to each other, up to a
// multiple of kUnit channels.
template <int kCols, int kUnit>
void PackPairs(int64_t channels, int64_t outputs, const float* w, int64_t channel_stride,
               int64_t output_stride, BFloat16* to) {
  using V = Avx512Bf16F32;
  constexpr int64_t kBlock = 16;
  float block[kBlock * kCols];
  const int64_t padded = (channels + kUnit - 1) / kUnit * kUnit;
  for (int64_t c = 0; c < padded; c += kBlock) {
    const int64_t there = channels - c < kBlock ? (channels > c ? channels - c : 0) : kBlock;
    const int64_t count = padded - c < kBlock ? padded - c : kBlock;
    PackB<V, Transpose8x8F32, kCols>(there, outputs, w + c * channel_stride, channel_stride,
                                     output_stride, block);
    for (int64_t i = there * kCols; i < count * kCols; i += V::kLanes) {
      V::Store(block + i, V::Zero());
    }
    for (int64_t p = 0; p < count; p += 2) {
      for (int64_t o = 0; o < kCols; o += V::kLanes, to += 2 * V::kLanes) {
        const __m256i even = V::RoundToBf16(V::Load(block + p * kCols + o));
        const __m256i odd = V::RoundToBf16(V::Load(block + (p + 1) * kCols + o));
        const __m512i pair = _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                                             _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
        _mm512_storeu_si512(to, pair);
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_BF16_MATH_H_
