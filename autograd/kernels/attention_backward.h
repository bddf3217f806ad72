// The backward pass of attention_simd.h. For a block of queries and a few keys: probabilities p and
// gradients ds of scores go to scratch in the first-level cache, from where dq takes the sum over
// keys and dk and dv take sums over queries.
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
  using Tile::kDotKeys;
  using Tile::kKeyRows;
  using Tile::kWidth;

  // A block's p and ds take half of a first-level cache.
  static constexpr int64_t kBlockKeys = Tile::kManyRegisters ? 14 : 16;
  static constexpr int64_t kBlockPanels = 224 / kWidth;

  struct Layout {
    explicit Layout(const AttentionHeadSize& size)
        : head(Tile::Padded(size.head)),
          value(Tile::Padded(size.value)),
          keys(Tile::RoundUp(size.keys, kBlockKeys)),
          panels((size.queries + kWidth - 1) / kWidth),
          block_panels(panels < kBlockPanels ? panels : kBlockPanels) {}
    // Of one block of queries: the panels of q, dq, the gradient of out, L and D.
    int64_t QueryElements() const { return block_panels * kWidth * (2 * head + value + 2); }
    int64_t BlockElements() const { return block_panels * kBlockKeys * kWidth; }

    int64_t head, value, keys, panels, block_panels;
  };

 public:
  static int64_t Scratch(const AttentionHeadSize& size) {
    const Layout layout(size);
    return 2 * Tile::RoundUp(layout.keys * (layout.head + layout.value), 16) +
           layout.QueryElements() + 2 * layout.BlockElements() + kWidth * layout.value;
  }

  static void Run(const AttentionHeadBackward<T>& head, T* scratch) {
    AttentionBackwardPass pass(head, scratch);
    for (int64_t panel = 0; panel < pass.layout_.panels; panel += kBlockPanels) {
      pass.QueryBlock(panel);
    }
    if (head.dk.data != nullptr)
      Tile::UnpackDots(pass.dk_, head.size.keys, head.size.head, head.scale, head.dk);
    if (head.dv.data != nullptr)
      Tile::UnpackDots(pass.dv_, head.size.keys, head.size.value, 1, head.dv);
  }

 private:
  AttentionBackwardPass(const AttentionHeadBackward<T>& head, T* scratch)
      : head_(head), layout_(head.size) {
    const int64_t keys = layout_.keys, width = layout_.block_panels * kWidth;
    const int64_t rows = Tile::RoundUp(keys * (layout_.head + layout_.value), 16);
    keys_ = scratch;
    values_ = keys_ + keys * layout_.head;
    dk_ = scratch + rows;
    dv_ = dk_ + keys * layout_.head;
    q_ = dk_ + rows;
    dq_ = q_ + width * layout_.head;
    g_ = dq_ + width * layout_.head;
    sums_ = g_ + width * layout_.value;
    shifts_ = sums_ + width;
    p_ = shifts_ + width;
    ds_ = p_ + layout_.BlockElements();
    out_panel_ = ds_ + layout_.BlockElements();
    for (int64_t i = 0; i < rows; ++i) dk_[i] = 0;
    Tile::CopyRows(head.k, head.size.keys, keys, head.size.head, head.scale, keys_);
    Tile::CopyRows(head.v, head.size.keys, keys, head.size.value, 1, values_);
  }

  // The queries of the panels from `panel` on.
  void QueryBlock(int64_t panel) {
    const AttentionHeadSize& size = head_.size;
    const int64_t rest = layout_.panels - panel;
    const int64_t panels = rest < kBlockPanels ? rest : kBlockPanels;
    for (int64_t i = 0; i < panels; ++i) Pack(panel, i);
    const int64_t end = (panel + panels) * kWidth;
    const int64_t keys = size.causal && end < size.keys ? end : size.keys;
    for (int64_t key = 0; key < keys; key += kBlockKeys) {
      // Panels of queries that come before all of these keys see none of them.
      int64_t i = size.causal ? key / kWidth - panel : 0;
      i = i < 0 ? 0 : i;
      for (int64_t at = i; at < panels; ++at) {
        // A panel's second vector may be beyond the last query.
        size.queries - (panel + at) * kWidth > V::kLanes ? PanelBlock<2>(panel, at, key)
                                                         : PanelBlock<1>(panel, at, key);
      }
      SumOverQueries(i, panels - i, key);
    }
    if (head_.dq.data == nullptr) return;
    for (int64_t i = 0; i < panels; ++i) {
      Tile::UnpackPanel(dq_ + i * layout_.head * kWidth, (panel + i) * kWidth, size.queries,
                        size.head, head_.dq);
    }
  }

  // Panel i of the block that begins with `panel`. Where there is no query all is 0, and with the
  // gradient of out so is what it adds to dk and dv.
  void Pack(int64_t panel, int64_t i) {
    const AttentionHeadSize& size = head_.size;
    const int64_t first = (panel + i) * kWidth;
    T* g = g_ + i * layout_.value * kWidth;
    Tile::PackPanel(head_.q, first, size.queries, size.head, q_ + i * layout_.head * kWidth);
    Tile::PackPanel(head_.out_grad, first, size.queries, size.value, g);
    Tile::PackPanel(head_.out, first, size.queries, size.value, out_panel_);
    T *sums = sums_ + i * kWidth, *shifts = shifts_ + i * kWidth;
    for (int v = 0; v < 2; ++v) {
      const int64_t query = first + v * V::kLanes, rest = size.queries - query;
      V::Store(sums + v * V::kLanes, rest >= V::kLanes ? V::Load(head_.log_sum_exp + query)
                                     : rest > 0 ? V::LoadPartial(head_.log_sum_exp + query, rest)
                                                : V::Zero());
      Vec shift = V::Zero();
      for (int64_t x = 0; x < size.value; ++x) {
        const int64_t at = x * kWidth + v * V::kLanes;
        shift = V::Fma(V::Load(g + at), V::Load(out_panel_ + at), shift);
      }
      V::Store(shifts + v * V::kLanes, shift);
    }
  }

  // p and ds of a panel with kBlockKeys keys from `key` on, and dq's part of them.
  template <int kVecs>
  void PanelBlock(int64_t panel, int64_t i, int64_t key) {
    const int64_t ahead = key - (panel + i) * kWidth;
    T *p = p_ + i * kBlockKeys * kWidth, *ds = ds_ + i * kBlockKeys * kWidth;
    for (int64_t j = 0; j < kBlockKeys; j += kKeyRows) {
      Probabilities<kVecs>(i, key + j, ahead + j, p + j * kWidth);
      ScoreGradients<kVecs>(i, key + j, p + j * kWidth, ds + j * kWidth);
    }
    const int64_t rest = head_.size.keys - key;
    for (int64_t x = 0; x < layout_.head; x += kColumnRows) {
      T* dq = dq_ + (i * layout_.head + x) * kWidth;
      Vec acc[kColumnRows][kVecs] = {};
      // Every query sees the first keys.
      if (key > 0) {
#pragma GCC unroll 8
        for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
          for (int v = 0; v < kVecs; ++v) acc[r][v] = V::Load(dq + r * kWidth + v * V::kLanes);
        }
      }
      Tile::Multiply(keys_ + key * layout_.head + x, 1, layout_.head,
                     rest < kBlockKeys ? rest : kBlockKeys, ds, acc);
#pragma GCC unroll 8
      for (int r = 0; r < kColumnRows; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) V::Store(dq + r * kWidth + v * V::kLanes, acc[r][v]);
      }
    }
  }

  template <int kVecs>
  [[gnu::always_inline]] void Probabilities(int64_t i, int64_t key, int64_t ahead, T* p) {
    Vec acc[kKeyRows][kVecs];
#pragma GCC unroll 8
    for (int r = 0; r < kKeyRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) acc[r][v] = -V::Load(sums_ + i * kWidth + v * V::kLanes);
    }
    Tile::Multiply(keys_ + key * layout_.head, layout_.head, 1, head_.size.head,
                   q_ + i * layout_.head * kWidth, acc);
    const bool masked = head_.size.causal && ahead + kKeyRows > 1;
