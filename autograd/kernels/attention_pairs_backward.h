// The backward pass of attention_pairs.h, with keys in the lanes, as in attention_backward.h: for a
// few queries and a panel of 32 keys, probabilities and gradients of scores go to scratch as pairs
// of queries, from where dv and dk take sums over queries; the gradients of scores also as rows of
// 32 keys, from where dq takes sums over keys.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_PAIRS_BACKWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_PAIRS_BACKWARD_H_

#include <stdint.h>

#include "autograd/kernels/attention_avx512.h"
#include "autograd/kernels/attention_pairs.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels {
namespace {

class PairsBackward : protected AttentionPairs {
 protected:
  static constexpr int64_t kWidth = 2 * kLanes;
  // At most this many are taken together.
  static constexpr int64_t kBlockQueries = 32;

  // What is kept of a panel of keys. Elements that a vector does not have, and keys beyond the last
  // one, are 0.
  struct alignas(64) Panel {
    __m512i k[4][2], v[4][2];  // element pairs by key
    __m512 dk[kElements][2], dv[kElements][2];
  };

 public:
  // In floats.
  static int64_t Scratch(const AttentionHeadSize& size) {
    const int64_t panels = RoundUp(size.keys, kWidth) / kWidth;
    return CommonScratch(size) + RoundUp(size.queries, kBlockQueries) * kElements +
           static_cast<int64_t>(sizeof(Scores)) / 4 +
           panels * static_cast<int64_t>(sizeof(Rows) + sizeof(Columns)) / 4;
  }

  static void Run(const AttentionHeadBackward<BFloat16>& head, float* scratch) {
    PairsBackward pass(head, scratch);
    pass.PackQueries();
    pass.PackKeys();
    pass.PackForSums();
    for (int64_t query = 0; query < head.size.queries; query += kBlockQueries) {
      pass.QueryBlock(query);
    }
    pass.StoreKeys();
  }

 protected:
  PairsBackward(const AttentionHeadBackward<BFloat16>& head, float* scratch)
      : head_(head),
        queries_(RoundUp(head.size.queries, kBlockQueries)),
        panels_((head.size.keys + kWidth - 1) / kWidth) {
    keys_ = reinterpret_cast<Panel*>(scratch);
    q_ = reinterpret_cast<BFloat16*>(keys_ + panels_);
    g_ = q_ + queries_ * kElements;
    k_ = g_ + queries_ * kElements;
    other_ = k_ + panels_ * kWidth * kElements;
    sums_ = reinterpret_cast<float*>(other_ + (queries_ + panels_ * kWidth) * kElements);
    shifts_ = sums_ + queries_;
  }

  // Without what follows shifts_.
  static int64_t CommonScratch(const AttentionHeadSize& size) {
    const int64_t queries = RoundUp(size.queries, kBlockQueries);
    const int64_t keys = RoundUp(size.keys, kWidth);
    return keys / kWidth * static_cast<int64_t>(sizeof(Panel)) / 4 +
           (3 * queries + 2 * keys) * kElements / 2 + 2 * queries;
  }

  // Where there is no query all is 0, and so is what it adds to dk and dv.
  void PackQueries() {
    const AttentionHeadSize& size = head_.size;
    CopyRows(head_.q, size.queries, queries_, size.head, q_);
    CopyRows(head_.out_grad, size.queries, queries_, size.value, g_);
    CopyRows(head_.out, size.queries, queries_, size.value, other_);
    const __m512 unit = _mm512_set1_ps(-kLog2E);
    for (int64_t i = 0; i < queries_; i += kLanes) {
      __m512i g[4], out[4];
      ElementPairs(g_ + i * kElements, g);
      ElementPairs(other_ + i * kElements, out);
      __m512 shift = _mm512_setzero_ps();
      for (int x = 0; x < 4; ++x) shift = Dot(g[x], out[x], shift);
      _mm512_storeu_ps(shifts_ + i, -shift);
      const int64_t rest = size.queries - i;
      const __m512 sums = rest > 0 ? Avx512F32::LoadPartial(head_.log_sum_exp + i, Lanes(rest))
                                   : _mm512_setzero_ps();
      _mm512_storeu_ps(sums_ + i, unit * sums);
    }
  }

