// The backward pass of attention_simd.h, with keys in the lanes. For a few queries and a block of
// keys: probabilities p and gradients ds of scores go to scratch in the first-level cache, from
// where dk and dv take sums over queries and dq takes sums over the keys in the lanes. (With
// queries in the lanes there would be two such sums, which cost more than the others.)
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_BACKWARD_H_
#define AUTOGRAD_KERNELS_ATTENTION_BACKWARD_H_

#include <stdint.h>

#include "autograd/kernels/attention_tile.h"

namespace autograd::kernels {
namespace {

template <class V>
class AttentionBackwardPass : AttentionTile<V> {
  using Tile = AttentionTile<V>;
  using T = typename V::Scalar;
  using Vec = typename V::Vec;
  using Tile::kColumnRows;
  using Tile::kDotColumns;
  using Tile::kDotRows;
  using Tile::kScoreRows;
  using Tile::kWidth;

  // ds of so many queries with so many panels of keys takes half of a first-level cache.
  static constexpr int64_t kBlockQueries = Tile::kManyRegisters ? 28 : 16;
  static constexpr int64_t kBlockPanels = 224 / kWidth;

  struct Layout {
    explicit Layout(const AttentionHeadSize& size)
        : head(Tile::Padded(size.head)),
          value(Tile::Padded(size.value)),
          queries(Tile::RoundUp(size.queries, kBlockQueries)),
          panels((size.keys + kWidth - 1) / kWidth),
          block_panels(panels < kBlockPanels ? panels : kBlockPanels) {}
    // q and dq, the gradient of out, L and D.
    int64_t QueryElements() const { return Tile::RoundUp(queries * (2 * head + value + 2), 16); }
    // k and dk, v and dv of one block.
    int64_t KeyElements() const { return 2 * block_panels * kWidth * (head + value); }
    // ds of one block, and p of one of its panels.
    int64_t ScoreElements() const { return (block_panels + 1) * kBlockQueries * kWidth; }

    int64_t head, value, queries, panels, block_panels;
  };

 public:
  static int64_t Scratch(const AttentionHeadSize& size) {
    const Layout layout(size);
    return layout.QueryElements() + layout.KeyElements() + layout.ScoreElements();
  }

  static void Run(const AttentionHeadBackward<T>& head, T* scratch) {
    AttentionBackwardPass pass(head, scratch);
    pass.PackQueries();
    for (int64_t panel = 0; panel < pass.layout_.panels; panel += kBlockPanels) {
      pass.KeyBlock(panel);
    }
    // The scale is in the keys, and kUnit too.
    if (head.dq.data != nullptr)
      Tile::UnpackDots(pass.dq_, 1 / Tile::kUnit, head.size.queries, head.size.head, head.dq);
  }

 private:
  AttentionBackwardPass(const AttentionHeadBackward<T>& head, T* scratch)
      : head_(head), layout_(head.size) {
    const int64_t width = layout_.block_panels * kWidth;
    q_ = scratch;
    dq_ = q_ + layout_.queries * layout_.head;
    g_ = dq_ + layout_.queries * layout_.head;
    sums_ = g_ + layout_.queries * layout_.value;
    shifts_ = sums_ + layout_.queries;
    k_ = scratch + layout_.QueryElements();
    dk_ = k_ + width * layout_.head;
    v_ = dk_ + width * layout_.head;
    dv_ = v_ + width * layout_.value;
    p_ = dv_ + width * layout_.value;
    ds_ = p_ + kBlockQueries * kWidth;
  }

  // Where there is no query all is 0, and so is what it adds to dk and dv.
  void PackQueries() {
    const AttentionHeadSize& size = head_.size;
    Tile::CopyRows(head_.q, size.queries, layout_.queries, size.head, 1, q_);
    Tile::CopyRows(head_.out_grad, size.queries, layout_.queries, size.value, 1, g_);
    for (int64_t i = 0; i < layout_.queries; ++i) {
      sums_[i] = i < size.queries ? Tile::kUnit * head_.log_sum_exp[i] : T(0);
      shifts_[i] = i < size.queries ? Tile::Dot(head_.out_grad[i], head_.out[i], size.value) : T(0);
    }
    for (int64_t i = 0; i < layout_.queries * layout_.head; ++i) dq_[i] = 0;
  }

  // The keys of the panels from `panel` on.
  void KeyBlock(int64_t panel) {
    const AttentionHeadSize& size = head_.size;
    const int64_t rest = layout_.panels - panel, first_key = panel * kWidth;
    const int64_t panels = rest < kBlockPanels ? rest : kBlockPanels;
    const int64_t head = layout_.head * kWidth, value = layout_.value * kWidth;
    for (int64_t i = 0; i < panels; ++i) {
      const int64_t key = first_key + i * kWidth;
      Tile::PackPanel(head_.k, key, size.keys, size.head, k_ + i * head);
      Tile::PackPanel(head_.v, key, size.keys, size.value, v_ + i * value);
      Tile::ScalePanel(Tile::kUnit * head_.scale, size.head, k_ + i * head);
    }
    for (int64_t i = 0; i < panels * head; ++i) dk_[i] = 0;
    for (int64_t i = 0; i < panels * value; ++i) dv_[i] = 0;
    // Queries before the first key do not see it.
    int64_t query = size.causal ? first_key / kBlockQueries * kBlockQueries : 0;
    for (; query < size.queries; query += kBlockQueries) QueryBlock(first_key, panels, query);
    for (int64_t i = 0; i < panels; ++i) {
      const int64_t key = first_key + i * kWidth;
      Tile::ScalePanel(head_.scale, size.head, dk_ + i * head);
      if (head_.dk.data != nullptr)
        Tile::UnpackPanel(dk_ + i * head, key, size.keys, size.head, head_.dk);
      if (head_.dv.data != nullptr)
        Tile::UnpackPanel(dv_ + i * value, key, size.keys, size.value, head_.dv);
    }
  }

