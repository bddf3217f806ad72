// The backward pass of attention_pairs.h by AMX tiles: scores, their gradients and all sums are
// products of tiles, in blocks of 32 queries and 32 keys; exponentials and what is between are as
// there.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_

#include <stdint.h>

#include "autograd/kernels/amx_tile.h"
#include "autograd/kernels/attention_pairs_backward.h"

namespace autograd::kernels {
namespace {

class TilesBackward : PairsBackward {
 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    return (static_cast<int64_t>(sizeof(Buffers)) + KeyBytes(size)) / 4 +
           PairsBackward::Scratch(size);
  }

  static void Run(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    TilesBackward pass(head, scratch);
    pass.PackQueries();
    pass.PackKeys();
    pass.PackKeyPairs();
    const TileConfig config = Config();
    ConfigureTiles(config);
    for (int64_t query = 0; query < head.size.queries; query += kWidth) pass.QueryBlock(query);
    ReleaseTiles();
    pass.StoreKeys();
  }

 private:
  // Tiles 0 and 1 are sums by query, 2 sums by element, 3 queries, 4 elements of 32 queries, 5 ds
  // of 16 queries, 6 keys or values by element pairs, 7 pairs of probabilities, of ds, or of keys.
  static constexpr TileConfig Config() {
    TileConfig config = FullTiles();
    config.rows[2] = config.rows[4] = kElements;
    config.row_bytes[3] = kElements * sizeof(BFloat16);
    config.rows[6] = kElements / 2;
    return config;
  }
  static constexpr int64_t kRowBytes = kElements * sizeof(BFloat16);
  // From one pair of keys to the next. Their 8 pairs of elements take half of a tile's row, but a
  // row that crosses cache lines is loaded several times slower.
  static constexpr int64_t kPairElements = kTileBytes / sizeof(BFloat16);

  struct alignas(64) Buffers {
    float scores[2][kWidth][kWidth], grads[2][kWidth][kWidth];  // of two panels, in turn
    float dq[kLanes][kLanes];
    BFloat16 q[kElements][kWidth], g[kElements][kWidth];  // of a block of queries
  };

  TilesBackward(const AttentionHeadBackward<BFloat16>& head, float* scratch)
      : PairsBackward(head, scratch + (sizeof(Buffers) + KeyBytes(head.size)) / 4),
        buffers_(reinterpret_cast<Buffers*>(scratch)),
        k_pairs_(reinterpret_cast<BFloat16*>(buffers_ + 1)) {}

  // Of k_pairs_.
  static int64_t KeyBytes(const AttentionHeadSize& size) {
    return RoundUp(size.keys, kWidth) / 2 * kTileBytes;
  }

  void PackKeyPairs() {
    const int64_t padded = panels_ * kWidth;
    CopyRows(head_.k, head_.size.keys, padded, head_.size.head, other_);
    VectorPairs(other_, padded, k_pairs_, kPairElements);
  }