  void PackKeys() {
    const AttentionHeadSize& size = head_.size;
    const int64_t padded = panels_ * kWidth;
    __m512i pairs[4];
    CopyRows(head_.k, size.keys, padded, size.head, k_);
    for (int64_t i = 0; i < 2 * panels_; ++i) {
      Panel& panel = keys_[i / 2];
      ElementPairs(k_ + i * kLanes * kElements, pairs);
      for (int x = 0; x < 4; ++x) panel.k[x][i % 2] = pairs[x];
      for (int x = 0; x < kElements; ++x) {
        panel.dk[x][i % 2] = panel.dv[x][i % 2] = _mm512_setzero_ps();
      }
    }
    CopyRows(head_.v, size.keys, padded, size.value, other_);
    for (int64_t i = 0; i < 2 * panels_; ++i) {
      ElementPairs(other_ + i * kLanes * kElements, pairs);
      for (int x = 0; x < 4; ++x) keys_[i / 2].v[x][i % 2] = pairs[x];
    }
  }

  // The lower halves of the lanes.
  static void StoreColumn(__m512i x, BFloat16* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(x));
  }

  void StoreKeys() const {
    const AttentionHeadSize& size = head_.size;
    const __m512 scale = _mm512_set1_ps(head_.scale);
    for (int64_t key = 0; key < size.keys; key += kLanes) {
      const Panel& panel = keys_[key / kWidth];
      __m512 dk[kElements], dv[kElements];
      for (int x = 0; x < kElements; ++x) {
        dk[x] = scale * panel.dk[x][key / kLanes % 2];
        dv[x] = panel.dv[x][key / kLanes % 2];
      }
      if (head_.dk.data != nullptr) StoreVectors(dk, key, size.keys, size.head, head_.dk);
      if (head_.dv.data != nullptr) StoreVectors(dv, key, size.keys, size.value, head_.dv);
    }
  }

  const AttentionHeadBackward<BFloat16>& head_;
  const int64_t queries_, panels_;
  Panel* keys_;
  BFloat16 *q_, *g_, *k_;  // dense rows
  BFloat16* other_;        // rows that are not needed for long
  float *sums_, *shifts_;  // -L in units of log 2, and -D

 private:
  // Queries whose scores are computed side by side.
  static constexpr int kRows = 4;

  // Pairs of probabilities and of gradients of scores, by pairs of queries and by keys.
  struct alignas(64) Scores {
    __m512i p[kBlockQueries / 2][2], ds[kBlockQueries / 2][2];
  };
  // Gradients of the scores of a panel by query and key.
  using Rows = __m512i[kBlockQueries];
  // A panel of k by element.
  using Columns = __m512i[kElements];

  void PackForSums() {
    scores_ = reinterpret_cast<Scores*>(shifts_ + queries_);
    rows_ = reinterpret_cast<Rows*>(scores_ + 1);
    columns_ = reinterpret_cast<Columns*>(rows_ + panels_);
    q_pairs_ = reinterpret_cast<BFloat16*>(columns_ + panels_);
    g_pairs_ = q_pairs_ + queries_ * kElements;
    VectorPairs(q_, queries_, q_pairs_);
    VectorPairs(g_, queries_, g_pairs_);
    for (int64_t i = 0; i < panels_; ++i) {
      auto* columns = reinterpret_cast<BFloat16*>(columns_[i]);
      for (int x = 0; x < kElements / 2; ++x, columns += 2 * kWidth) {
        for (int v = 0; v < 2; ++v) {
          const __m512i pairs = keys_[i].k[x][v];
          StoreColumn(pairs, columns + v * kLanes);
          StoreColumn(_mm512_srli_epi32(pairs, 16), columns + kWidth + v * kLanes);
        }
      }
    }
  }

  // What the queries from `query` on have to do with all keys.
  void QueryBlock(int64_t query) {
    const int64_t rest = RoundUp(head_.size.queries - query, kRows);
    const int64_t count = rest < kBlockQueries ? rest : kBlockQueries;
    for (int64_t i = 0; i < panels_; ++i) {
      // The second vector of the last panel may be beyond the last key.
      head_.size.keys - i* kWidth > kLanes ? PanelBlock<2>(i, query, count)
                                           : PanelBlock<1>(i, query, count);
    }
    if (head_.dq.data == nullptr) return;
    for (int64_t r = 0; r < count && query + r < head_.size.queries; r += 2) {
      QueryGradients(r, query + r);
    }
  }

  template <int kVecs>
  void PanelBlock(int64_t i, int64_t query, int64_t count) {
    Panel& panel = keys_[i];
    const int64_t seen = head_.size.keys - i * kWidth - (kVecs - 1) * kLanes;
    const __mmask16 last = Avx512F32::FirstLanes(Lanes(seen));
    for (int64_t r = 0; r < count; r += kRows)
      ScoreRows<kVecs>(panel, rows_[i], query + r, r, last);
    AddOverQueries<kVecs>(scores_->p, g_pairs_ + query * kElements, count, panel.dv);
    AddOverQueries<kVecs>(scores_->ds, q_pairs_ + query * kElements, count, panel.dk);
  }

