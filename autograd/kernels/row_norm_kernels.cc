#include "autograd/kernels/row_norm_kernels.h"

#include <cmath>

#include "autograd/kernels/isa.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const RowNormTables kRowNormAvx2;
extern const RowNormTables kRowNormAvx512;
#endif

namespace {

template <class T>
struct Scalar {
  static void Forward(const T* x, int64_t rows, int64_t channels, const T* weight, const T* bias,
                      double eps, bool centred, T* y, double* statistics) {
    const double n = static_cast<double>(channels);
    for (int64_t row = 0; row < rows; ++row, x += channels, y += channels, statistics += 2) {
      double mean = 0, squares = 0;
      if (centred) {
        const double first = static_cast<double>(x[0]);
        for (int64_t c = 0; c < channels; ++c) mean += static_cast<double>(x[c]) - first;
        mean = first + mean / n;
      }
      for (int64_t c = 0; c < channels; ++c) {
        const double distance = static_cast<double>(x[c]) - mean;
        squares += distance * distance;
      }
      statistics[0] = mean;
      statistics[1] = 1 / std::sqrt(squares / n + eps);
      for (int64_t c = 0; c < channels; ++c) {
        y[c] = static_cast<T>(Unit(x[c], statistics) * static_cast<double>(weight[c]) +
                              static_cast<double>(bias[c]));
      }
    }
  }

  static void InputGradient(const T* x, const T* dy, int64_t rows, int64_t channels,
                            const T* weight, const double* statistics, bool centred, T* dx) {
    const double n = static_cast<double>(channels);
    for (int64_t row = 0; row < rows; ++row) {
      double sum = 0, dot = 0;
      for (int64_t c = 0; c < channels; ++c) {
        const double g = static_cast<double>(dy[c]) * static_cast<double>(weight[c]);
        sum += g;
        dot += g * Unit(x[c], statistics);
      }
      if (!centred) sum = 0;
      for (int64_t c = 0; c < channels; ++c) {
        const double g = static_cast<double>(dy[c]) * static_cast<double>(weight[c]);
        dx[c] = static_cast<T>(statistics[1] * (g - sum / n - Unit(x[c], statistics) * (dot / n)));
      }
      x += channels;
      dy += channels;
      dx += channels;
      statistics += 2;
    }
  }

  static void ParameterSums(const T* x, const T* dy, int64_t rows, int64_t channels,
                            const double* statistics, double* sum, double* dot) {
    for (int64_t c = 0; c < channels; ++c) {
      sum[c] = dot[c] = 0;
      for (int64_t row = 0; row < rows; ++row) {
        const double g = static_cast<double>(dy[row * channels + c]);
        sum[c] += g;
        dot[c] += g * Unit(x[row * channels + c], statistics + 2 * row);
      }
    }
  }

  static double Unit(T x, const double* statistics) {
    return (static_cast<double>(x) - statistics[0]) * statistics[1];
  }

  static constexpr RowNormKernels<T> Make() { return {Forward, InputGradient, ParameterSums}; }
};

constexpr RowNormTables kRowNormScalar = {Scalar<float>::Make(), Scalar<double>::Make()};

const RowNormTables& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kRowNormAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kRowNormAvx512;
#endif
    default:
      return kRowNormScalar;
  }
}

}  // namespace

const RowNormTables& GetRowNormTables() {
  static const RowNormTables& tables = Choose();
  return tables;
}

const RowNormTables& ScalarRowNormTables() { return kRowNormScalar; }

}  // namespace autograd::kernels
