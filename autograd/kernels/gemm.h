// Matrix products on raw pointers, in f32 and f64: C = activation(alpha A B + beta C + bias).
//
// A is [m, k] and B is [k, n], each with any strides (in elements), so a transposed matrix is the
// same call with its two strides exchanged; C is [m, n], its rows contiguous. The processor's best
// instruction set is used (isa.h), and large problems run on several threads (parallel.h).
//
// What one can rely on:
// - Element (i, j) of the result depends only on row i of A, column j of B, k and the instruction
//   set. Neither strides, alignment, the number of threads, nor the other rows and columns change a
//   bit of it: for every element the products are added in the order of k, in chunks of
//   GemmChunk(k), by fused multiply-adds in the element type (the scalar kernels round twice).
// - NaN and infinity propagate as in the sum of products; 0 * inf is NaN. beta == 0 never reads C.
// - k == 0 gives activation(beta C + bias); m == 0 or n == 0 does nothing.
// - Once warm, nothing is allocated: packed copies live in buffers that each thread keeps.
//
// Sizes are not negative, pointers are valid for the elements the strides reach, and C overlaps
// neither A nor B; the callers in ops/ have checked that.
//
// Example:
//   std::vector<float> a = {1, 2, 3, 4, 5, 6};     // [2, 3]
//   std::vector<float> w = {1, 0, 1, 0, 2, 0};     // [2, 3], used as its transpose [3, 2]
//   std::vector<float> y(4), bias = {10, 20};      // [2, 2], [2]
//   kernels::GemmEpilogue<float> epilogue;
//   epilogue.bias = bias.data();
//   kernels::Gemm(2, 2, 3, 1.0f, a.data(), 3, 1, w.data(), 1, 3, 0.0f, y.data(), 2, epilogue);
//   std::cout << y[0] << " " << y[1] << " " << y[2] << " " << y[3] << "\n";  // 14 24 20 30
#ifndef AUTOGRAD_KERNELS_GEMM_H_
#define AUTOGRAD_KERNELS_GEMM_H_

#include <stdint.h>

namespace autograd::kernels {

// What is applied to a result while it is still in the cache.
template <class T>
struct GemmEpilogue {
  const T* bias = nullptr;  // [n], added to every row
  // y[i] = f(x[i]), i < n: a function of unary.h such as GetUnary<float>(UnaryOp::kElu), and its
  // parameter; so the bytes are those of the product followed by that kernel. May be null.
  void (*activation)(const T* x, T* y, int64_t n, T parameter) = nullptr;
  T parameter = 0;
  // [m, n] with rows contiguous, apart from C; receives what the activation is applied to, for
  // activations whose derivative needs it. May be null.
  T* pre_activation = nullptr;
  int64_t pre_activation_row_stride = 0;
};

// C[m, n] = activation(alpha A[m, k] B[k, n] + beta C + bias).
void Gemm(int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t a_row_stride,
          int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
          float beta, float* c, int64_t c_row_stride,
          const GemmEpilogue<float>& epilogue = GemmEpilogue<float>());
void Gemm(int64_t m, int64_t n, int64_t k, double alpha, const double* a, int64_t a_row_stride,
          int64_t a_col_stride, const double* b, int64_t b_row_stride, int64_t b_col_stride,
          double beta, double* c, int64_t c_row_stride,
          const GemmEpilogue<double>& epilogue = GemmEpilogue<double>());

// `batch` independent products: matrix i of A starts at a + i a_batch_stride and so on. A batch
// stride of 0 shares one A or B among all. The same bits as `batch` calls of Gemm.
void BatchedGemm(int64_t batch, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
                 int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride, const float* b,
                 int64_t b_batch_stride, int64_t b_row_stride, int64_t b_col_stride, float beta,
                 float* c, int64_t c_batch_stride, int64_t c_row_stride);
void BatchedGemm(int64_t batch, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
                 int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride,
                 const double* b, int64_t b_batch_stride, int64_t b_row_stride,
                 int64_t b_col_stride, double beta, double* c, int64_t c_batch_stride,
                 int64_t c_row_stride);

// The number of products added up before they are added to the result: k cut into equal chunks of
// at most 384.
int64_t GemmChunk(int64_t k);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_H_