  // p and ds of kRows queries from `query` on, number r of their block. In the last vector, keys
  // outside `last` are not there.
  template <int kVecs>
  [[gnu::always_inline]] void ScoreRows(const Panel& panel, Rows& rows, int64_t query, int64_t r,
                                        __mmask16 last) {
    const __m512 scale = _mm512_set1_ps(head_.scale * kLog2E), low = _mm512_set1_ps(-126);
    __m512 p[kRows][kVecs], ds[kRows][kVecs];
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) {
        p[i][v] = _mm512_setzero_ps();
        ds[i][v] = _mm512_set1_ps(shifts_[query + i]);
      }
    }
    Multiply<kVecs>(q_ + query * kElements, panel.k, p);
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        const __m512 t = _mm512_fmadd_ps(p[i][v], scale, _mm512_set1_ps(sums_[query + i]));
        // NaN stays.
        p[i][v] = Exp2(_mm512_max_ps(low, t));
        if (v == kVecs - 1) p[i][v] = _mm512_maskz_mov_ps(last, p[i][v]);
      }
    }
    Multiply<kVecs>(g_ + query * kElements, panel.v, ds);
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) ds[i][v] = p[i][v] * ds[i][v];
      rows[r + i] = Round(ds[i][0], kVecs == 2 ? ds[i][kVecs - 1] : _mm512_setzero_ps());
    }
#pragma GCC unroll 2
    for (int i = 0; i < kRows / 2; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        scores_->p[r / 2 + i][v] = Interleave(p[2 * i][v], p[2 * i + 1][v]);
        scores_->ds[r / 2 + i][v] = Interleave(ds[2 * i][v], ds[2 * i + 1][v]);
      }
    }
  }

  // acc += products of kRows vectors with those of a panel.
  template <int kVecs>
  [[gnu::always_inline]] static void Multiply(const BFloat16* rows, const __m512i (&pairs)[4][2],
                                              __m512 (&acc)[kRows][kVecs]) {
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        const __m512i row = Broadcast(rows + i * kElements + 2 * x);
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) acc[i][v] = Dot(pairs[x][v], row, acc[i][v]);
      }
    }
  }

  // grads += sums over queries of their `scores` times their vectors, which come in pairs.
  template <int kVecs>
  static void AddOverQueries(const __m512i (*scores)[2], const BFloat16* pairs, int64_t count,
                             __m512 (&grads)[kElements][2]) {
    __m512 acc[kElements][kVecs];
    for (int x = 0; x < kElements; ++x) {
      for (int v = 0; v < kVecs; ++v) acc[x][v] = grads[x][v];
    }
    for (int64_t i = 0; i < count / 2; ++i, ++scores, pairs += 2 * kElements) {
#pragma GCC unroll 8
      for (int x = 0; x < kElements; ++x) {
        const __m512i pair = Broadcast(pairs + 2 * x);
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) acc[x][v] = Dot((*scores)[v], pair, acc[x][v]);
      }
    }
    for (int x = 0; x < kElements; ++x) {
      for (int v = 0; v < kVecs; ++v) grads[x][v] = acc[x][v];
    }
  }

  // dq of the queries `query` and the next one, numbers r and r + 1 of their block.
  void QueryGradients(int64_t r, int64_t query) const {
    __m512 acc[2 * kElements];
#pragma GCC unroll 16
    for (int x = 0; x < 2 * kElements; ++x) acc[x] = _mm512_setzero_ps();
    for (int64_t i = 0; i < panels_; ++i) {
      const __m512i a = rows_[i][r], b = rows_[i][r + 1];
#pragma GCC unroll 8
      for (int x = 0; x < kElements; ++x) {
        const __m512i column = columns_[i][x];
        acc[x] = Dot(a, column, acc[x]);
        acc[kElements + x] = Dot(b, column, acc[kElements + x]);
      }
    }
    const __m512 sums = _mm512_set1_ps(head_.scale) * LaneSums<Avx512F32>::Of(acc);
    const __m256i both = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sums));
    const int64_t n = head_.size.head;
    StorePartialRow(head_.dq[query], _mm256_castsi256_si128(both), n);
    if (query + 1 < head_.size.queries)
      StorePartialRow(head_.dq[query + 1], _mm256_extracti128_si256(both, 1), n);
  }

  Scores* scores_ = nullptr;  // of a block of queries and a panel of keys
  Rows* rows_ = nullptr;      // by panel
  Columns* columns_ = nullptr;
  BFloat16 *q_pairs_ = nullptr, *g_pairs_ = nullptr;  // pairs of vectors
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_PAIRS_BACKWARD_H_
