// The forward pass of attention_pairs.h by AMX tiles: the scores of 16 queries with 32 keys are two
// products of tiles, their exponentials become a tile of bf16, and that times 32 values is a third.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_TILES_FORWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_TILES_FORWARD_H_

#include <stdint.h>

#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/attention_avx512.h"
#include "autograd/kernels/attention_pairs_forward.h"

namespace autograd::kernels {
namespace {

class TilesForward : PairsForward {
 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    return static_cast<int64_t>(sizeof(Buffers)) / 4 + PairsForward::Scratch(size) +
           RoundUp(size.keys, kBlockKeys) * kElements / 2;
  }

  // False, with nothing written, where scores may be large.
  static bool Run(const AttentionHead<BFloat16>& head, float* scratch) {
    TilesForward pass(head, scratch);
    if (!pass.Moderate()) return false;
    pass.PackKeys();
    const TileConfig config = Config();
    ConfigureTiles(config);
    for (int64_t i = 0; i < head.size.queries; i += kLanes) pass.Queries(i);
    ReleaseTiles();
    return true;
  }

 private:
  // Tiles 0 and 1 are scores, 2 results, 3 queries, 4 and 5 keys, 6 probabilities, 7 values.
  static constexpr TileConfig Config() {
    TileConfig config = FullTiles();
    config.row_bytes[3] = kElements * sizeof(BFloat16);
    config.rows[4] = config.rows[5] = kElements / 2;
    config.row_bytes[2] = config.row_bytes[7] = kElements * 2 * sizeof(BFloat16);
    return config;
  }

  struct alignas(64) Buffers {
    float scores[2][kLanes][kBlockKeys];  // of two blocks of keys, in turn
    __m512i p[kLanes];
    __m512 sums[kLanes];
    float out[kLanes][kElements];
  };

  TilesForward(const AttentionHead<BFloat16>& head, float* scratch)
      : PairsForward(head, scratch + sizeof(Buffers) / 4),
        buffers_(reinterpret_cast<Buffers*>(scratch)),
        k_pairs_(reinterpret_cast<__m512i*>(scratch + sizeof(Buffers) / 4 +
                                            PairsForward::Scratch(head.size))) {}

  void PackKeys() {
    for (int64_t i = 0; i < RoundUp(head_.size.keys, kBlockKeys) / kLanes; ++i) {
      __m512i pairs[4];
      ElementPairs(k_ + i * kLanes * kElements, pairs);
      for (int x = 0; x < 4; ++x) k_pairs_[4 * i + x] = pairs[x];
    }
  }

  void Queries(int64_t first) {
    LoadTile<3>(q_ + first * kElements, kElements * sizeof(BFloat16));
    ZeroTile<2>();
    for (int i = 0; i < kLanes; ++i) buffers_->sums[i] = _mm512_setzero_ps();
    Scores(0);
    for (int64_t key = 0; key < head_.size.keys; key += kBlockKeys) {
      const int64_t rest = head_.size.keys - key;
      // Products take long: the next block's are under way during this one's exponentials.
      if (rest > kBlockKeys) Scores(key + kBlockKeys);
      const auto& scores = ScoresOf(key);
      rest < kBlockKeys ? Exponentials<true>(scores, rest) : Exponentials<false>(scores, rest);
      LoadTile<6>(buffers_->p, 64);
      LoadTile<7>(v_ + key * kElements, 2 * kElements * sizeof(BFloat16));
      DotTiles<2, 6, 7>();
    }
    StoreTile<2>(buffers_->out[0], kElements * 4);
    Finish(first);
  }

  using BlockScores = float[kLanes][kBlockKeys];
  BlockScores& ScoresOf(int64_t key) { return buffers_->scores[key / kBlockKeys % 2]; }

  // Of the queries in tile 3 with the block of keys from `key` on.
  void Scores(int64_t key) {
    const __m512i* keys = k_pairs_ + key / kLanes * 4;
    float* to = ScoresOf(key)[0];
    ZeroTile<0>();
    ZeroTile<1>();
    LoadTile<4>(keys, 64);
    DotTiles<0, 3, 4>();
    LoadTile<5>(keys + 4, 64);
    DotTiles<1, 3, 5>();
    StoreTile<0>(to, kBlockKeys * 4);
    StoreTile<1>(to + kLanes, kBlockKeys * 4);
  }

  // Of the scores of a block, in which `rest` keys are there if kMasked.
  template <bool kMasked>
  void Exponentials(const BlockScores& scores, int64_t rest) {
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E);
    const __mmask16 masks[2] = {Avx512F32::FirstLanes(Lanes(rest)),
                                Avx512F32::FirstLanes(Lanes(rest - kLanes))};
    for (int i = 0; i < kLanes; ++i) {
      __m512 a = Exp2(scale * _mm512_load_ps(scores[i]));
      __m512 b = Exp2(scale * _mm512_load_ps(scores[i] + kLanes));
      if (kMasked) {
        a = _mm512_maskz_mov_ps(masks[0], a);
        b = _mm512_maskz_mov_ps(masks[1], b);
      }
      buffers_->sums[i] = buffers_->sums[i] + (a + b);
      buffers_->p[i] = Round(a, b);
    }
  }

  void Finish(int64_t first) const {
    const AttentionHeadSize& size = head_.size;
    const int64_t count = Lanes(size.queries - first);
    __m512 rows[kLanes];
    for (int i = 0; i < kLanes; ++i) rows[i] = buffers_->sums[i];
    const __m512 sums = LaneSums<Avx512F32>::Of(rows);
    if (head_.log_sum_exp != nullptr)
      Avx512F32::StorePartial(head_.log_sum_exp + first, Log<Avx512F32>(sums), count);
    alignas(64) float factors[kLanes];
    _mm512_store_ps(factors, _mm512_set1_ps(1) / sums);
    for (int64_t i = 0; i < count; ++i) {
      const __m256 out = _mm256_load_ps(buffers_->out[i]) * _mm256_set1_ps(factors[i]);
      StorePartialRow(head_.out[first + i], reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(out)),
                      size.value);
    }
  }

  Buffers* buffers_;
  __m512i* k_pairs_;  // element pairs of 16 keys
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILES_FORWARD_H_
