// The kernels of row_norm_kernels.h on the vector types of simd_avx2.h and simd_avx512.h. See
// vec_math.h for the rules of these headers, reduce_sums.h for P.
#ifndef AUTOGRAD_KERNELS_ROW_NORM_SIMD_H_
#define AUTOGRAD_KERNELS_ROW_NORM_SIMD_H_

#include "autograd/kernels/norm_sums.h"
#include "autograd/kernels/reduce_sums.h"
#include "autograd/kernels/row_norm_kernels.h"

namespace autograd::kernels {
namespace {

template <class P, class V>
struct RowNorms {
  using T = typename V::Scalar;
  using Vec = typename V::Vec;

  // u of a row, as (x - m rounded to T) r + what was rounded off.
  struct Unit {
    Vec centre, inverse, shift;

    [[gnu::always_inline]] explicit Unit(const double* statistics) {
      const T rounded = static_cast<T>(statistics[0]);
      const double rest = static_cast<double>(rounded) - statistics[0];
      centre = V::Set(rounded);
      inverse = V::Set(static_cast<T>(statistics[1]));
      shift = V::Set(static_cast<T>(rest * statistics[1]));
    }
    [[gnu::always_inline]] Vec Of(Vec x) const { return V::Fma(x - centre, inverse, shift); }
  };

  // The sum of f(x - centre).
  template <class F>
  [[gnu::always_inline]] static double SumOfDistances(const T* x, int64_t n, T centre, F f) {
    const auto from = V::Set(centre);
    return SumOfTerms<P, V>(n, [=](int64_t i, int64_t count) {
      const auto d = LoadUpTo<V>(x + i, count) - from;
      return f(count == V::kLanes ? d : KeepFirst<V>(d, count, V::Zero()));
    });
  }

  // By distances from an element, which are no larger than the data are spread.
  static double Mean(const T* x, int64_t n) {
    const double sum = SumOfDistances(x, n, x[0], [](Vec d) { return d; });
    return static_cast<double>(x[0]) + sum / static_cast<double>(n);
  }

  // From the mean, which rounded to T is off by a little: sum (x - mean)^2 = sum (x - rounded)^2 -
  // n off^2.
  static double SquaredDistances(const T* x, int64_t n, double mean) {
    const T rounded = static_cast<T>(mean);
    const double sum = SumOfDistances(x, n, rounded, [](Vec d) { return d * d; });
    const double off = mean - static_cast<double>(rounded);
    const double squares = sum - static_cast<double>(n) * off * off;
    return squares < 0 ? 0 : squares;
  }

  static void Forward(const T* x, int64_t rows, int64_t channels, const T* weight, const T* bias,
                      double eps, bool centred, T* y, double* statistics) {
    const double n = static_cast<double>(channels);
    for (int64_t row = 0; row < rows; ++row, x += channels, y += channels, statistics += 2) {
      const double mean = centred ? Mean(x, channels) : 0;
      const double squares = SquaredDistances(x, channels, mean);
      statistics[0] = mean;
      statistics[1] = 1 / __builtin_sqrt(squares / n + eps);
      const Unit unit(statistics);
      StoreRows<V>(1, channels, y, [=](int64_t, int64_t c, int64_t count) {
        return V::Fma(unit.Of(LoadUpTo<V>(x + c, count)), LoadUpTo<V>(weight + c, count),
                      LoadUpTo<V>(bias + c, count));
      });
    }
  }

  static void InputGradient(const T* x, const T* dy, int64_t rows, int64_t channels,
                            const T* weight, const double* statistics, bool centred, T* dx) {
    const double n = static_cast<double>(channels);
    for (int64_t row = 0; row < rows; ++row) {
      const Unit unit(statistics);
      const auto g = [=](int64_t c, int64_t count) {
        return LoadUpTo<V>(dy + c, count) * LoadUpTo<V>(weight + c, count);
      };
      const auto u = [=](int64_t c, int64_t count) { return unit.Of(LoadUpTo<V>(x + c, count)); };
      const double sum = centred ? SumOfTerms<P, V>(channels, g) : 0;
      // In the lanes beyond the row g is 0.
      const double dot = SumOfTerms<P, V>(
          channels, [=](int64_t c, int64_t count) { return g(c, count) * u(c, count); });
      const auto mean = V::Set(static_cast<T>(sum / n)), mean_dot = V::Set(static_cast<T>(dot / n));
      StoreRows<V>(1, channels, dx, [=](int64_t, int64_t c, int64_t count) {
        return unit.inverse * V::Fnma(u(c, count), mean_dot, g(c, count) - mean);
      });
      x += channels;
      dy += channels;
      dx += channels;
      statistics += 2;
    }
  }

  static void ParameterSums(const T* x, const T* dy, int64_t rows, int64_t channels,
                            const double* statistics, double* sum, double* dot) {
    SumRows<P, V>(rows, channels, sum, dot, [=](int64_t row, int64_t c, int64_t count) {
      const int64_t i = row * channels + c;
      return SumTerms<V>{LoadUpTo<V>(dy + i, count),
                         Unit(statistics + 2 * row).Of(LoadUpTo<V>(x + i, count))};
    });
  }

  static constexpr RowNormKernels<T> Make() { return {Forward, InputGradient, ParameterSums}; }
};

template <class F32, class F64>
constexpr RowNormTables MakeRowNormTables() {
  using P = NormTypes<F32, F64>;
  return {RowNorms<P, F32>::Make(), RowNorms<P, F64>::Make()};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ROW_NORM_SIMD_H_
