// Reductions of a row to a number, of columns to a row, and the row functions built from them
// (softmax).
//
// Raw pointers, one thread: callers cut the work into pieces of a fixed size and combine the
// results in index order. The order in which elements are combined depends on n alone, never on the
// alignment. Terms (x^2, x y, ...) are formed in T; sums of floats are built in blocks, and the
// blocks' sums are added in f64 with compensation, so the error is that of the first few additions:
// relative to the sum of the terms' sizes, at most 2^-19 for f32 and 2^-48 for f64 whatever n is
// (usually far less). Sums are returned as double for both types, so that partial sums lose nothing
// when the caller combines them.
//
// Example:
//   const float x[4] = {1.0f, 2.0f, 3.0f, 4.0f};
//   float y[4];
//   const auto& k = kernels::GetReduce<float>();
//   k.softmax(x, y, /*rows=*/1, /*columns=*/4);
//   std::cout << k.sum(x, 4) << " " << k.argmax(x, 4) << " " << y[3] << "\n";  // 10 3 0.643914
#ifndef AUTOGRAD_KERNELS_REDUCE_H_
#define AUTOGRAD_KERNELS_REDUCE_H_

#include <stdint.h>

namespace autograd::kernels {

// For T = float or double. Where not said otherwise, n >= 0 and an empty sum is 0.
template <class T>
struct ReduceKernels {
  double (*sum)(const T* x, int64_t n);
  double (*sum_squares)(const T* x, int64_t n);
  double (*sum_abs)(const T* x, int64_t n);
  double (*dot)(const T* x, const T* y, int64_t n);
  // sum (x[i] - y[i])^2; divided by n, the mean squared error.
  double (*squared_difference)(const T* x, const T* y, int64_t n);

  // n >= 1. NaN if any element is NaN.
  T (*max)(const T* x, int64_t n);
  T (*min)(const T* x, int64_t n);
  // n >= 1. The first index of the largest (smallest) element; of the first NaN if there is one, as
  // in PyTorch.
  int64_t (*argmax)(const T* x, int64_t n);
  int64_t (*argmin)(const T* x, int64_t n);

  // sum e^(x[i] - shift). With shift = max(x), log(sum) + shift is logsumexp.
  double (*sum_exp)(const T* x, int64_t n, T shift);
  // *mean = sum x / n and *m2 = sum (x - mean)^2 in two passes, n >= 1. Parts a, b of a row combine
  // as m2 = m2_a + m2_b + (mean_b - mean_a)^2 n_a n_b / (n_a + n_b) (Chan, Golub and LeVeque 1983).
  void (*mean_m2)(const T* x, int64_t n, double* mean, double* m2);

  // y[j] = sum_i x[i * stride + j] for j < columns, over i < rows.
  void (*column_sum)(const T* x, int64_t rows, int64_t columns, int64_t stride, T* y);
  // The same, not rounded to T: for partial sums over pieces of the rows.
  void (*column_sum_partial)(const T* x, int64_t rows, int64_t columns, int64_t stride, double* y);
  // y[j] = sum_i a[i * stride_a + j] b[i * stride_b + j], not rounded to T.
  void (*column_dot_partial)(const T* a, const T* b, int64_t rows, int64_t columns,
                             int64_t stride_a, int64_t stride_b, double* y);

  // Over each of `rows` contiguous rows of `columns` >= 1 elements. Outputs may be inputs
  // themselves. y = e^(x - max) / sum e^(x - max). A row with NaN or +inf, or of -inf only, becomes
  // NaN.
  void (*softmax)(const T* x, T* y, int64_t rows, int64_t columns);
  // y = x - max - log(sum e^(x - max)).
  void (*log_softmax)(const T* x, T* y, int64_t rows, int64_t columns);
  // dx = y (dy - sum y dy), y the output of softmax.
  void (*softmax_grad)(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns);
  // dx = dy - e^y sum dy, y the output of log_softmax.
  void (*log_softmax_grad)(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns);
};

// For T = int32_t or int64_t (sums wrap modulo 2^64) and uint8_t (booleans: sum counts them).
template <class T>
struct IntReduceKernels {
  int64_t (*sum)(const T* x, int64_t n);
  // n >= 1; the first index for argmax and argmin.
  T (*max)(const T* x, int64_t n);
  T (*min)(const T* x, int64_t n);
  int64_t (*argmax)(const T* x, int64_t n);
  int64_t (*argmin)(const T* x, int64_t n);
  // y[j] = sum_i x[i * stride + j].
  void (*column_sum)(const T* x, int64_t rows, int64_t columns, int64_t stride, int64_t* y);
};

// All tables of one instruction set.
struct ReduceTables {
  ReduceKernels<float> f32;
  ReduceKernels<double> f64;
  IntReduceKernels<int32_t> i32;
  IntReduceKernels<int64_t> i64;
  IntReduceKernels<uint8_t> u8;
  // Whether any (every) element is not 0; false (true) for n = 0.
  bool (*any)(const uint8_t* x, int64_t n);
  bool (*all)(const uint8_t* x, int64_t n);
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const ReduceTables& GetReduceTables();

// The plain C++ reference, for any processor.
const ReduceTables& ScalarReduceTables();

// The kernels of ActiveIsa() for float or double.
template <class T>
const ReduceKernels<T>& GetReduce() {
  if constexpr (sizeof(T) == 4) {
    return GetReduceTables().f32;
  } else {
    return GetReduceTables().f64;
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_H_
