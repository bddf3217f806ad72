// The forward pass of attention_simd.h, with queries in the lanes. For a panel of queries: scores
// with a block of keys go to scratch in the first-level cache together with their maximum, then
// become exponentials, then weigh the values; what earlier blocks left is scaled to the new maximum
// (FlashAttention, arXiv:2205.14135).
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_FORWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_FORWARD_H_

#include <stdint.h>

#include "autograd/kernels/attention_narrow.h"
#include "autograd/kernels/attention_tile.h"

namespace autograd::kernels {
namespace {

template <class V>
class AttentionForwardPass : AttentionTile<V> {
  using Tile = AttentionTile<V>;
  using T = typename V::Scalar;
  using Vec = typename V::Vec;
  using Tile::kColumnRows;
  using Tile::kScoreRows;
  using Tile::kWidth;

  // Their scores with a panel of queries take half of a first-level cache.
  static constexpr int64_t kForwardKeys = 28 * 8;
  static constexpr bool kHasNarrow = Tile::kManyRegisters && sizeof(T) == 4;

 public:
  static int64_t Scratch(const AttentionHeadSize& size) {
    const int64_t keys = Tile::RoundUp(size.keys, kScoreRows);
    const int64_t head = Tile::Padded(size.head), value = Tile::Padded(size.value);
    return Tile::RoundUp(keys * (head + value), 16) + kWidth * (head + value + kForwardKeys);
  }

  static void Run(const AttentionHead<T>& head, T* scratch) {
    AttentionForwardPass pass(head, scratch);
    for (int64_t first = 0; first < head.size.queries; first += kWidth) {
      head.size.queries - first > V::kLanes ? pass.template Panel<2>(first)
                                            : pass.template Panel<1>(first);
    }
  }

 private:
  AttentionForwardPass(const AttentionHead<T>& head, T* scratch)
      : head_(head),
        key_stride_(Tile::Padded(head.size.head)),
        value_stride_(Tile::Padded(head.size.value)) {
    const AttentionHeadSize& size = head.size;
    const int64_t keys = Tile::RoundUp(size.keys, kScoreRows);
    keys_ = scratch;
    values_ = keys_ + keys * key_stride_;
    query_panel_ = scratch + Tile::RoundUp(keys * (key_stride_ + value_stride_), 16);
    out_panel_ = query_panel_ + kWidth * key_stride_;
    scores_ = out_panel_ + kWidth * value_stride_;
    Tile::CopyRows(head.k, size.keys, keys, size.head, Tile::kUnit * head.scale, keys_);
    Tile::CopyRows(head.v, size.keys, keys, size.value, 1, values_);
    if constexpr (kHasNarrow) {
      using Narrow = AttentionNarrow<V>;
      // What is hidden must not matter.
      narrow_ =
          key_stride_ == Narrow::kElements && value_stride_ == Narrow::kElements && !size.causal;
      if (narrow_) max_square_ = Narrow::MaxSquare(keys_, size.keys);
    }
  }

  // The softmax of a panel as far as it is known.
  template <int kVecs>
  struct State {
    Vec max[kVecs], sum[kVecs];
  };

  template <int kVecs>
  void Panel(int64_t first) {
    const AttentionHeadSize& size = head_.size;
    const int64_t last = first + kWidth < size.queries ? first + kWidth : size.queries;
    const int64_t keys = size.causal && last < size.keys ? last : size.keys;
    Tile::PackPanel(head_.q, first, size.queries, size.head, query_panel_);
    State<kVecs> state;
    if (RunNarrow<kVecs>(state)) return Finish<kVecs>(first, last, state);
    for (int v = 0; v < kVecs; ++v)
      state.max[v] = V::Set(-Consts<V>::kInf), state.sum[v] = V::Zero();
    for (int64_t key = 0; key < keys; key += kForwardKeys) {
      const int64_t count = keys - key < kForwardKeys ? keys - key : kForwardKeys;
      Block<kVecs>(first, key, count, state);
    }
    Finish<kVecs>(first, last, state);
  }

  // False if the panel's scores may be large, or its vectors.
  template <int kVecs>
  bool RunNarrow(State<kVecs>& state) {
    if constexpr (kHasNarrow) {
      using Narrow = AttentionNarrow<V>;
      for (int v = 0; v < kVecs; ++v) {
        if (!narrow_ || !Narrow::Moderate(query_panel_ + v * V::kLanes, max_square_)) return false;
      }
      for (int v = 0; v < kVecs; ++v) {
        state.max[v] = V::Zero();
        state.sum[v] = Narrow::Run(query_panel_ + v * V::kLanes, keys_, values_, head_.size.keys,
                                   out_panel_ + v * V::kLanes);
      }
      return true;
    }
    return false;
  }