  // What 32 queries from `query` on have to do with all keys.
  void QueryBlock(int64_t query) {
    Columns(q_ + query * kElements, buffers_->q);
    Columns(g_ + query * kElements, buffers_->g);
    PanelProducts(0, query);
    for (int64_t i = 0; i < panels_; ++i) {
      Panel& panel = keys_[i];
      // Products take long: the next panel's are under way during this one's exponentials.
      if (i + 1 < panels_) PanelProducts(i + 1, query);
      Scores(i, query);
      AddOverQueries(buffers_->g, scores_->p, panel.dv);
      AddOverQueries(buffers_->q, scores_->ds, panel.dk);
    }
    if (head_.dq.data == nullptr) return;
    for (int64_t r = 0; r < kWidth && query + r < head_.size.queries; r += kLanes) {
      QueryGradients(r, query + r);
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

  // Scores and gradients of p of 32 queries and panel i.
  void PanelProducts(int64_t i, int64_t query) {
    Products(q_ + query * kElements, keys_[i].k, buffers_->scores[i % 2]);
    Products(g_ + query * kElements, keys_[i].v, buffers_->grads[i % 2]);
  }

  // Of 32 vectors with those of a panel.
  static void Products(const BFloat16* rows, const __m512i (&pairs)[4][2],
                       float (&products)[kWidth][kWidth]) {
    for (int half = 0; half < 2; ++half) {
      float* to = products[half * kLanes];
      LoadTile<3>(rows + half * kLanes * kElements, kRowBytes);
      ZeroTile<0>();
      LoadTile<6>(&pairs[0][0], 128);
      DotTiles<0, 3, 6>();
      ZeroTile<1>();
      LoadTile<6>(&pairs[0][1], 128);
      DotTiles<1, 3, 6>();
      StoreTile<0>(to, kWidth * 4);
      StoreTile<1>(to + kLanes, kWidth * 4);
    }
  }

  // p and ds from what PanelProducts computed.
  void Scores(int64_t i, int64_t query) {
    const auto& scores = buffers_->scores[i % 2];
    const auto& grads = buffers_->grads[i % 2];
    const int64_t rest = head_.size.keys - i * kWidth;
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E), low = _mm512_set1_ps(-126);
    for (int64_t r = 0; r < kWidth; r += 2) {
      __m512 p[2][2], ds[2][2];
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        const __m512 sum = _mm512_set1_ps(sums_[query + r + j]);
        const __m512 shift = _mm512_set1_ps(shifts_[query + r + j]);
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
          const __m512 score = _mm512_load_ps(&scores[r + j][v * kLanes]);
          // NaN stays.
          p[j][v] = Exp2(_mm512_max_ps(low, _mm512_fmadd_ps(score, scale, sum)));
          p[j][v] = _mm512_maskz_mov_ps(Avx512F32::FirstLanes(Lanes(rest - v * kLanes)), p[j][v]);
          ds[j][v] = p[j][v] * (_mm512_load_ps(&grads[r + j][v * kLanes]) + shift);
        }
        rows_[i][r + j] = Round(ds[j][0], ds[j][1]);
      }
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        scores_->p[r / 2][v] = Interleave(p[0][v], p[1][v]);
        scores_->ds[r / 2][v] = Interleave(ds[0][v], ds[1][v]);
      }
    }
  }

  // grads += sums over 32 queries of their `scores` times their vectors.
  static void AddOverQueries(const BFloat16 (&columns)[kElements][kWidth],
                             const __m512i (&scores)[kBlockQueries / 2][2],
                             __m512 (&grads)[kElements][2]) {
    LoadTile<4>(columns, kWidth * sizeof(BFloat16));
    for (int v = 0; v < 2; ++v) {
      LoadTile<2>(&grads[0][v], 128);
      LoadTile<7>(&scores[0][v], 128);
      DotTiles<2, 4, 7>();
      StoreTile<2>(&grads[0][v], 128);
    }
  }

  // dq of 16 queries from `query` on, number r of their block.
  void QueryGradients(int64_t r, int64_t query) const {
    ZeroTile<0>();
    for (int64_t i = 0; i < panels_; ++i) {
      LoadTile<5>(&rows_[i][r], 64);
      // The second halves of the rows count for columns that nobody looks at.
      LoadTile<7>(k_pairs_ + i * kWidth / 2 * kPairElements, kTileBytes);
      DotTiles<0, 5, 7>();
    }
    StoreTile<0>(buffers_->dq, 64);
    const __m256 scale = _mm256_set1_ps(head_.scale);
    for (int64_t j = 0; j < kLanes && query + j < head_.size.queries; ++j) {
      const __m256 dq = scale * _mm256_load_ps(buffers_->dq[j]);
      StorePartialRow(head_.dq[query + j], reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(dq)),
                      head_.size.head);
    }
  }

  Buffers* buffers_;
  BFloat16* k_pairs_;  // pairs of keys
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILES_BACKWARD_H_
