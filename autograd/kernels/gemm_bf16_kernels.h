// What each instruction set provides to the driver in gemm_bf16.cc: a table of functions on blocks
// that stay in the cache. Internal to gemm_bf16 and linear.
//
// Packed copies are the table's own business: the driver knows only their sizes.
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_KERNELS_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_KERNELS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/gemm_bf16.h"

namespace autograd::kernels {

// C[m, n] = A B, or C + A B with accumulate, where the sum over the block's k starts at 0.
struct GemmBf16Block {
  int64_t m, n, k;  // k is a multiple of k_multiple
  // Packed: what pack_a wrote for this m and k. Otherwise bf16, element (i, p) at a[i a_row_stride
  // + p], only where reads_a has agreed.
  const void* a;
  bool a_packed;
  int64_t a_row_stride;
  // What pack_b wrote for this k: panel q holds columns [q cols, (q + 1) cols) and starts at
  // element q cols k.
  const void* b;
  // At a multiple of 64 bytes, c_row_stride a multiple of cols, with room for whole tiles: m
  // rounded up to `rows`, n to `cols`. What lies beyond [m, n] may be overwritten with anything.
  float* c;
  int64_t c_row_stride;
  bool accumulate;
};

struct GemmBf16Kernels {
  int rows;           // of A in a tile
  int cols;           // of B in a panel; a multiple of 16 floats or a divisor
  int k_multiple;     // packed copies are filled up to such a k with zeros
  int element_bytes;  // of a packed element: 4 where it is widened
  int64_t chunk;      // most products that one block adds up; a multiple of k_multiple
  // Whether multiply can read this A where it is, given that k is a multiple of k_multiple.
  bool (*reads_a)(const BFloat16* a, int64_t row_stride, int64_t col_stride);
  // A [m, k] into at most RoundUp(m, rows) RoundUp(k, k_multiple) elements, at a multiple of 64
  // bytes.
  void (*pack_a)(int64_t m, int64_t k, const BFloat16* a, int64_t row_stride, int64_t col_stride,
                 void* out);
  // B [k, n] into panels of cols RoundUp(k, k_multiple) elements, each independent of the others;
  // floats are rounded to bf16.
  void (*pack_b)(int64_t k, int64_t n, const BFloat16* b, int64_t row_stride, int64_t col_stride,
                 void* out);
  void (*pack_b_f32)(int64_t k, int64_t n, const float* b, int64_t row_stride, int64_t col_stride,
                     void* out);
  void (*multiply)(const GemmBf16Block& block);
  // Called on a thread before its first and after its last multiply of a loop. May be null.
  void (*begin)();
  void (*end)();
  // C = activation(X + beta C + bias) for X [m, n] with rows contiguous, which may be overwritten.
  void (*finish_bf16)(int64_t m, int64_t n, float* x, int64_t x_row_stride, float beta, BFloat16* c,
                      int64_t c_row_stride, const GemmBf16Epilogue<BFloat16>& epilogue);
  void (*finish_f32)(int64_t m, int64_t n, float* x, int64_t x_row_stride, float beta, float* c,
                     int64_t c_row_stride, const GemmBf16Epilogue<float>& epilogue);
  // out[n] = the column sums of X [m, n] with rows contiguous, added up in f32 in the order of the
  // rows.
  void (*sum_rows)(int64_t m, int64_t n, const BFloat16* x, int64_t x_row_stride, float* out);
};

// The table of ActiveIsa().
const GemmBf16Kernels& ActiveGemmBf16Kernels();
// For tests: the table from now on, before any product.
void SetGemmBf16KernelsForTest(const GemmBf16Kernels& kernels);

extern const GemmBf16Kernels kGemmBf16Scalar;
extern const GemmBf16Kernels kGemmBf16Avx2;
extern const GemmBf16Kernels kGemmBf16Avx512;
extern const GemmBf16Kernels kGemmBf16Avx512Bf16;
extern const GemmBf16Kernels kGemmBf16Amx;
extern const GemmBf16Kernels kGemmBf16AmxEmulated;  // linked into tests only

// GemmBf16Kernels::multiply of the tables that widen: the f32 kernels on the packed floats.
void MultiplyWidened(const GemmBf16Block& block);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_KERNELS_H_
