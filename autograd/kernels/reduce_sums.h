// Sums, extrema and column sums of floats on the vector types of simd_avx2.h and simd_avx512.h. See
// vec_math.h for the rules of these headers.
//
// The templates take a pair of types: P::F32 and P::F64 of one instruction set.
#ifndef AUTOGRAD_KERNELS_REDUCE_SUMS_H_
#define AUTOGRAD_KERNELS_REDUCE_SUMS_H_

#include <stdint.h>

#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

template <class Scalar>
struct LaneNumbers {
  static constexpr Scalar kValues[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
};

// The first n lanes of v, and `rest` in the others.
template <class V>
[[gnu::always_inline]] inline typename V::Vec KeepFirst(typename V::Vec v, int64_t n,
                                                        typename V::Vec rest) {
  using Scalar = typename V::Scalar;
  const auto lane = V::Load(LaneNumbers<Scalar>::kValues);
  return V::Select(V::Lt(lane, V::Set(static_cast<Scalar>(n))), v, rest);
}

// The sum of the lanes, as f64.
template <class P, class V>
[[gnu::always_inline]] inline double LaneSum(typename V::Vec v) {
  if constexpr (sizeof(typename V::Scalar) == 4) {
    return P::F64::ReduceAdd(P::F64::FromF32Lo(v) + P::F64::FromF32Hi(v));
  } else {
    return V::ReduceAdd(v);
  }
}

// A running sum that keeps what each addition rounds off (Neumaier 1974).
struct CompensatedSum {
  double sum = 0, rest = 0;