  // Takes in the keys first_key ... first_key + count - 1.
  template <int kVecs>
  void Block(int64_t first, int64_t first_key, int64_t count, State<kVecs>& state) {
    Vec max[kVecs], before[kVecs];
    for (int v = 0; v < kVecs; ++v) max[v] = state.max[v];
    for (int64_t j = 0; j < count; j += kScoreRows) {
      const int64_t rows = count - j < kScoreRows ? count - j : kScoreRows;
      Scores<kVecs>(first_key + j - first, first_key + j, rows, scores_ + j * kWidth, max);
    }
    for (int v = 0; v < kVecs; ++v) {
      before[v] = Tile::ExpDown(state.max[v] - max[v]);
      state.max[v] = max[v];
      state.sum[v] = state.sum[v] * before[v];
    }
    // Keys up to the panel's first query are seen by all of its queries.
    int64_t clear = head_.size.causal ? first - first_key + 1 : count;
    clear = clear < 0 ? 0 : clear < count ? clear : count;
    for (int64_t j = 0; j < clear; ++j) Exponentials<kVecs, false>(j, 0, state);
    for (int64_t j = clear; j < count; ++j) {
      Exponentials<kVecs, true>(j, first_key + j - first, state);
    }
    for (int64_t x = 0; x < value_stride_; x += kColumnRows) {
      WeighValues<kVecs>(first_key, count, x, first_key > 0, before);
    }
  }

  // Scores of kScoreRows keys, of which `rows` count for the maximum. The first one is key `key`,
  // `ahead` after the panel's first query.
  template <int kVecs>
  [[gnu::always_inline]] void Scores(int64_t ahead, int64_t key, int64_t rows, T* scores,
                                     Vec (&max)[kVecs]) {
    Vec acc[kScoreRows][kVecs] = {};
    Tile::Multiply(keys_ + key * key_stride_, key_stride_, 1, head_.size.head, query_panel_, acc);
    const bool masked = head_.size.causal && ahead + kScoreRows > 1;
#pragma GCC unroll 8
    for (int r = 0; r < kScoreRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        if (masked)
          acc[r][v] =
              V::Select(Tile::LanesBelow(ahead + r, v), V::Set(-Consts<V>::kInf), acc[r][v]);
        V::Store(scores + r * kWidth + v * V::kLanes, acc[r][v]);
        if (r < rows) max[v] = V::Max(max[v], acc[r][v]);
      }
    }
  }

  // Scores of key j of the block become exponentials.
  template <int kVecs, bool kMasked>
  [[gnu::always_inline]] void Exponentials(int64_t j, int64_t ahead, State<kVecs>& state) {
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) {
      T* score = scores_ + j * kWidth + v * V::kLanes;
      Vec p = Tile::ExpDown(V::Load(score) - state.max[v]);
      if (kMasked) p = V::Select(Tile::LanesBelow(ahead, v), V::Zero(), p);
      state.sum[v] = state.sum[v] + p;
      V::Store(score, p);
    }
  }

  // Rows x ... x + kColumnRows - 1 of the panel of results.
  template <int kVecs>
  void WeighValues(int64_t first_key, int64_t count, int64_t x, bool go_on,
                   const Vec (&before)[kVecs]) {
    Vec acc[kColumnRows][kVecs] = {};
    T* out = out_panel_ + x * kWidth;
    if (go_on) {
#pragma GCC unroll 8
      for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) {
          acc[r][v] = before[v] * V::Load(out + r * kWidth + v * V::kLanes);
        }
      }
    }
    Tile::Multiply(values_ + first_key * value_stride_ + x, 1, value_stride_, count, scores_, acc);
#pragma GCC unroll 8
    for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) V::Store(out + r * kWidth + v * V::kLanes, acc[r][v]);
    }
  }

  template <int kVecs>
  void Finish(int64_t first, int64_t last, const State<kVecs>& state) {
    for (int v = 0; v < kVecs; ++v) {
      const Vec factor = V::Set(1) / state.sum[v];
      for (int64_t x = 0; x < head_.size.value; ++x) {
        T* out = out_panel_ + x * kWidth + v * V::kLanes;
        V::Store(out, factor * V::Load(out));
      }
    }
    Tile::UnpackPanel(out_panel_, first, last, head_.size.value, head_.out);
    if (head_.log_sum_exp == nullptr) return;
    for (int v = 0; v < kVecs; ++v) {
      const int64_t at = first + v * V::kLanes;
      const Vec sums = V::Fma(V::Set(1 / Tile::kUnit), state.max[v], Log<V>(state.sum[v]));
      if (last - at >= V::kLanes)
        V::Store(head_.log_sum_exp + at, sums);
      else
        V::StorePartial(head_.log_sum_exp + at, sums, last - at);
    }
  }

  const AttentionHead<T>& head_;
  const int64_t key_stride_, value_stride_;
  bool narrow_ = false;
  T max_square_ = 0;                       // of the keys, times the scale and kUnit, where narrow_
  T *keys_, *values_;                      // dense, keys times the scale and kUnit
  T *query_panel_, *out_panel_, *scores_;  // [element][query], [element][query], [key][query]
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_FORWARD_H_
