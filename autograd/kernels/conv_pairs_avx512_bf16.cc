#include <immintrin.h>
#include <stdint.h>

#include "autograd/kernels/conv_pairs_kernels.h"
#include "autograd/kernels/conv_pairs_pack.h"

namespace autograd::kernels {
namespace {

// 28 of the 32 registers hold sums, 2 pairs of the right image, 1 the pair of a channel of the
// left.
constexpr int kRows = 14;
constexpr int kVecs = 2;
constexpr int64_t kLanes = kPairChannels;

__mmask16 FirstLanes(int64_t n) {
  return n < kLanes ? static_cast<__mmask16>((1u << n) - 1u) : static_cast<__mmask16>(0xffff);
}

// A tile's first elements; the mask has the columns of the last vector.
struct PairsTile {
  const uint32_t* left;
  const uint32_t* right;
  float* dw;
  __mmask16 mask;
};

template <int kTileRows, int kTileVecs>
void RunPairsTile(const PairsBlock& b, const PairsTile& t) {
  const auto mask = [&](int v) { return v + 1 < kTileVecs ? __mmask16(0xffff) : t.mask; };
  __m512 sum[kTileRows * kTileVecs];
#pragma GCC unroll 64
  for (int i = 0; i < kTileRows * kTileVecs; ++i) {
    const float* from = t.dw + (i / kTileVecs) * b.dw_row_stride + (i % kTileVecs) * kLanes;
    sum[i] = b.adds ? _mm512_maskz_loadu_ps(mask(i % kTileVecs), from) : _mm512_setzero_ps();
  }
  for (int64_t image = 0; image < b.images; ++image) {
    for (int64_t row = 0; row < b.rows; ++row) {
      const uint32_t* left =
          t.left + (image * b.left_image_stride + row * b.row_stride) * b.left_pitch;
      const uint32_t* right =
          t.right + (image * b.right_image_stride + row * b.row_stride) * b.right_pitch;
      for (int64_t pair = b.pairs; pair > 0; --pair) {
        __m512bh vec[kTileVecs];
#pragma GCC unroll 4
        for (int v = 0; v < kTileVecs; ++v) {
          vec[v] = reinterpret_cast<__m512bh>(_mm512_load_si512(right + v * kLanes));
        }
#pragma GCC unroll 16
        for (int i = 0; i < kTileRows; ++i) {
          const auto factor =
              reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(left[i])));
#pragma GCC unroll 4
          for (int v = 0; v < kTileVecs; ++v) {
            sum[i * kTileVecs + v] = _mm512_dpbf16_ps(sum[i * kTileVecs + v], factor, vec[v]);
          }
        }
        left += b.left_pitch;
        right += b.right_pitch;
      }
    }
  }
#pragma GCC unroll 64
  for (int i = 0; i < kTileRows * kTileVecs; ++i) {
    float* to = t.dw + (i / kTileVecs) * b.dw_row_stride + (i % kTileVecs) * kLanes;
    _mm512_mask_storeu_ps(to, mask(i % kTileVecs), sum[i]);
  }
}

using PairsFunction = void (*)(const PairsBlock& b, const PairsTile& t);

// RunPairsTile for i + 1 rows at [i].
template <int kTileVecs>
struct PairsTable {
  PairsFunction run[kRows];

  template <int kTileRows = 1>
  constexpr void Fill() {
    run[kTileRows - 1] = &RunPairsTile<kTileRows, kTileVecs>;
    if constexpr (kTileRows < kRows) Fill<kTileRows + 1>();
  }
  constexpr PairsTable() : run() { Fill(); }
};

void Outer(const PairsBlock& b) {
  static constexpr PairsTable<kVecs> kWide{};
  static constexpr PairsTable<1> kNarrow{};
  const int64_t tiles = (b.left_channels + kRows - 1) / kRows;
  const int64_t size = tiles == 0 ? 0 : (b.left_channels + tiles - 1) / tiles;
  for (int64_t i = 0; i < b.left_channels; i += size) {
    const int64_t rows = b.left_channels - i < size ? b.left_channels - i : size;
    for (int64_t j = 0; j < b.right_channels; j += kVecs * kLanes) {
      const int64_t rest = b.right_channels - j;
      const bool wide = rest > kLanes;
      const PairsTile t = {b.left + i, b.right + j, b.dw + i * b.dw_row_stride + j,
                           FirstLanes(wide ? rest - kLanes : rest)};
      (wide ? kWide.run : kNarrow.run)[rows - 1](b, t);
    }
  }
}

}  // namespace

extern const ConvPairsKernels kConvPairsAvx512Bf16 = {&PackPairs, &Outer,  nullptr, 0,
                                                      0,          nullptr, nullptr};

}  // namespace autograd::kernels
