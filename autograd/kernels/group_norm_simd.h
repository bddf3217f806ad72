// The kernels of group_norm_kernels.h on the vector types of simd_avx2.h and simd_avx512.h. See
// vec_math.h for the rules of these headers, reduce_sums.h for P.
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_SIMD_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_SIMD_H_

#include "autograd/kernels/group_norm_kernels.h"
#include "autograd/kernels/reduce_columns.h"
#include "autograd/kernels/unary_ops.h"

namespace autograd::kernels {
namespace {

// Rows added up in T before they go to the f64 sums.
inline constexpr int64_t kNormRows = 32;

// How far ahead SiluGradientSums asks for its two inputs. There is so much to compute on an element
// that the processor does not look far enough by itself: on one core of an EPYC (others busy), 26.8
// ms without became 17.9 for 256 samples of 28 x 28 x 128 floats. The passes that compute less gain
// nothing.
inline constexpr int64_t kPrefetchBytes = 4096;

// One element's share of two sums: of term, and of term * factor.
template <class V>
struct SumTerms {
  typename V::Vec term, factor;
};

// Adds up terms(row, c, count) of rows [top, bottom) in kVectors vectors of columns from j on,
// `count` columns in the last one, and calls add(c, count, sum of term, sum of term * factor) for
// each. kRows rows are added up side by side, so that an addition need not wait for the one before.
template <class V, int kVectors, int kRows, class Terms, class Add>
[[gnu::always_inline]] inline void SumPanel(int64_t top, int64_t bottom, int64_t j, int64_t count,
                                            Terms terms, Add add) {
  constexpr int64_t kLanes = V::kLanes;
  typename V::Vec sums[kRows][kVectors], dots[kRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = dots[r][v] = V::Zero();
  }
  const auto add_row = [&](int64_t row, int r) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const SumTerms<V> t = terms(row, j + v * kLanes, v + 1 < kVectors ? kLanes : count);
      sums[r][v] = sums[r][v] + t.term;
      dots[r][v] = V::Fma(t.term, t.factor, dots[r][v]);
    }
  };
  int64_t row = top;
  for (; row + kRows <= bottom; row += kRows) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) add_row(row + r, r);
  }
  for (; row < bottom; ++row) add_row(row, 0);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 4
    for (int r = 1; r < kRows; ++r) {
      sums[0][v] = sums[0][v] + sums[r][v];
      dots[0][v] = dots[0][v] + dots[r][v];
    }
    add(j + v * kLanes, v + 1 < kVectors ? kLanes : count, sums[0][v], dots[0][v]);
  }
}

// SumPanel of rows [top, bottom) over all channels.
template <class V, class Terms, class Add>
[[gnu::always_inline]] inline void SumBlock(int64_t top, int64_t bottom, int64_t channels,
                                            Terms terms, Add add) {
  constexpr int64_t kLanes = V::kLanes;
  int64_t j = 0;
  for (; j + 4 * kLanes <= channels; j += 4 * kLanes) {
    SumPanel<V, 4, 1>(top, bottom, j, kLanes, terms, add);
  }
  if (j + 2 * kLanes <= channels) {
    SumPanel<V, 2, 2>(top, bottom, j, kLanes, terms, add);
    j += 2 * kLanes;
  }
  if (j + kLanes <= channels) {
    SumPanel<V, 1, 4>(top, bottom, j, kLanes, terms, add);
    j += kLanes;
  }
  if (j < channels) SumPanel<V, 1, 4>(top, bottom, j, channels - j, terms, add);
}

// Calls block(top, bottom) for blocks of kNormRows rows.
template <class Block>
[[gnu::always_inline]] inline void ForBlocks(int64_t rows, Block block) {
  for (int64_t top = 0; top < rows; top += kNormRows) {
    block(top, top + kNormRows < rows ? top + kNormRows : rows);
  }
}

// sum[c] and dot[c] over all rows, from terms(row, c, count).
template <class P, class V, class Terms>
[[gnu::always_inline]] inline void SumRows(int64_t rows, int64_t channels, double* sum, double* dot,
                                           Terms terms) {
  for (int64_t c = 0; c < channels; ++c) sum[c] = dot[c] = 0;
  ForBlocks(rows, [=](int64_t top, int64_t bottom) {
    SumBlock<V>(top, bottom, channels, terms,
                [=](int64_t c, int64_t count, typename V::Vec sums, typename V::Vec dots) {
                  AddToDoubles<P, V>(sums, count, sum + c);
                  AddToDoubles<P, V>(dots, count, dot + c);
                });
  });
}

// Calls add(offset, count, a, b, ...) with the first `count` lanes of each vector as f64.
template <class P, class V, class Add, class... Vectors>
[[gnu::always_inline]] inline void AsDoubles(int64_t count, Add add, Vectors... vectors) {
  using D = typename P::F64;
  if constexpr (sizeof(typename V::Scalar) == 4) {
    const int64_t low = count < D::kLanes ? count : D::kLanes;
    add(int64_t{0}, low, D::FromF32Lo(vectors)...);
    if (count > low) add(low, count - low, D::FromF32Hi(vectors)...);
  } else {
    add(int64_t{0}, count, vectors...);
  }
}

// y = value(row, c, count) everywhere.
template <class V, class Value>
[[gnu::always_inline]] inline void StoreRows(int64_t rows, int64_t channels, typename V::Scalar* y,
                                             Value value) {
  for (int64_t row = 0; row < rows; ++row, y += channels) {
    int64_t j = 0;
    for (; j + V::kLanes <= channels; j += V::kLanes) V::Store(y + j, value(row, j, V::kLanes));
    if (j < channels) V::StorePartial(y + j, value(row, j, channels - j), channels - j);
  }
}

