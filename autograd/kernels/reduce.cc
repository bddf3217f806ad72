#include "autograd/kernels/reduce.h"

#include <cmath>

#include "autograd/kernels/isa.h"
#include "autograd/kernels/reduce_integers.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const ReduceTables kReduceAvx2;
extern const ReduceTables kReduceAvx512;
#endif

namespace {

// Compensated (Neumaier 1974), in f64: products of two floats are exact there.
template <class Term>
double SumOfTerms(int64_t n, Term term) {
  double sum = 0, rest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = term(i);
    const double t = sum + x;
    rest += std::abs(sum) >= std::abs(x) ? (sum - t) + x : (x - t) + sum;
    sum = t;
  }
  return std::isfinite(sum) ? sum + rest : sum;
}

template <class T>
struct Scalar {
  static double Sum(const T* x, int64_t n) {
    return SumOfTerms(n, [=](int64_t i) { return static_cast<double>(x[i]); });
  }
  static double SumSquares(const T* x, int64_t n) { return Dot(x, x, n); }
  static double SumAbs(const T* x, int64_t n) {
    return SumOfTerms(n, [=](int64_t i) { return std::abs(static_cast<double>(x[i])); });
  }
  static double Dot(const T* x, const T* y, int64_t n) {
    return SumOfTerms(n, [=](int64_t i) { return static_cast<double>(x[i]) * y[i]; });
  }
  static double SquaredDifference(const T* x, const T* y, int64_t n) {
    return SumOfTerms(n, [=](int64_t i) {
      const double d = static_cast<double>(x[i]) - y[i];
      return d * d;
    });
  }

  static int64_t ArgMax(const T* x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (std::isnan(x[i])) return i;
      if (x[i] > x[best]) best = i;
    }
    return best;
  }
  static int64_t ArgMin(const T* x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (std::isnan(x[i])) return i;
      if (x[i] < x[best]) best = i;
    }
    return best;
  }
  static T Max(const T* x, int64_t n) { return x[ArgMax(x, n)]; }
  static T Min(const T* x, int64_t n) { return x[ArgMin(x, n)]; }

  static double SumExp(const T* x, int64_t n, T shift) {
    return SumOfTerms(n, [=](int64_t i) { return static_cast<double>(std::exp(x[i] - shift)); });
  }
  static void MeanM2(const T* x, int64_t n, double* mean, double* m2) {
    const double centre = Sum(x, n) / static_cast<double>(n);
    *mean = centre;
    *m2 = SumOfTerms(n, [=](int64_t i) { return (x[i] - centre) * (x[i] - centre); });
  }

  static void ColumnSum(const T* x, int64_t rows, int64_t columns, int64_t stride, T* y) {
    for (int64_t j = 0; j < columns; ++j) {
      y[j] = static_cast<T>(
          SumOfTerms(rows, [=](int64_t i) { return static_cast<double>(x[i * stride + j]); }));
    }
  }
  static void ColumnSumPartial(const T* x, int64_t rows, int64_t columns, int64_t stride,
                               double* y) {
    for (int64_t j = 0; j < columns; ++j) {
      y[j] = SumOfTerms(rows, [=](int64_t i) { return static_cast<double>(x[i * stride + j]); });
    }
  }
  static void ColumnDotPartial(const T* a, const T* b, int64_t rows, int64_t columns,
                               int64_t stride_a, int64_t stride_b, double* y) {
    for (int64_t j = 0; j < columns; ++j) {
      y[j] = SumOfTerms(rows, [=](int64_t i) {
        return static_cast<double>(a[i * stride_a + j]) * b[i * stride_b + j];
      });
    }
  }

  static void Softmax(const T* x, T* y, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
      const T max = Max(x, columns);
      for (int64_t i = 0; i < columns; ++i) y[i] = std::exp(x[i] - max);
      const double sum = Sum(y, columns);
      for (int64_t i = 0; i < columns; ++i) y[i] = static_cast<T>(y[i] / sum);
    }
  }
  static void LogSoftmax(const T* x, T* y, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
      const T max = Max(x, columns);
      const double log = std::log(SumExp(x, columns, max));
      for (int64_t i = 0; i < columns; ++i) y[i] = static_cast<T>((x[i] - max) - log);
    }
  }
  static void SoftmaxGrad(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
      const double sum = Dot(dy, y, columns);
      for (int64_t i = 0; i < columns; ++i) dx[i] = static_cast<T>(y[i] * (dy[i] - sum));
    }
  }
  static void LogSoftmaxGrad(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
      const double sum = Sum(dy, columns);
      for (int64_t i = 0; i < columns; ++i) dx[i] = static_cast<T>(dy[i] - std::exp(y[i]) * sum);
    }
  }

  static constexpr ReduceKernels<T> Make() {
    return {Sum,
            SumSquares,
            SumAbs,
            Dot,
            SquaredDifference,
            Max,
            Min,
            ArgMax,
            ArgMin,
            SumExp,
            MeanM2,
            ColumnSum,
            ColumnSumPartial,
            ColumnDotPartial,
            Softmax,
            LogSoftmax,
            SoftmaxGrad,
            LogSoftmaxGrad};
  }
};

constexpr ReduceTables kReduceScalar =
    MakeReduceTables(Scalar<float>::Make(), Scalar<double>::Make());

const ReduceTables& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kReduceAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kReduceAvx512;
#endif
    default:
      return kReduceScalar;
  }
}

}  // namespace

const ReduceTables& GetReduceTables() {
  static const ReduceTables& tables = Choose();
  return tables;
}

const ReduceTables& ScalarReduceTables() { return kReduceScalar; }

}  // namespace autograd::kernels