  // What kBlockQueries queries from `query` on have to do with the panels of a block of keys.
  void QueryBlock(int64_t first_key, int64_t panels, int64_t query) {
    const AttentionHeadSize& size = head_.size;
    if (size.causal) {
      // Panels after the last query are hidden.
      const int64_t seen = (query + kBlockQueries - first_key + kWidth - 1) / kWidth;
      panels = seen < panels ? seen : panels;
    }
    for (int64_t i = 0; i < panels; ++i) {
      const int64_t key = first_key + i * kWidth;
      // A panel's second vector may be beyond the last key.
      size.keys - key > V::kLanes ? PanelBlock<2>(key, i, query) : PanelBlock<1>(key, i, query);
    }
    const int64_t groups = layout_.head / kDotColumns;
    for (int64_t r = 0; r < kBlockQueries; r += kDotRows) {
      T* dq = dq_ + (query + r) / kDotRows * groups * V::kLanes;
      for (int64_t x = 0; x < groups; ++x) {
        Tile::AddDots(ds_ + r * kWidth, kBlockQueries * kWidth, k_ + x * kDotColumns * kWidth,
                      layout_.head * kWidth, panels, dq + x * V::kLanes);
      }
    }
  }

  // p and ds for panel i, which begins with `key`, and what they add to its dk and dv.
  template <int kVecs>
  void PanelBlock(int64_t key, int64_t i, int64_t query) {
    T* ds = ds_ + i * kBlockQueries * kWidth;
    for (int64_t r = 0; r < kBlockQueries; r += kScoreRows) {
      Probabilities<kVecs>(key, i, query + r, p_ + r * kWidth);
      ScoreGradients<kVecs>(i, query + r, p_ + r * kWidth, ds + r * kWidth);
    }
    for (int64_t x = 0; x < layout_.head; x += kColumnRows) {
      AddOverQueries<kVecs>(q_ + query * layout_.head + x, layout_.head, ds,
                            dk_ + (i * layout_.head + x) * kWidth);
    }
    for (int64_t x = 0; x < layout_.value; x += kColumnRows) {
      AddOverQueries<kVecs>(g_ + query * layout_.value + x, layout_.value, p_,
                            dv_ + (i * layout_.value + x) * kWidth);
    }
  }

  template <int kVecs>
  [[gnu::always_inline]] void Probabilities(int64_t key, int64_t i, int64_t query, T* p) {
    Vec acc[kScoreRows][kVecs];
    Broadcast(sums_ + query, acc);
    Tile::Multiply(q_ + query * layout_.head, layout_.head, 1, head_.size.head,
                   k_ + i * layout_.head * kWidth, acc);
    const AttentionHeadSize& size = head_.size;
    const bool masked = size.keys - key < kWidth || (size.causal && query - key + 1 < kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kScoreRows; ++r) {
      // Number of lanes whose keys are there and seen by query r.
      int64_t seen = size.keys - key;
      if (size.causal && query + r - key + 1 < seen) seen = query + r - key + 1;
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        Vec value = v < kVecs ? Tile::ExpDown(acc[r][v < kVecs ? v : 0]) : V::Zero();
        if (masked) value = V::Select(Tile::LanesBelow(seen, v), value, V::Zero());
        V::Store(p + r * kWidth + v * V::kLanes, value);
      }
    }
  }

  template <int kVecs>
  [[gnu::always_inline]] void ScoreGradients(int64_t i, int64_t query, const T* p, T* ds) {
    Vec acc[kScoreRows][kVecs];
    Broadcast(shifts_ + query, acc);
    Tile::Multiply(g_ + query * layout_.value, layout_.value, 1, head_.size.value,
                   v_ + i * layout_.value * kWidth, acc);
#pragma GCC unroll 8
    for (int r = 0; r < kScoreRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const int64_t at = r * kWidth + v * V::kLanes;
        V::Store(ds + at, v < kVecs ? V::Load(p + at) * acc[r][v < kVecs ? v : 0] : V::Zero());
      }
    }
  }

  // Rows of -values[r].
  template <int kVecs>
  [[gnu::always_inline]] static void Broadcast(const T* values, Vec (&acc)[kScoreRows][kVecs]) {
#pragma GCC unroll 8
    for (int r = 0; r < kScoreRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) acc[r][v] = V::Set(-values[r]);
    }
  }

  // kColumnRows rows of a panel at `to` += the sum over kBlockQueries queries of their elements at
  // `elements`, times the rows of `scores`.
  template <int kVecs>
  [[gnu::always_inline]] static void AddOverQueries(const T* elements, int64_t stride,
                                                    const T* scores, T* to) {
    Vec acc[kColumnRows][kVecs];
#pragma GCC unroll 8
    for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) acc[r][v] = V::Load(to + r * kWidth + v * V::kLanes);
    }
    Tile::Multiply(elements, 1, stride, kBlockQueries, scores, acc);
#pragma GCC unroll 8
    for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) V::Store(to + r * kWidth + v * V::kLanes, acc[r][v]);
    }
  }

  const AttentionHeadBackward<T>& head_;
  const Layout layout_;
  T *q_, *g_;              // dense vectors
  T* dq_;                  // groups of sums over keys
  T *sums_, *shifts_;      // L times kUnit, and D
  T *k_, *dk_, *v_, *dv_;  // panels of a block of keys, k times the scale and kUnit
  T *p_, *ds_;             // [panel][query][key]
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_BACKWARD_H_
