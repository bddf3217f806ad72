// The backward pass of attention_pairs.h by AMX tiles: scores, their gradients and all sums are
// products of tiles, in blocks of 32 queries and 16 keys; exponentials and what is between are
// vectors.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_

#include <stdint.h>

#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/attention_pairs_backward.h"
#include "autograd/kernels/attention_tiles.h"

namespace autograd::kernels {
namespace {

class TilesBackward : PairsBackward {
 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    return OwnScratch(size) + CommonScratch(size);
  }

  static void Run(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    TilesBackward pass(head, scratch);
    pass.PackQueries();
    pass.PackKeys();
    pass.PackKeyRows();
    pass.PackColumns();
    const TileConfig config = Config();
    ConfigureTiles(config);
    pass.Blocks();
    ReleaseTiles();
    pass.StoreKeys();
    if (head.dq.data != nullptr) pass.StoreQueries();
  }

 private:
  // Tile 0 is scores, gradients of p or rows of keys, 1 dq of 32 queries, 2 dv and 3 dk of 16 keys
  // by element, 4 elements of 32 queries or of their gradients of out, 5 rows of 16 of those, 6
  // keys or values by element pairs, 7 pairs of p or of ds.
  static constexpr TileConfig Config() {
    TileConfig config = FullTiles();
    config.rows[2] = config.rows[3] = config.rows[4] = kElements;
    config.row_bytes[5] = kElements * sizeof(BFloat16);
    config.rows[6] = kElements / 2;
    return config;
  }

  // Of 32 queries.
  struct alignas(64) Queries {
    BFloat16 q[kElements][kWidth], g[kElements][kWidth];
    float dq[kLanes][2][kElements];
  };
  // A row for each of 16 keys: the pairs (k_x, 0), then the pairs (0, k_x). A row of pairs of ds,
  // of two queries by key, times them is the gradient of the first query, then the second one's. (A
  // number that is not finite in one of the two reaches both, by its product with 0.)
  using KeyRows = __m512i[kLanes];
  // The numbers of a block of 32 queries and one of 16 keys.
  struct Block {
    int64_t queries, keys;
  };
  // Of two blocks, in turn.
  struct alignas(64) Buffers {
    float products[2][2][kWidth][kLanes];  // scores and gradients of p
    __m512i pairs[2][2][kWidth / 2];       // of p and of ds, by pairs of queries
  };
  // Pairs of a block are computed in so many parts, of so many queries.
  static constexpr int kParts = 4;
  static constexpr int64_t kPartRows = kWidth / kParts;

  static int64_t OwnScratch(const AttentionHeadSize& size) {
    const int64_t panels = RoundUp(size.keys, kWidth) / kWidth;
    const int64_t blocks = RoundUp(size.queries, kWidth) / kWidth;
    return (static_cast<int64_t>(sizeof(Buffers)) +
            2 * panels * static_cast<int64_t>(sizeof(KeyRows)) +
            blocks * static_cast<int64_t>(sizeof(Queries))) /
           4;
  }

  TilesBackward(const AttentionHeadBackward<BFloat16>& head, float* scratch)
      : PairsBackward(head, scratch + OwnScratch(head.size)),
        buffers_(reinterpret_cast<Buffers*>(scratch)),
        key_rows_(reinterpret_cast<KeyRows*>(buffers_ + 1)),
        queries_by_block_(reinterpret_cast<Queries*>(key_rows_ + 2 * panels_)) {}

  void PackKeyRows() {
    for (int64_t key = 0; key < panels_ * kWidth; ++key) {
      const __m256i row = _mm256_cvtepu16_epi32(LoadRow(k_ + key * kElements));
      key_rows_[key / kLanes][key % kLanes] =
          _mm512_inserti64x4(_mm512_castsi256_si512(row), _mm256_slli_epi32(row, 16), 1);
    }
  }