template <class P, class V>
struct GroupNorms {
  using T = typename V::Scalar;
  using Vec = typename V::Vec;

  // x - centre.
  [[gnu::always_inline]] static Vec Distance(const T* x, const T* centre, int64_t count) {
    return LoadUpTo<V>(x, count) - LoadUpTo<V>(centre, count);
  }
  // h in channels [c, c + count) of a row.
  [[gnu::always_inline]] static Vec Normalised(const T* row, const ChannelMap<T>& map, int64_t c,
                                               int64_t count) {
    return V::Fma(Distance(row + c, map.centre + c, count), LoadUpTo<V>(map.scale + c, count),
                  LoadUpTo<V>(map.shift + c, count));
  }

  // In a block, distances are from its first row, so that none of them is large but where the data
  // spread as far; then they are moved to the centre: with its distance d from that row and n rows,
  // sum (u + d)^2 = sum u^2 + d (2 sum u + n d).
  static void Moments(const T* x, int64_t rows, int64_t channels, const T* centre, double* sum,
                      double* squares) {
    using D = typename P::F64;
    for (int64_t c = 0; c < channels; ++c) sum[c] = squares[c] = 0;
    ForBlocks(rows, [=](int64_t top, int64_t bottom) {
      const T* first = x + top * channels;
      const auto terms = [=](int64_t row, int64_t c, int64_t count) {
        const auto u = Distance(x + row * channels + c, first + c, count);
        return SumTerms<V>{u, u};
      };
      const auto n = D::Set(static_cast<double>(bottom - top));
      SumBlock<V>(top, bottom, channels, terms, [=](int64_t c, int64_t count, Vec sums, Vec dots) {
        const auto add = [=](int64_t at, int64_t width, auto u, auto uu, auto near, auto far) {
          const auto d = near - far, nd = n * d;
          double *to_sum = sum + c + at, *to_squares = squares + c + at;
          StoreUpTo<D>(to_sum, LoadUpTo<D>(to_sum, width) + (u + nd), width);
          const auto moved = D::Fma(d, (u + u) + nd, uu);
          StoreUpTo<D>(to_squares, LoadUpTo<D>(to_squares, width) + moved, width);
        };
        AsDoubles<P, V>(count, add, sums, dots, LoadUpTo<V>(first + c, count),
                        LoadUpTo<V>(centre + c, count));
      });
    });
  }

  static void Normalise(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map,
                        T* y) {
    StoreRows<V>(rows, channels, y, [=](int64_t row, int64_t c, int64_t count) {
      return Normalised(x + row * channels, map, c, count);
    });
  }

  static void NormaliseSilu(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map,
                            T* y) {
    StoreRows<V>(rows, channels, y, [=](int64_t row, int64_t c, int64_t count) {
      const auto h = Normalised(x + row * channels, map, c, count);
      return UnaryOps<V>::Silu(h, h);
    });
  }

  static void GradientSums(const T* x, const T* g, int64_t rows, int64_t channels, const T* centre,
                           double* sum, double* dot) {
    SumRows<P, V>(rows, channels, sum, dot, [=](int64_t row, int64_t c, int64_t count) {
      const int64_t i = row * channels + c;
      return SumTerms<V>{LoadUpTo<V>(g + i, count), Distance(x + i, centre + c, count)};
    });
  }

  static void SiluGradientSums(const T* x, const T* dy, int64_t rows, int64_t channels,
                               const ChannelMap<T>& map, T* g, double* sum, double* dot) {
    SumRows<P, V>(rows, channels, sum, dot, [=](int64_t row, int64_t c, int64_t count) {
      const int64_t i = row * channels + c;
      __builtin_prefetch(reinterpret_cast<const char*>(x + i) + kPrefetchBytes);
      __builtin_prefetch(reinterpret_cast<const char*>(dy + i) + kPrefetchBytes);
      const auto d = Distance(x + i, map.centre + c, count);
      const auto h =
          V::Fma(d, LoadUpTo<V>(map.scale + c, count), LoadUpTo<V>(map.shift + c, count));
      const auto slope = UnaryGradOps<V>::Silu(LoadUpTo<V>(dy + i, count), h, h);
      StoreUpTo<V>(g + i, slope, count);
      return SumTerms<V>{slope, d};
    });
  }

  static void InputGradient(const T* x, const T* g, int64_t rows, int64_t channels,
                            const ChannelMap<T>& map, const T* slope, T* dx) {
    StoreRows<V>(rows, channels, dx, [=](int64_t row, int64_t c, int64_t count) {
      const int64_t i = row * channels + c;
      const auto by_x = V::Fma(Distance(x + i, map.centre + c, count),
                               LoadUpTo<V>(slope + c, count), LoadUpTo<V>(map.shift + c, count));
      return V::Fma(LoadUpTo<V>(g + i, count), LoadUpTo<V>(map.scale + c, count), by_x);
    });
  }

  static constexpr GroupNormKernels<T> Make() {
    return {Moments, Normalise, NormaliseSilu, GradientSums, SiluGradientSums, InputGradient};
  }
};

template <class F32Type, class F64Type>
struct NormTypes {
  using F32 = F32Type;
  using F64 = F64Type;
};

template <class F32, class F64>
constexpr GroupNormTables MakeGroupNormTables() {
  using P = NormTypes<F32, F64>;
  return {GroupNorms<P, F32>::Make(), GroupNorms<P, F64>::Make()};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_SIMD_H_
