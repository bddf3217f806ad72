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

// One element's share of two sums: of term, and of term * factor.
template <class V>
struct SumTerms {
  typename V::Vec term, factor;
};

// Adds to sum[j] and dot[j] the terms of rows [top, bottom) in kVectors vectors of columns from j
// on, `count` columns in the last one. kRows rows are added up side by side, so that an addition
// need not wait for the one before.
template <class P, class V, int kVectors, int kRows, class Terms>
[[gnu::always_inline]] inline void AddPanel(int64_t top, int64_t bottom, int64_t j, int64_t count,
                                            double* sum, double* dot, Terms terms) {
  constexpr int64_t kLanes = V::kLanes;
  typename V::Vec sums[kRows][kVectors], dots[kRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = dots[r][v] = V::Zero();
  }
  const auto add = [&](int64_t row, int r) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t width = v + 1 < kVectors ? kLanes : count;
      const SumTerms<V> t = terms(row, j + v * kLanes, width);
      sums[r][v] = sums[r][v] + t.term;
      dots[r][v] = V::Fma(t.term, t.factor, dots[r][v]);
    }
  };
  int64_t row = top;
  for (; row + kRows <= bottom; row += kRows) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) add(row + r, r);
  }
  for (; row < bottom; ++row) add(row, 0);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const int64_t width = v + 1 < kVectors ? kLanes : count;
#pragma GCC unroll 4
    for (int r = 1; r < kRows; ++r) {
      sums[0][v] = sums[0][v] + sums[r][v];
      dots[0][v] = dots[0][v] + dots[r][v];
    }
    AddToDoubles<P, V>(sums[0][v], width, sum + j + v * kLanes);
    AddToDoubles<P, V>(dots[0][v], width, dot + j + v * kLanes);
  }
}

// sum[c] and dot[c] over all rows, from terms(row, c, count).
template <class P, class V, class Terms>
[[gnu::always_inline]] inline void SumRows(int64_t rows, int64_t channels, double* sum, double* dot,
                                           Terms terms) {
  constexpr int64_t kLanes = V::kLanes;
  for (int64_t c = 0; c < channels; ++c) sum[c] = dot[c] = 0;
  for (int64_t top = 0; top < rows; top += kNormRows) {
    const int64_t bottom = top + kNormRows < rows ? top + kNormRows : rows;
    int64_t j = 0;
    for (; j + 4 * kLanes <= channels; j += 4 * kLanes) {
      AddPanel<P, V, 4, 1>(top, bottom, j, kLanes, sum, dot, terms);
    }
    if (j + 2 * kLanes <= channels) {
      AddPanel<P, V, 2, 2>(top, bottom, j, kLanes, sum, dot, terms);
      j += 2 * kLanes;
    }
    if (j + kLanes <= channels) {
      AddPanel<P, V, 1, 4>(top, bottom, j, kLanes, sum, dot, terms);
      j += kLanes;
    }
    if (j < channels) AddPanel<P, V, 1, 4>(top, bottom, j, channels - j, sum, dot, terms);
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

  static void Moments(const T* x, int64_t rows, int64_t channels, const T* centre, double* sum,
                      double* squares) {
    SumRows<P, V>(rows, channels, sum, squares, [=](int64_t row, int64_t c, int64_t count) {
      const auto d = Distance(x + row * channels + c, centre + c, count);
      return SumTerms<V>{d, d};
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
