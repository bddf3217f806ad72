// Matrix products of bf16 matrices with sums in f32: C = activation(A B + beta C + bias).
//
// A is bf16; B is bf16, or f32 and rounded to bf16 while it is packed (the compute copy of a master
// weight); C is bf16 or f32. bias, activation and the old C enter in f32, before the only rounding.
// Where the processor multiplies bf16 itself (AVX512_BF16, AMX) it does so, which treats denormal
// elements as zero; elsewhere elements are widened while they are packed.
//
// The guarantees of gemm.h hold: on one instruction set an element's bytes depend only on its row
// of A, its column of B, its old value, bias and k. Instruction sets differ in the order of the
// additions.
//
// Example:
//   const autograd::BFloat16 one = {0x3f80}, two = {0x4000};
//   const autograd::BFloat16 a[4] = {one, two, two, two};  // [2, 2]
//   const float w[2] = {3.0f, 0.5f}, bias = 10.0f;         // [2, 1], [1]
//   float y[2];
//   kernels::GemmBf16Epilogue<float> epilogue;
//   epilogue.bias = &bias;
//   kernels::GemmBf16(2, 1, 2, a, 2, 1, w, 1, 1, 0.0f, y, 1, epilogue);
//   std::cout << y[0] << " " << y[1] << "\n";  // 14 17
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// What is applied to a sum before it is rounded to an element of C.
template <class C>
struct GemmBf16Epilogue {
  const float* bias = nullptr;  // [n], added to every row
  // As GemmEpilogue<float>: a function of unary.h and its parameter. May be null.
  void (*activation)(const float* x, float* y, int64_t n, float parameter) = nullptr;
  float parameter = 0;
  // [m, n] with rows contiguous; receives what the activation is applied to, rounded. May be null.
  C* pre_activation = nullptr;
  int64_t pre_activation_row_stride = 0;
};

// C[m, n] = activation(A[m, k] B[k, n] + beta C + bias). Strides are in elements, those of C's
// columns are 1. Sizes are not negative; C overlaps neither A nor B. beta == 0 never reads C.
void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const BFloat16* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, BFloat16* c, int64_t c_row_stride,
              const GemmBf16Epilogue<BFloat16>& epilogue = GemmBf16Epilogue<BFloat16>());
void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, BFloat16* c, int64_t c_row_stride,
              const GemmBf16Epilogue<BFloat16>& epilogue = GemmBf16Epilogue<BFloat16>());
void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const BFloat16* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, float* c, int64_t c_row_stride,
              const GemmBf16Epilogue<float>& epilogue = GemmBf16Epilogue<float>());
void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, float* c, int64_t c_row_stride,
              const GemmBf16Epilogue<float>& epilogue = GemmBf16Epilogue<float>());

// `batch` independent products: matrix i of A starts at a + i a_batch_stride and so on. A batch
// stride of 0 shares one A or B among all. The same bits as `batch` calls of GemmBf16.
void BatchedGemmBf16(int64_t batch, int64_t m, int64_t n, int64_t k, const BFloat16* a,
                     int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride,
                     const BFloat16* b, int64_t b_batch_stride, int64_t b_row_stride,
                     int64_t b_col_stride, float beta, BFloat16* c, int64_t c_batch_stride,
                     int64_t c_row_stride);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_H_
