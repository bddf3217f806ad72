// Softmax over rows on the vector types of simd_avx2.h and simd_avx512.h. See vec_math.h for the
// rules of these headers, reduce_sums.h for P.
#ifndef AUTOGRAD_KERNELS_REDUCE_SOFTMAX_H_
#define AUTOGRAD_KERNELS_REDUCE_SOFTMAX_H_

#include "autograd/kernels/reduce_sums.h"

namespace autograd::kernels {
namespace {

// y[i] = f(i, count), vector by vector.
template <class V, class F>
[[gnu::always_inline]] inline void StoreEach(typename V::Scalar* y, int64_t n, F f) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::Store(y + i, f(i, V::kLanes));
  if (i < n) V::StorePartial(y + i, f(i, n - i), n - i);
}

// Softmax of a row that fits into one vector.
template <class P, class V>
[[gnu::always_inline]] inline void ShortSoftmax(const typename V::Scalar* x, typename V::Scalar* y,
                                                int64_t n) {
  using T = typename V::Scalar;
  const auto v = LoadUpTo<V>(x, n);
  const auto padded = KeepFirst<V>(v, n, V::Set(-Consts<V>::kInf));
  // ReduceMax may pass over a NaN, but that lane's exponential makes the sum NaN.
  const auto e = Exp<V>(padded - V::Set(V::ReduceMax(padded)));
  const double sum = LaneSum<P, V>(KeepFirst<V>(e, n, V::Zero()));
  StoreUpTo<V>(y, e * V::Set(static_cast<T>(1 / sum)), n);
}

template <class P, class V>
struct Softmaxes {
  using T = typename V::Scalar;

  // NaN and infinities need no branches: they make the maximum, or the sum, NaN, and so every
  // element of the row.
  static void Softmax(const T* x, T* y, int64_t rows, int64_t columns) {
    if (columns <= V::kLanes) {
      for (int64_t row = 0; row < rows; ++row) {
        ShortSoftmax<P, V>(x + row * columns, y + row * columns, columns);
      }
      return;
    }
    for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
      const auto shift = V::Set(Extrema<V>::MaxOf(x, columns));
      const double sum = SumOfTerms<P, V>(columns, [=](int64_t i, int64_t c) {
        const auto e = Exp<V>(LoadUpTo<V>(x + i, c) - shift);
        StoreUpTo<V>(y + i, e, c);
        return c == V::kLanes ? e : KeepFirst<V>(e, c, V::Zero());
      });
      const auto scale = V::Set(static_cast<T>(1 / sum));
      StoreEach<V>(y, columns, [=](int64_t i, int64_t c) { return LoadUpTo<V>(y + i, c) * scale; });
    }
  }

  static void LogSoftmax(const T* x, T* y, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
      const T max = Extrema<V>::MaxOf(x, columns);
      const double sum = Sums<P, V>::SumExp(x, columns, max);
      const auto shift = V::Set(max);
      const auto log = V::Set(static_cast<T>(__builtin_log(sum)));
      StoreEach<V>(y, columns,
                   [=](int64_t i, int64_t c) { return (LoadUpTo<V>(x + i, c) - shift) - log; });
    }
  }

  static void SoftmaxGrad(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
      const auto sum = V::Set(static_cast<T>(Sums<P, V>::Dot(dy, y, columns)));
      StoreEach<V>(dx, columns, [=](int64_t i, int64_t c) {
        return LoadUpTo<V>(y + i, c) * (LoadUpTo<V>(dy + i, c) - sum);
      });
    }
  }

  static void LogSoftmaxGrad(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
      const auto sum = V::Set(static_cast<T>(Sums<P, V>::Sum(dy, columns)));
      StoreEach<V>(dx, columns, [=](int64_t i, int64_t c) {
        return V::Fnma(Exp<V>(LoadUpTo<V>(y + i, c)), sum, LoadUpTo<V>(dy + i, c));
      });
    }
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_SOFTMAX_H_