  void PackColumns() {
    for (int64_t query = 0; query < queries_; query += kWidth) {
      Queries& block = queries_by_block_[query / kWidth];
      Columns(q_ + query * kElements, block.q);
      Columns(g_ + query * kElements, block.g);
    }
  }

  // 32 vectors by element.
  static void Columns(const BFloat16* rows, BFloat16 (&columns)[kElements][kWidth]) {
    for (int half = 0; half < 2; ++half) {
      __m512i pairs[4];
      ElementPairs(rows + half * kLanes * kElements, pairs);
      for (int x = 0; x < 4; ++x) {
        StoreColumn(pairs[x], &columns[2 * x][half * kLanes]);
        StoreColumn(_mm512_srli_epi32(pairs[x], 16), &columns[2 * x + 1][half * kLanes]);
      }
    }
  }

  // Products take long, and what was written is loaded as a tile only once it is in the cache. So a
  // block's pairs are computed in parts, and between them products of the next block are begun and
  // ended, and sums over the last one.
  void Blocks() {
    const int64_t query_blocks = queries_ / kWidth;
    const int64_t steps = query_blocks * ((head_.size.keys + kLanes - 1) / kLanes);
    Block last = {}, block = {}, next = {};
    for (int part = 0; part < kParts; ++part) {
      BeginProduct(block, part);
      EndProduct(part, 0);
    }
    for (int64_t step = 0; step < steps; ++step, last = block, block = next) {
      const auto turn = static_cast<int>(step % 2);
      next = block.queries + 1 < query_blocks ? Block{block.queries + 1, block.keys}
                                              : Block{0, block.keys + 1};
      const bool has_next = step + 1 < steps, has_last = step > 0;
#pragma GCC unroll 4
      for (int part = 0; part < kParts; ++part) {
        if (has_next) BeginProduct(next, part);
        if (has_last) Sums(last, part, turn ^ 1);
        PairsOf(block, part, turn);
        if (has_next) EndProduct(part, turn ^ 1);
        if (has_last && part == 2) AddToQueries(last);
      }
    }
    for (int part = 0; part < kParts; ++part) {
      Sums(last, part, static_cast<int>((steps - 1) % 2));
      if (part == 2) AddToQueries(last);
    }
  }

  // One of the four tiles of the block's scores and of the gradients of p.
  [[gnu::always_inline]] void BeginProduct(const Block& block, int part) const {
    const Panel& panel = keys_[block.keys / 2];
    const int64_t query = block.queries * kWidth + part / 2 * kLanes;
    const bool is_grad = part % 2 == 1;
    ZeroTile<0>();
    LoadTile<5>((is_grad ? g_ : q_) + query * kElements, kElements * sizeof(BFloat16));
    LoadTile<6>(&(is_grad ? panel.v : panel.k)[0][block.keys % 2], 128);
    DotTiles<0, 5, 6>();
  }
  [[gnu::always_inline]] void EndProduct(int part, int turn) const {
    StoreTile<0>(buffers_->products[turn][part % 2][part / 2 * kLanes], kTileBytes);
  }

  // Pairs of p and ds of 8 queries.
  [[gnu::always_inline]] void PairsOf(const Block& block, int part, int turn) const {
    const int64_t first = part * kPartRows, query = block.queries * kWidth + first;
    auto& pairs = buffers_->pairs[turn];
    const auto& products = buffers_->products[turn];
    __m512i *p = &pairs[0][first / 2], *ds = &pairs[1][first / 2];
    const int64_t rest = head_.size.keys - block.keys * kLanes;
    if (query >= head_.size.queries) {
      for (int64_t r = 0; r < kPartRows / 2; ++r) p[r] = ds[r] = _mm512_setzero_si512();
    } else if (rest < kLanes) {
      PairsOf<true>(products[0][first], products[1][first], query, Avx512F32::FirstLanes(rest), p,
                    ds);
    } else {
      PairsOf<false>(products[0][first], products[1][first], query, 0, p, ds);
    }
  }

