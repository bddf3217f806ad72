// The pieces of which attention_simd.h makes attention: packed copies, products with a panel of
// queries, exponentials, and sums over queries.
//
// Some vectors, of queries or of keys, lie in the lanes. A panel is two registers' worth of them; a
// matrix with a row for each element of such a vector (or for each vector on the other side) and a
// column for each one in the panel is kept row by row, kWidth elements each. Products of such a
// matrix from the left by small ones then need nothing but broadcasts.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_ATTENTION_TILE_H_
#define AUTOGRAD_KERNELS_ATTENTION_TILE_H_

#include <stdint.h>

#include "autograd/kernels/attention_kernels.h"
#include "autograd/kernels/gemm_transpose.h"
#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

// The sums of the lanes of kLanes vectors, as one vector. Specialised where it matters.
template <class V>
struct LaneSums {
  [[gnu::always_inline]] static typename V::Vec Of(typename V::Vec (&r)[V::kLanes]) {
    typename V::Scalar sums[V::kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < V::kLanes; ++i) sums[i] = V::ReduceAdd(r[i]);
    return V::Load(sums);
  }
};

// Of(x) is e^(x / kUnit), in f32 for |x| <= 87 kUnit. With kUnit = 1 / ln 2 the power of two is
// exact and the rest in (-1/2, 1/2).
template <class V, class Scalar = typename V::Scalar>
struct AttentionExp {
  static constexpr double kUnit = 1;
  [[gnu::always_inline]] static typename V::Vec Of(typename V::Vec x) { return Exp<V>(x); }
};
template <class V>
struct AttentionExp<V, float> {
  using Vec = typename V::Vec;
  static constexpr float kUnit = MathConst<float>::kLog2E;
  // (2^r - 1) / r on |r| <= 1/2, minimax for the relative error of 2^r: 2^-23.4, as much as f32 can
  // hold. (Exp of vec_math.h has one coefficient more, and its last bit right more often.)
  static constexpr float kPoly[] = {0.693146978f, 0.240222421f, 0.0555073376f, 0.00967151298f,
                                    0.00132647223f};

  [[gnu::always_inline]] static Vec Of(Vec x) {
    const Vec round = V::Set(MathConst<float>::kRound);
    const Vec shifted = x + round, r = x - (shifted - round);
    // The integer is in the lower bits of `shifted`.
    return V::AddInt(V::Fma(r, Poly<V>(r, kPoly), V::Set(1)), V::template ShiftLeft<23>(shifted));
  }
};

template <class V>
struct AttentionTile {
  using T = typename V::Scalar;
  using Vec = typename V::Vec;

  static constexpr int kWidth = 2 * V::kLanes;
  // Rows of a product computed at once, twice as many accumulators: of scores, and of elements. 7
  // rows of scores, because images of 7 x 7 and 14 x 14 tokens leave no rest then; AVX2 has 16
  // registers in all.
  static constexpr bool kManyRegisters = sizeof(Vec) == 64;
  static constexpr int kScoreRows = kManyRegisters ? 7 : 4;
  static constexpr int kColumnRows = kManyRegisters ? 8 : 4;
  // Vectors of a packed copy are padded with zeros to a multiple of this.
  static constexpr int64_t kPadding = 8;

  static int64_t RoundUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
  static int64_t Padded(int64_t n) { return RoundUp(n, kPadding); }

