// The loops of layer and RMS normalisation over rows, for one instruction set.
//
// Each of `rows` dense rows of `channels` numbers is normalised by itself. With its mean m (0 for
// RMS normalisation), v the mean of (x - m)^2 and r = 1 / sqrt(v + eps),
//   u = (x - m) r, y = u weight + bias.
#ifndef AUTOGRAD_KERNELS_ROW_NORM_KERNELS_H_
#define AUTOGRAD_KERNELS_ROW_NORM_KERNELS_H_

#include <stdint.h>

namespace autograd::kernels {

// For T = float or double. `statistics` holds m and r of each row.
template <class T>
struct RowNormKernels {
  // Statistics and y; m is 0 unless centred.
  void (*forward)(const T* x, int64_t rows, int64_t channels, const T* weight, const T* bias,
                  double eps, bool centred, T* y, double* statistics);
  // With g = weight dy and means over the row, dx = r (g - mean(g) - u mean(g u)), without mean(g)
  // unless centred.
  void (*input_gradient)(const T* x, const T* dy, int64_t rows, int64_t channels, const T* weight,
                         const double* statistics, bool centred, T* dx);
  // sum[c] = sum over rows of dy, dot[c] = of dy u: the gradients of bias and weight.
  void (*parameter_sums)(const T* x, const T* dy, int64_t rows, int64_t channels,
                         const double* statistics, double* sum, double* dot);
};

struct RowNormTables {
  RowNormKernels<float> f32;
  RowNormKernels<double> f64;
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const RowNormTables& GetRowNormTables();

// The plain C++ reference, for any processor.
const RowNormTables& ScalarRowNormTables();

// The kernels of ActiveIsa() for float or double.
template <class T>
const RowNormKernels<T>& GetRowNorm() {
  if constexpr (sizeof(T) == 4) {
    return GetRowNormTables().f32;
  } else {
    return GetRowNormTables().f64;
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ROW_NORM_KERNELS_H_