  // Of 8 queries with 16 keys, of which `keys` are there if kMasked.
  template <bool kMasked>
  [[gnu::always_inline]] void PairsOf(const float* scores, const float* grads, int64_t query,
                                      __mmask16 keys, __m512i* p, __m512i* ds) const {
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E), low = _mm512_set1_ps(-100);
    const float *sums = sums_ + query, *shifts = shifts_ + query;
#pragma GCC unroll 4
    for (int pair = 0; pair < kPartRows / 2; ++pair) {
      __m512 p_rows[2], ds_rows[2];
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        const int row = 2 * pair + j;
        const __m512 score = _mm512_load_ps(scores + row * kLanes);
        const __m512 t = _mm512_fmadd_ps(score, scale, _mm512_set1_ps(sums[row]));
        // NaN stays. 2^-100 counts for nothing, and neither it nor, as a rule, ds is subnormal.
        p_rows[j] = TileExp2(_mm512_max_ps(low, t));
        if constexpr (kMasked) p_rows[j] = _mm512_maskz_mov_ps(keys, p_rows[j]);
        const __m512 grad = _mm512_load_ps(grads + row * kLanes);
        ds_rows[j] = p_rows[j] * (grad + _mm512_set1_ps(shifts[row]));
      }
      p[pair] = TilePairs(p_rows[0], p_rows[1]);
      ds[pair] = TilePairs(ds_rows[0], ds_rows[1]);
    }
  }

  // A part of the sums over a block: dv and dk of its keys, which stay in tiles for all queries,
  // and dq of its queries, to which AddToQueries adds between parts 2 and 3: the pairs of ds are
  // still in tile 7 then, and tile 0 is free.
  [[gnu::always_inline]] void Sums(const Block& block, int part, int turn) const {
    Panel& panel = keys_[block.keys / 2];
    Queries& queries = queries_by_block_[block.queries];
    const int64_t v = block.keys % 2;
    const bool is_last = (block.queries + 1) * kWidth == queries_;
    switch (part) {
      case 0:
        SumOverQueries<2>(block, queries.g, buffers_->pairs[turn][0]);
        break;
      case 1:
        SumOverQueries<3>(block, queries.q, buffers_->pairs[turn][1]);
        break;
      case 2:
        block.keys == 0 ? ZeroTile<1>() : LoadTile<1>(queries.dq, kTileBytes);
        break;
      default:
        StoreTile<1>(queries.dq, kTileBytes);
        if (is_last) {
          StoreTile<2>(&panel.dv[0][v], 128);
          StoreTile<3>(&panel.dk[0][v], 128);
        }
    }
  }

  // Tile kSum, from 0 on at the first block of queries, += their elements times their `pairs`.
  template <int kSum>
  [[gnu::always_inline]] static void SumOverQueries(const Block& block,
                                                    const BFloat16 (&elements)[kElements][kWidth],
                                                    const __m512i* pairs) {
    if (block.queries == 0) ZeroTile<kSum>();
    LoadTile<4>(elements, kWidth * sizeof(BFloat16));
    LoadTile<7>(pairs, kTileBytes);
    DotTiles<kSum, 4, 7>();
  }

  // Tile 1 += the pairs of ds in tile 7 times the block's keys.
  [[gnu::always_inline]] void AddToQueries(const Block& block) const {
    LoadTile<0>(key_rows_[block.keys], kTileBytes);
    DotTiles<1, 7, 0>();
  }

  void StoreQueries() const {
    const __m256 scale = _mm256_set1_ps(head_.scale);
    for (int64_t query = 0; query < head_.size.queries; ++query) {
      const auto& block = queries_by_block_[query / kWidth].dq[query % kWidth / 2];
      const __m256 dq = scale * _mm256_load_ps(block[query % 2]);
      StorePartialRow(head_.dq[query], reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(dq)),
                      head_.size.head);
    }
  }

  Buffers* buffers_;
  KeyRows* key_rows_;  // by panel and half
  Queries* queries_by_block_;
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_