  void Add(double x) {
    const double t = sum + x;
    rest += __builtin_fabs(sum) >= __builtin_fabs(x) ? (sum - t) + x : (x - t) + sum;
    sum = t;
  }
  // `rest` is NaN once the sum is infinite.
  double Total() const { return __builtin_isfinite(sum) ? sum + rest : sum; }
};

// Vectors in one accumulator before it is emptied into the compensated sum: more would round more,
// fewer cost time.
inline constexpr int kSteps = 16;
inline constexpr int kAccumulators = 4;

// The sum of term(i, count), a vector of the terms of elements [i, i + count) with 0 in the lanes
// beyond; count is V::kLanes but for the last one.
template <class P, class V, class Term>
[[gnu::always_inline]] inline double SumOfTerms(int64_t n, Term term) {
  constexpr int64_t kLanes = V::kLanes;
  CompensatedSum total;
  int64_t i = 0;
  while (i < n) {
    typename V::Vec sums[kAccumulators] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
    for (int step = 0; step < kSteps && i + kAccumulators * kLanes <= n; ++step) {
#pragma GCC unroll 4
      for (int a = 0; a < kAccumulators; ++a) {
        sums[a] = sums[a] + term(i + a * kLanes, kLanes);
      }
      i += kAccumulators * kLanes;
    }
    if (n - i < kAccumulators * kLanes) {
#pragma GCC unroll 4
      for (int a = 0; a < kAccumulators && i < n; ++a) {
        const int64_t count = n - i < kLanes ? n - i : kLanes;
        sums[a] = sums[a] + term(i, count);
        i += count;
      }
    }
    total.Add(LaneSum<P, V>((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  return total.Total();
}

template <class V>
[[gnu::always_inline]] inline typename V::Vec LoadUpTo(const typename V::Scalar* p, int64_t count) {
  return count == V::kLanes ? V::Load(p) : V::LoadPartial(p, count);
}

template <class V>
[[gnu::always_inline]] inline void StoreUpTo(typename V::Scalar* p, typename V::Vec v,
                                             int64_t count) {
  if (count == V::kLanes) {
    V::Store(p, v);
  } else {
    V::StorePartial(p, v, count);
  }
}

template <class P, class V>
struct Sums {
  using T = typename V::Scalar;

  static double Sum(const T* x, int64_t n) {
    return SumOfTerms<P, V>(n, [=](int64_t i, int64_t c) { return LoadUpTo<V>(x + i, c); });
  }
  static double SumSquares(const T* x, int64_t n) { return Dot(x, x, n); }
  static double SumAbs(const T* x, int64_t n) {
    return SumOfTerms<P, V>(n, [=](int64_t i, int64_t c) { return Abs<V>(LoadUpTo<V>(x + i, c)); });
  }
  static double Dot(const T* x, const T* y, int64_t n) {
    return SumOfTerms<P, V>(
        n, [=](int64_t i, int64_t c) { return LoadUpTo<V>(x + i, c) * LoadUpTo<V>(y + i, c); });
  }
  static double SquaredDifference(const T* x, const T* y, int64_t n) {
    return SumOfTerms<P, V>(n, [=](int64_t i, int64_t c) {
      const auto d = LoadUpTo<V>(x + i, c) - LoadUpTo<V>(y + i, c);
      return d * d;
    });
  }
  static double SumExp(const T* x, int64_t n, T shift) {
    const auto s = V::Set(shift);
    return SumOfTerms<P, V>(n, [=](int64_t i, int64_t c) {
      const auto e = Exp<V>(LoadUpTo<V>(x + i, c) - s);
      return c == V::kLanes ? e : KeepFirst<V>(e, c, V::Zero());
    });
  }
  // The mean rounded to T is off by mean - m, for which sum (x - m)^2 is corrected (Chan, Golub and
  // LeVeque 1983).
  static void MeanM2(const T* x, int64_t n, double* mean, double* m2) {
    *mean = Sum(x, n) / static_cast<double>(n);
    const T m = static_cast<T>(*mean);
    const auto centre = V::Set(m);
    const double squares = SumOfTerms<P, V>(n, [=](int64_t i, int64_t c) {
      const auto d = LoadUpTo<V>(x + i, c) - centre;
      const auto kept = c == V::kLanes ? d : KeepFirst<V>(d, c, V::Zero());
      return kept * kept;
    });
    const double off = *mean - static_cast<double>(m);
    const double corrected = squares - static_cast<double>(n) * off * off;
    *m2 = corrected < 0 ? 0 : corrected;
  }
};

// The largest element (of -x: kSign = -1 turns minima into maxima), NaN if there is one.
template <class V, bool kNegate>
[[gnu::always_inline]] inline typename V::Scalar Largest(const typename V::Scalar* x, int64_t n) {
  using T = typename V::Scalar;
  const auto lowest = V::Set(-Consts<V>::kInf);
  const auto flip = V::Set(kNegate ? T(-0.0) : T(0));
  typename V::Vec best[kAccumulators] = {lowest, lowest, lowest, lowest};
  typename V::Vec nan = V::Zero();  // NaN in a lane that has seen one
  int64_t i = 0;
  for (; i + kAccumulators * V::kLanes <= n; i += kAccumulators * V::kLanes) {
#pragma GCC unroll 4
    for (int a = 0; a < kAccumulators; ++a) {
      const auto v = V::Load(x + i + a * V::kLanes);
      best[a] = V::Max(best[a], V::Xor(v, flip));
      nan = V::Select(V::IsNan(v), v, nan);
    }
  }
  for (; i < n; i += V::kLanes) {
    const int64_t count = n - i < V::kLanes ? n - i : V::kLanes;
    const auto v = LoadUpTo<V>(x + i, count);
    best[0] = V::Max(best[0], KeepFirst<V>(V::Xor(v, flip), count, lowest));
    nan = V::Select(V::IsNan(v), v, nan);
  }
  if (V::Bits(V::IsNan(nan)) != 0) return Consts<V>::kNan;
  const T result = V::ReduceMax(V::Max(V::Max(best[0], best[1]), V::Max(best[2], best[3])));
  return kNegate ? -result : result;
}

// The first element equal to value, or the first NaN if it is NaN; there is one.
template <class V>
[[gnu::always_inline]] inline int64_t FirstEqual(const typename V::Scalar* x, int64_t n,
                                                 typename V::Scalar value) {
  const auto wanted = V::Set(value);
  const bool nan = value != value;
  for (int64_t i = 0; i < n; i += V::kLanes) {
    const int64_t count = n - i < V::kLanes ? n - i : V::kLanes;
    const auto v = LoadUpTo<V>(x + i, count);
    unsigned found = V::Bits(nan ? V::IsNan(v) : V::Eq(v, wanted));
    found &= (1u << count) - 1u;
    if (found != 0) return i + __builtin_ctz(found);
  }
  return 0;
}

template <class V>
struct Extrema {
  using T = typename V::Scalar;

  static T MaxOf(const T* x, int64_t n) { return Largest<V, false>(x, n); }
  static T MinOf(const T* x, int64_t n) { return Largest<V, true>(x, n); }
  static int64_t ArgMax(const T* x, int64_t n) { return FirstEqual<V>(x, n, MaxOf(x, n)); }
  static int64_t ArgMin(const T* x, int64_t n) { return FirstEqual<V>(x, n, MinOf(x, n)); }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_SUMS_H_
