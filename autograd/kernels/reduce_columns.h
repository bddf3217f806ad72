// Column sums of matrices on the vector types of simd_avx2.h and simd_avx512.h. See vec_math.h for
// the rules of these headers, reduce_sums.h for P.
#ifndef AUTOGRAD_KERNELS_REDUCE_COLUMNS_H_
#define AUTOGRAD_KERNELS_REDUCE_COLUMNS_H_

#include "autograd/kernels/reduce_sums.h"

namespace autograd::kernels {
namespace {

// Rows added up in T before they go to the f64 sums; also the number of memory streams read side by
// side.
inline constexpr int64_t kRowBlock = 16;

// y[0, count) += v[0, count), in f64.
template <class P, class V>
[[gnu::always_inline]] inline void AddToDoubles(typename V::Vec v, int64_t count, double* y) {
  using D = typename P::F64;
  auto add = [](typename D::Vec part, int64_t n, double* p) {
    if (n > 0) StoreUpTo<D>(p, LoadUpTo<D>(p, n) + part, n);
  };
  if constexpr (sizeof(typename V::Scalar) == 4) {
    const int64_t low = count < D::kLanes ? count : D::kLanes;
    add(D::FromF32Lo(v), low, y);
    add(D::FromF32Hi(v), count - low, y + low);
  } else {
    add(v, count, y);
  }
}

// y[j] += sum over i < rows of term(i, j, count)'s lanes, for `columns` columns.
template <class P, class V, class Term>
[[gnu::always_inline]] inline void AddColumns(int64_t rows, int64_t columns, double* y, Term term) {
  constexpr int64_t kLanes = V::kLanes;
  for (int64_t top = 0; top < rows; top += kRowBlock) {
    const int64_t bottom = top + kRowBlock < rows ? top + kRowBlock : rows;
    int64_t j = 0;
    for (; j + kAccumulators * kLanes <= columns; j += kAccumulators * kLanes) {
      typename V::Vec sums[kAccumulators] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
      for (int64_t i = top; i < bottom; ++i) {
#pragma GCC unroll 4
        for (int a = 0; a < kAccumulators; ++a) {
          sums[a] = sums[a] + term(i, j + a * kLanes, kLanes);
        }
      }
#pragma GCC unroll 4
      for (int a = 0; a < kAccumulators; ++a) {
        AddToDoubles<P, V>(sums[a], kLanes, y + j + a * kLanes);
      }
    }
    for (; j < columns; j += kLanes) {
      const int64_t count = columns - j < kLanes ? columns - j : kLanes;
      auto sum = V::Zero();
      for (int64_t i = top; i < bottom; ++i) sum = sum + term(i, j, count);
      AddToDoubles<P, V>(sum, count, y + j);
    }
  }
}

template <class P, class V>
struct Columns {
  using T = typename V::Scalar;

  static void SumPartial(const T* x, int64_t rows, int64_t columns, int64_t stride, double* y) {
    for (int64_t j = 0; j < columns; ++j) y[j] = 0;
    AddColumns<P, V>(rows, columns, y, [=](int64_t i, int64_t j, int64_t c) {
      return LoadUpTo<V>(x + i * stride + j, c);
    });
  }

  // In panels whose f64 sums fit on the stack.
  static void Sum(const T* x, int64_t rows, int64_t columns, int64_t stride, T* y) {
    constexpr int64_t kPanel = 512;
    double sums[kPanel];
    for (int64_t j = 0; j < columns; j += kPanel) {
      const int64_t count = columns - j < kPanel ? columns - j : kPanel;
      SumPartial(x + j, rows, count, stride, sums);
      for (int64_t k = 0; k < count; ++k) y[j + k] = static_cast<T>(sums[k]);
    }
  }

  static void DotPartial(const T* a, const T* b, int64_t rows, int64_t columns, int64_t stride_a,
                         int64_t stride_b, double* y) {
    for (int64_t j = 0; j < columns; ++j) y[j] = 0;
    AddColumns<P, V>(rows, columns, y, [=](int64_t i, int64_t j, int64_t c) {
      return LoadUpTo<V>(a + i * stride_a + j, c) * LoadUpTo<V>(b + i * stride_b + j, c);
    });
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_COLUMNS_H_
