// The matrix product as its definition says it: the oracle of every fast one.
#ifndef AUTOGRAD_KERNELS_GEMM_REFERENCE_H_
#define AUTOGRAD_KERNELS_GEMM_REFERENCE_H_

#include <cstdint>

namespace autograd::kernels {

// C[m, n] = alpha A[m, k] B[k, n] + beta C, added up in double. Strides are in elements. beta == 0
// does not read C.
template <class T>
void ReferenceGemm(int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t a_row_stride,
                   int64_t a_col_stride, const T* b, int64_t b_row_stride, int64_t b_col_stride,
                   T beta, T* c, int64_t c_row_stride) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < k; ++p) {
        sum += static_cast<double>(a[i * a_row_stride + p * a_col_stride]) *
               static_cast<double>(b[p * b_row_stride + j * b_col_stride]);
      }
      T& out = c[i * c_row_stride + j];
      const double old = beta == T(0) ? 0.0 : static_cast<double>(beta) * static_cast<double>(out);
      out = static_cast<T>(static_cast<double>(alpha) * sum + old);
    }
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_REFERENCE_H_
