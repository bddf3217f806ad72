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
#include "autograd/kernels/attention_tiles.h"

namespace autograd::kernels {
namespace {

class TilesForward : PairsForward {
 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    return OwnScratch(size) + CommonScratch(size);
  }

  // False, with nothing written, where scores may be large.
  static bool Run(const AttentionHead<BFloat16>& head, float* scratch) {
    TilesForward pass(head, scratch);
    if (!pass.Moderate()) return false;
    pass.PackKeys();
    const TileConfig config = Config();
    ConfigureTiles(config);
    pass.Blocks();
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

  // What is kept of 32 keys, 0 where there is none.
  struct alignas(64) KeyBlock {
    __m512i k[2][kElements / 2];  // element pairs of 16 keys
    __m256i v[kLanes];            // pairs of the values i and i + 16
  };
  // A block of 16 queries and one of 32 keys, by their first ones.
  struct Block {
    int64_t query, key;
  };
  // Of two blocks, in turn.
  struct alignas(64) Buffers {
    float scores[2][kLanes][kBlockKeys];
    __m512i p[2][kLanes];
    __m512 sums[2][kLanes];  // of blocks of queries
    float out[kLanes][kElements];
  };

  static int64_t OwnScratch(const AttentionHeadSize& size) {
    const int64_t blocks = RoundUp(size.keys, kBlockKeys) / kBlockKeys;
    return (static_cast<int64_t>(sizeof(Buffers)) +
            blocks * static_cast<int64_t>(sizeof(KeyBlock))) /
           4;
  }

  TilesForward(const AttentionHead<BFloat16>& head, float* scratch)
      : PairsForward(head, scratch + OwnScratch(head.size)),
        buffers_(reinterpret_cast<Buffers*>(scratch)),
        keys_(reinterpret_cast<KeyBlock*>(buffers_ + 1)) {}

  void PackKeys() {
    for (int64_t key = 0; key < head_.size.keys; key += kBlockKeys) {
      KeyBlock& block = keys_[key / kBlockKeys];
      ElementPairs(k_ + key * kElements, block.k[0]);
      ElementPairs(k_ + (key + kLanes) * kElements, block.k[1]);
      const BFloat16* values = values_ + key * kElements;
      for (int i = 0; i < kLanes; ++i, values += kElements) {
        const __m128i a = LoadRow(values), b = LoadRow(values + kLanes * kElements);
        block.v[i] = _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b));
      }
    }
  }

  // Products take long, and what was written is loaded as a tile only once it is in the cache. So
  // while the exponentials of a block are computed, the scores of the next one are under way, and
  // what the last one's probabilities weigh.
  void Blocks() {
    Block last = {}, block = {};
    Scores(block, 0);
    int turn = 0;
    for (; block.query < head_.size.queries; turn ^= 1) {
      const Block next = After(block);
      if (next.query < head_.size.queries) Scores(next, turn ^ 1);
      Exponentials(block, turn);
      if (block.query + block.key > 0) Weigh(last, turn ^ 1);
      last = block;
      block = next;
    }
    Weigh(last, turn ^ 1);
  }

  Block After(const Block& block) const {
    const int64_t key = block.key + kBlockKeys;
    return key < head_.size.keys ? Block{block.query, key} : Block{block.query + kLanes, 0};
  }
  // Whether the second 16 keys of the block are beyond the last one.
  bool IsHalf(const Block& block) const { return head_.size.keys - block.key <= kLanes; }

  void Scores(const Block& block, int turn) {
    const KeyBlock& keys = keys_[block.key / kBlockKeys];
    float* to = buffers_->scores[turn][0];
    if (block.key == 0) LoadTile<3>(q_ + block.query * kElements, kElements * sizeof(BFloat16));
    ZeroTile<0>();
    LoadTile<4>(keys.k[0], 64);
    DotTiles<0, 3, 4>();
    if (!IsHalf(block)) {
      ZeroTile<1>();
      LoadTile<5>(keys.k[1], 64);
      DotTiles<1, 3, 5>();
      StoreTile<1>(to + kLanes, kBlockKeys * 4);
    }
    StoreTile<0>(to, kBlockKeys * 4);
  }

  void Exponentials(const Block& block, int turn) {
    const int64_t rest = head_.size.keys - block.key;
    if (rest >= kBlockKeys) return Exponentials<2>(block, turn, 0xffff);
    const __mmask16 there = Avx512F32::FirstLanes(rest > kLanes ? rest - kLanes : rest);
    IsHalf(block) ? Exponentials<1>(block, turn, there) : Exponentials<2>(block, turn, there);
  }

  // Of one or two vectors of keys, of which the last one's `there` exist. Rows of p beyond the last
  // query stay as they were: they count for rows of results that nobody reads.
  template <int kVecs>
  [[gnu::always_inline]] void Exponentials(const Block& block, int turn, __mmask16 there) {
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E);
    const auto& scores = buffers_->scores[turn];
    __m512i* p = buffers_->p[turn];
    __m512* sums = buffers_->sums[block.query / kLanes % 2];
    const int64_t rows = Lanes(head_.size.queries - block.query);
    if (block.key == 0) {
      for (int i = 0; i < kLanes; ++i) sums[i] = _mm512_setzero_ps();
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) {
      __m512 weights[kVecs];
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        weights[v] = TileExp2(scale * _mm512_load_ps(scores[i] + v * kLanes));
      }
      weights[kVecs - 1] = _mm512_maskz_mov_ps(there, weights[kVecs - 1]);
      if constexpr (kVecs == 2) {
        p[i] = TilePairs(weights[0], weights[1]);
        weights[0] = weights[0] + weights[1];
      } else {
        p[i] = TilePairs(weights[0]);
      }
      sums[i] = sums[i] + weights[0];
    }
  }

  void Weigh(const Block& block, int turn) {
    if (block.key == 0) ZeroTile<2>();
    LoadTile<6>(buffers_->p[turn], 64);
    LoadTile<7>(keys_[block.key / kBlockKeys].v, kElements * 2 * sizeof(BFloat16));
    DotTiles<2, 6, 7>();
    if (block.key + kBlockKeys >= head_.size.keys) Finish(block.query);
  }

  void Finish(int64_t first) const {
    StoreTile<2>(buffers_->out[0], kElements * 4);
    const AttentionHeadSize& size = head_.size;
    const int64_t count = Lanes(size.queries - first);
    __m512 rows[kLanes];
    for (int i = 0; i < kLanes; ++i) rows[i] = buffers_->sums[first / kLanes % 2][i];
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
  KeyBlock* keys_;
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILES_FORWARD_H_