#pragma GCC unroll 8
    for (int r = 0; r < kKeyRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        Vec value = v < kVecs ? Tile::ExpDown(acc[r][v < kVecs ? v : 0]) : V::Zero();
        if (masked) value = Tile::IfVisible(ahead + r, v, value, V::Zero());
        V::Store(p + r * kWidth + v * V::kLanes, value);
      }
    }
  }

  template <int kVecs>
  [[gnu::always_inline]] void ScoreGradients(int64_t i, int64_t key, const T* p, T* ds) {
    Vec acc[kKeyRows][kVecs];
#pragma GCC unroll 8
    for (int r = 0; r < kKeyRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) acc[r][v] = -V::Load(shifts_ + i * kWidth + v * V::kLanes);
    }
    Tile::Multiply(values_ + key * layout_.value, layout_.value, 1, head_.size.value,
                   g_ + i * layout_.value * kWidth, acc);
#pragma GCC unroll 8
    for (int r = 0; r < kKeyRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const int64_t at = r * kWidth + v * V::kLanes;
        V::Store(ds + at, v < kVecs ? V::Load(p + at) * acc[r][v < kVecs ? v : 0] : V::Zero());
      }
    }
  }

  // What the panels i ... i + panels - 1 of the block add to dk and dv of kBlockKeys keys.
  void SumOverQueries(int64_t i, int64_t panels, int64_t key) {
    const int64_t head_groups = layout_.head / kDotColumns;
    const int64_t value_groups = layout_.value / kDotColumns;
    const T *p = p_ + i * kBlockKeys * kWidth, *ds = ds_ + i * kBlockKeys * kWidth;
    for (int64_t j = 0; j < kBlockKeys; j += kDotKeys) {
      T* dk = dk_ + (key + j) / kDotKeys * head_groups * V::kLanes;
      for (int64_t x = 0; x < head_groups; ++x) {
        Tile::AddDots(ds + j * kWidth, kBlockKeys * kWidth,
                      q_ + (i * layout_.head + x * kDotColumns) * kWidth, layout_.head * kWidth,
                      panels, dk + x * V::kLanes);
      }
      T* dv = dv_ + (key + j) / kDotKeys * value_groups * V::kLanes;
      for (int64_t x = 0; x < value_groups; ++x) {
        Tile::AddDots(p + j * kWidth, kBlockKeys * kWidth,
                      g_ + (i * layout_.value + x * kDotColumns) * kWidth, layout_.value * kWidth,
                      panels, dv + x * V::kLanes);
      }
    }
  }

  const AttentionHeadBackward<T>& head_;
  const Layout layout_;
  T *keys_, *values_;        // dense, keys times the scale
  T *dk_, *dv_;              // groups of sums over queries
  T *q_, *dq_, *g_;          // panels of a block of queries
  T *sums_, *shifts_;        // L and D of its queries
  T *p_, *ds_, *out_panel_;  // [panel][key][query]; scratch of Pack
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_BACKWARD_H_
