// What each instruction set provides to the driver in gemm.cc: a table of functions on blocks that
// stay in the cache. Internal to gemm and linear.
#ifndef AUTOGRAD_KERNELS_GEMM_KERNELS_H_
#define AUTOGRAD_KERNELS_GEMM_KERNELS_H_

#include <stdint.h>

#include "autograd/kernels/gemm.h"

namespace autograd::kernels {

// The rows of a block are cut into tiles as equal as possible rather than into full tiles and a
// rest: a tile of few rows leaves the multipliers waiting for each other. (static: the files of an
// instruction set must not share an inline function with the rest of the program.)
struct RowTiles {
  int64_t count;  // tiles
  int64_t rows;   // rows of the first `large` tiles; the others have one less
  int64_t large;
};
static constexpr RowTiles CutRows(int64_t m, int64_t max_rows) {
  const int64_t count = (m + max_rows - 1) / max_rows;
  const int64_t rows = count == 0 ? 0 : (m + count - 1) / count;
  return {count, rows, m - count * (rows - 1)};
}

// C[m, n] = activation(alpha A B + beta C + bias) on one block.
template <class T>
struct GemmBlock {
  int64_t m, n, k;
  // Element (i, p) of A is a[i row + p col] where not packed. Packed: tile t of CutRows(m, kRows)
  // starts at a + t a_tile_stride, its element (i, p) at [i + p kRows].
  const T* a;
  int64_t a_row_stride, a_col_stride;
  bool a_packed;
  int64_t a_tile_stride;
  // Panel q holds columns [q kCols, (q + 1) kCols) and starts at b + q b_panel_stride; its element
  // (p, j) is at [p b_row_stride + j]. Vectors are read whole: the last panel is padded up to a
  // multiple of the lanes.
  const T* b;
  int64_t b_row_stride, b_panel_stride;
  T alpha, beta;
  T* c;
  int64_t c_row_stride;
  GemmEpilogue<T> epilogue;  // pointers already at the block's first element
};

template <class T>
struct GemmKernels {
  int lanes;  // elements in a vector
  int rows;   // kRows: rows of A in a tile
  int cols;   // kCols: columns of B in a panel
  void (*multiply)(const GemmBlock<T>& block);
  // A [m, k] into tiles as GemmBlock describes; tile_stride is rows * k.
  void (*pack_a)(int64_t m, int64_t k, const T* a, int64_t row_stride, int64_t col_stride, T* out);
  // B [k, n] into panels: row stride cols, panel stride cols * k, padded with zeros.
  void (*pack_b)(int64_t k, int64_t n, const T* b, int64_t row_stride, int64_t col_stride, T* out);
  // C = activation(alpha X + beta C + bias) for X [m, n] with rows contiguous: what multiply does
  // with a finished sum.
  void (*finish)(int64_t m, int64_t n, T alpha, const T* x, int64_t x_row_stride, T beta, T* c,
                 int64_t c_row_stride, const GemmEpilogue<T>& epilogue);
  // out[n] = the column sums of X [m, n] with rows contiguous, added up in the order of the rows.
  void (*sum_rows)(int64_t m, int64_t n, const T* x, int64_t x_row_stride, T* out);
};

// The table of ActiveIsa() for the type of the argument.
const GemmKernels<float>& ActiveGemmKernels(float type);
const GemmKernels<double>& ActiveGemmKernels(double type);

extern const GemmKernels<float> kGemmScalarF32;
extern const GemmKernels<double> kGemmScalarF64;
extern const GemmKernels<float> kGemmAvx2F32;
extern const GemmKernels<double> kGemmAvx2F64;
extern const GemmKernels<float> kGemmAvx512F32;
extern const GemmKernels<double> kGemmAvx512F64;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_KERNELS_H_
