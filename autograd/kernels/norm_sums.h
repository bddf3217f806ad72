// Sums over rows, two at a time, and stores of rows: what group_norm_simd.h and row_norm_simd.h are
// made of. See vec_math.h for the rules of these headers, reduce_sums.h for P.
#ifndef AUTOGRAD_KERNELS_NORM_SUMS_H_
#define AUTOGRAD_KERNELS_NORM_SUMS_H_

#include "autograd/bfloat16.h"
#include "autograd/kernels/reduce_columns.h"
#include "autograd/kernels/reduce_sums.h"

namespace autograd::kernels {
namespace {

template <class F32Type, class F64Type>
struct NormTypes {
  using F32 = F32Type;
  using F64 = F64Type;
};

// Rows added up in T before they go to the f64 sums.
inline constexpr int64_t kNormRows = 32;

// One element's share of two sums: of term, and of term * factor.
template <class V>
struct SumTerms {
  typename V::Vec term, factor;
};

// A number of vectors, as a type.
template <int kCount>
struct Vectors {
  static constexpr int kNumber = kCount;
};

// For terms that load nothing once for a column.
struct NoColumns {};

// Adds up terms(columns, row, c, count) of rows [top, bottom) in kVectors vectors of columns from j
// on, `count` columns in the last one, and calls add(c, count, sum of term, sum of term * factor)
// for each. `columns` is what prepare(c, count) loaded for the vector, in registers. kRows rows are
// added up side by side, so that an addition need not wait for the one before.
template <class V, int kVectors, int kRows, class Prepare, class Terms, class Add>
[[gnu::always_inline]] inline void SumPanel(int64_t top, int64_t bottom, int64_t j, int64_t count,
                                            Prepare prepare, Terms terms, Add add) {
  constexpr int64_t kLanes = V::kLanes;
  typename V::Vec sums[kRows][kVectors], dots[kRows][kVectors];
  decltype(prepare(j, count)) columns[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    columns[v] = prepare(j + v * kLanes, v + 1 < kVectors ? kLanes : count);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = dots[r][v] = V::Zero();
  }
  const auto add_row = [&](int64_t row, int r) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const SumTerms<V> t =
          terms(columns[v], row, j + v * kLanes, v + 1 < kVectors ? kLanes : count);
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

// Calls panel(vectors, j, count) with an integral constant `vectors` of kWidest or fewer, for
// vectors of columns from j on of which the last has `count`.
template <class V, int kWidest, class Panel>
[[gnu::always_inline]] inline void ForPanels(int64_t channels, Panel panel) {
  constexpr int64_t kLanes = V::kLanes;
  int64_t j = 0;
  if constexpr (kWidest >= 4) {
    for (; j + 4 * kLanes <= channels; j += 4 * kLanes) panel(Vectors<4>(), j, kLanes);
  }
  if constexpr (kWidest >= 2) {
    for (; j + 2 * kLanes <= channels; j += 2 * kLanes) panel(Vectors<2>(), j, kLanes);
  }
  for (; j + kLanes <= channels; j += kLanes) panel(Vectors<1>(), j, kLanes);
  if (j < channels) panel(Vectors<1>(), j, channels - j);
}

// Calls block(top, bottom) for blocks of kNormRows rows.
template <class Block>
[[gnu::always_inline]] inline void ForBlocks(int64_t rows, Block block) {
  for (int64_t top = 0; top < rows; top += kNormRows) {
    block(top, top + kNormRows < rows ? top + kNormRows : rows);
  }
}

// sum[c] and dot[c] over all rows, from terms(columns, row, c, count): panels of kWidest vectors,
// kWidest sums side by side.
template <class P, class V, int kWidest, class Prepare, class Terms>
[[gnu::always_inline]] inline void SumRows(int64_t rows, int64_t channels, double* sum, double* dot,
                                           Prepare prepare, Terms terms) {
  for (int64_t c = 0; c < channels; ++c) sum[c] = dot[c] = 0;
  ForBlocks(rows, [=](int64_t top, int64_t bottom) {
    ForPanels<V, kWidest>(channels, [=](auto vectors, int64_t j, int64_t last) {
      constexpr int kVectors = decltype(vectors)::kNumber;
      SumPanel<V, kVectors, kWidest / kVectors>(
          top, bottom, j, last, prepare, terms,
          [=](int64_t c, int64_t count, typename V::Vec sums, typename V::Vec dots) {
            AddToDoubles<P, V>(sums, count, sum + c);
            AddToDoubles<P, V>(dots, count, dot + c);
          });
    });
  });
}

// Without columns.
template <class P, class V, class Terms>
[[gnu::always_inline]] inline void SumRows(int64_t rows, int64_t channels, double* sum, double* dot,
                                           Terms terms) {
  SumRows<P, V, 4>(
      rows, channels, sum, dot, [](int64_t, int64_t) { return NoColumns(); },
      [=](NoColumns, int64_t row, int64_t c, int64_t count) { return terms(row, c, count); });
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

// Calls put(columns, row, c, count) everywhere, with what prepare(c, count) loaded for the vector
// of columns: in blocks of rows, so that it stays in registers, by panels of kWidest vectors.
template <class V, int kWidest, class Prepare, class Put>
[[gnu::always_inline]] inline void PutRows(int64_t rows, int64_t channels, Prepare prepare,
                                           Put put) {
  constexpr int64_t kLanes = V::kLanes;
  ForBlocks(rows, [=](int64_t top, int64_t bottom) {
    ForPanels<V, kWidest>(channels, [=](auto vectors, int64_t j, int64_t last) {
      constexpr int kVectors = decltype(vectors)::kNumber;
      decltype(prepare(j, last)) columns[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        columns[v] = prepare(j + v * kLanes, v + 1 < kVectors ? kLanes : last);
      }
      for (int64_t row = top; row < bottom; ++row) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          put(columns[v], row, j + v * kLanes, v + 1 < kVectors ? kLanes : last);
        }
      }
    });
  });
}

// Loads and stores of vectors of V in memory that holds V's scalars, or bf16.
template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadAs(const typename V::Scalar* p, int64_t count) {
  return LoadUpTo<V>(p, count);
}
template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadAs(const BFloat16* p, int64_t count) {
  return count == V::kLanes ? V::LoadBf16(p) : V::LoadBf16Partial(p, count);
}
template <class V>
[[gnu::always_inline]] inline void StoreAs(typename V::Scalar* p, typename V::Vec v,
                                           int64_t count) {
  StoreUpTo<V>(p, v, count);
}
template <class V>
[[gnu::always_inline]] inline void StoreAs(BFloat16* p, typename V::Vec v, int64_t count) {
  if (count == V::kLanes) {
    V::StoreBf16(p, v);
  } else {
    V::StoreBf16Partial(p, v, count);
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_NORM_SUMS_H_