  // acc[r] += sum over k < depth of a[r * row + k * step] panel[k]: kRows rows of the product of a
  // small matrix and a panel.
  template <int kRows, int kVecs>
  [[gnu::always_inline]] static void Multiply(const T* a, int64_t row, int64_t step, int64_t depth,
                                              const T* panel, Vec (&acc)[kRows][kVecs]) {
    for (int64_t k = 0; k < depth; ++k, a += step, panel += kWidth) {
      Vec b[kVecs];
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) b[v] = V::Load(panel + v * V::kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Vec factor = V::Set(a[r * row]);
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) acc[r][v] = V::Fma(factor, b[v], acc[r][v]);
      }
    }
  }

  // Scores are computed times this, so that exponentials need no multiplication of their own.
  static constexpr T kUnit = AttentionExp<V>::kUnit;

  // e^(x / kUnit) for x <= 0 and a little above; e^-87 (f32) for all below it, so that nothing is
  // subnormal.
  [[gnu::always_inline]] static Vec ExpDown(Vec x) {
    if constexpr (sizeof(T) == 4) x = V::Max(V::Set(-87 * kUnit), x);
    return AttentionExp<V>::Of(x);
  }

  // True in the lanes of vector v of a panel whose number in the panel is below `bound`.
  [[gnu::always_inline]] static typename V::Mask LanesBelow(int64_t bound, int v) {
    T lanes[V::kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < V::kLanes; ++i) lanes[i] = static_cast<T>(v * V::kLanes + i);
    return V::Lt(V::Load(lanes), V::Set(static_cast<T>(bound)));
  }

  static T Dot(const T* a, const T* b, int64_t n) {
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
  }

  // to = scale from: few elements, whose number the compiler knows and makes vectors of.
  template <int kCount = kPadding>
  [[gnu::always_inline]] static void CopyScaled(const T* from, T scale, T* to) {
    T values[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i) values[i] = scale * from[i];
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i) to[i] = values[i];
  }

  // A dense copy of `count` vectors of n elements times `scale`, rows of Padded(n); then zeros up
  // to `padded_count` vectors.
  static void CopyRows(const VectorList<const T>& from, int64_t count, int64_t padded_count,
                       int64_t n, T scale, T* to) {
    const int64_t stride = Padded(n), whole = n / kPadding * kPadding;
    for (int64_t i = 0; i < count; ++i, to += stride) {
      const T* row = from[i];
      for (int64_t x = 0; x < whole; x += kPadding) CopyScaled(row + x, scale, to + x);
      if (whole == n) continue;
      T rest[kPadding] = {};
      for (int64_t x = whole; x < n; ++x) rest[x - whole] = row[x];
      CopyScaled(rest, scale, to + whole);
    }
    for (int64_t at = 0; at < (padded_count - count) * stride; ++at) to[at] = 0;
  }

  // A panel of the vectors first ... first + kWidth - 1 of `count`: row x has their elements x.
  // Rows up to Padded(n) and columns beyond the last vector are zeros.
  static void PackPanel(const VectorList<const T>& from, int64_t first, int64_t count, int64_t n,
                        T* panel) {
    const int64_t columns = count - first < kWidth ? count - first : kWidth;
    const int64_t square_rows = n / Square::kSize * Square::kSize;
    const int64_t square_columns = columns / Square::kSize * Square::kSize;
    if (columns < kWidth || square_rows < Padded(n)) {
      for (int64_t at = 0; at < Padded(n) * kWidth; at += V::kLanes) {
        V::Store(panel + at, V::Zero());
      }
    }
    for (int64_t x = 0; x < square_rows; x += Square::kSize) {
      for (int64_t i = 0; i < square_columns; i += Square::kSize) {
        Square::Run(from[first + i] + x, from.stride, panel + x * kWidth + i, kWidth);
      }
    }
    for (int64_t i = 0; i < columns; ++i) {
      for (int64_t x = i < square_columns ? square_rows : 0; x < n; ++x) {
        panel[x * kWidth + i] = from[first + i][x];
      }
    }
  }

  // The other way round, without the padding.
  static void UnpackPanel(const T* panel, int64_t first, int64_t count, int64_t n,
                          const VectorList<T>& to) {
    const int64_t columns = count - first < kWidth ? count - first : kWidth;
    const int64_t square_rows = n / Square::kSize * Square::kSize;
    const int64_t square_columns = columns / Square::kSize * Square::kSize;
    for (int64_t i = 0; i < square_columns; i += Square::kSize) {
      for (int64_t x = 0; x < square_rows; x += Square::kSize) {
        Square::Run(panel + x * kWidth + i, kWidth, to[first + i] + x, to.stride);
      }
    }
    for (int64_t i = 0; i < columns; ++i) {
      for (int64_t x = i < square_columns ? square_rows : 0; x < n; ++x) {
        to[first + i][x] = panel[x * kWidth + i];
      }
    }
  }

  // Times `scale`, rows 0 ... n - 1.
  static void ScalePanel(T scale, int64_t n, T* panel) {
    const Vec factor = V::Set(scale);
    for (int64_t at = 0; at < n * kWidth; at += V::kLanes) {
      V::Store(panel + at, factor * V::Load(panel + at));
    }
  }

  // Sums over lanes: a product of two matrices of panels. One vector of them is a group of kDotRows
  // rows by kDotColumns columns.
  static constexpr int kDotColumns = V::kLanes < 8 ? V::kLanes : 8;
  static constexpr int kDotRows = V::kLanes / kDotColumns;

  // sums += sum over i of a[j][i] b[x][i] for the group of rows j at a and columns x at b, over
  // `panels` panels that lie a_panel and b_panel elements apart.
  [[gnu::always_inline]] static void AddDots(const T* a, int64_t a_panel, const T* b,
                                             int64_t b_panel, int64_t panels, T* sums) {
    Vec acc[V::kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < V::kLanes; ++i) acc[i] = V::Zero();
    for (int64_t panel = 0; panel < panels; ++panel, a += a_panel, b += b_panel) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        Vec row[kDotRows];
#pragma GCC unroll 2
        for (int j = 0; j < kDotRows; ++j) row[j] = V::Load(a + j * kWidth + v * V::kLanes);
#pragma GCC unroll 8
        for (int x = 0; x < kDotColumns; ++x) {
          const Vec column = V::Load(b + x * kWidth + v * V::kLanes);
#pragma GCC unroll 2
          for (int j = 0; j < kDotRows; ++j) {
            acc[j * kDotColumns + x] = V::Fma(row[j], column, acc[j * kDotColumns + x]);
          }
        }
      }
    }
    V::Store(sums, V::Load(sums) + LaneSums<V>::Of(acc));
  }

  // Writes vectors from their groups, times `scale`.
  static void UnpackDots(const T* sums, T scale, int64_t count, int64_t n,
                         const VectorList<T>& to) {
    const int64_t groups = Padded(n) / kDotColumns;
    for (int64_t j = 0; j < count; ++j) {
      const T* group = sums + j / kDotRows * groups * V::kLanes + j % kDotRows * kDotColumns;
      T* vector = to[j];
      int64_t x = 0;
      for (; x + kDotColumns <= n; x += kDotColumns, group += V::kLanes) {
        CopyScaled<kDotColumns>(group, scale, vector + x);
      }
      for (; x < n; ++x, ++group) vector[x] = scale * *group;
    }
  }

 private:
  template <int kBytes, class Dummy = void>
  struct SquareOf {
    using Type = Transpose8x8F32;
  };
  template <class Dummy>
  struct SquareOf<8, Dummy> {
    using Type = Transpose4x4F64;
  };
  using Square = typename SquareOf<sizeof(T)>::Type;
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_TILE_H_
