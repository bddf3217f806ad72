// Packing for the matrix product: copies of blocks of A and B in the order in which the tiles of
// gemm_tile.h read them. A Transpose type gives the size of the square blocks that an instruction
// set transposes in registers, and how. What is read may be of another type than what is written:
// it is converted by gemm_load.h.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_PACK_H_
#define AUTOGRAD_KERNELS_GEMM_PACK_H_

#include <stdint.h>

#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_load.h"

namespace autograd::kernels {
namespace {

// out[p * out_stride + i] = in[i * in_row_stride + p * in_col_stride], i < rows, p < k.
template <class In, class T>
void TransposeAny(int64_t rows, int64_t k, const In* in, int64_t in_row_stride,
                  int64_t in_col_stride, T* out, int64_t out_stride) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t i = 0; i < rows; ++i) {
      out[p * out_stride + i] = ElementAs<T>(in[i * in_row_stride + p * in_col_stride]);
    }
  }
}

// As TransposeAny, for in_col_stride == 1 and any number of rows: whole blocks, the last one
// overlapping the one before where rows is no multiple of a block. A cache line of each row is used
// up before the next rows come, because rows a power of two apart evict each other.
template <class Transpose, class In, class T>
void TransposeRows(int64_t rows, int64_t k, const In* in, int64_t in_row_stride, T* out,
                   int64_t out_stride) {
  constexpr int64_t kSize = Transpose::kSize, kLine = 64 / static_cast<int64_t>(sizeof(T));
  if (rows < kSize) return TransposeAny(rows, k, in, in_row_stride, 1, out, out_stride);
  const int64_t whole = k - k % kSize;
  for (int64_t p = 0; p < whole; p += kLine) {
    const int64_t end = p + kLine < whole ? p + kLine : whole;
    for (int64_t next = 0; next < rows; next += kSize) {
      const int64_t i = next + kSize <= rows ? next : rows - kSize;
      for (int64_t q = p; q < end; q += kSize) {
        Transpose::Run(in + i * in_row_stride + q, in_row_stride, out + q * out_stride + i,
                       out_stride);
      }
    }
  }
  TransposeAny(rows, k - whole, in + whole, in_row_stride, 1, out + whole * out_stride, out_stride);
}

// out[p * out_stride + i] = in[p * in_stride + i] for i < count <= padded; zero up to padded.
template <class V, class In, class T>
void CopyRows(int64_t k, int64_t count, int64_t padded, const In* in, int64_t in_stride, T* out,
              int64_t out_stride) {
  const int64_t whole = count - count % V::kLanes;
  for (int64_t p = 0; p < k; ++p) {
    int64_t i = 0;
    for (; i < whole; i += V::kLanes) V::Store(out + i, LoadAs<V>(in + i));
    if (i < count && padded - i >= V::kLanes) {
      V::Store(out + i, LoadPartialAs<V>(in + i, count - i));
      i += V::kLanes;
    } else if (i < count) {
      V::StorePartial(out + i, LoadPartialAs<V>(in + i, count - i), count - i);
      i = padded;
    }
    for (; i < padded; i += V::kLanes) V::Store(out + i, V::Zero());
    in += in_stride;
    out += out_stride;
  }
}

// GemmKernels::pack_a.
template <class V, class Transpose, int kRows, class In = typename V::Scalar>
void PackA(int64_t m, int64_t k, const In* a, int64_t row_stride, int64_t col_stride,
           typename V::Scalar* out) {
  const RowTiles tiles = CutRows(m, kRows);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int64_t rows = t < tiles.large ? tiles.rows : tiles.rows - 1;
    if (row_stride == 1) {
      CopyRows<V>(k, rows, rows, a, col_stride, out, kRows);
    } else if (col_stride == 1) {
      TransposeRows<Transpose>(rows, k, a, row_stride, out, kRows);
    } else {
      TransposeAny(rows, k, a, row_stride, col_stride, out, kRows);
    }
    a += rows * row_stride;
    out += k * kRows;
  }
}

// GemmKernels::pack_b.
template <class V, class Transpose, int kCols, class In = typename V::Scalar>
void PackB(int64_t k, int64_t n, const In* b, int64_t row_stride, int64_t col_stride,
           typename V::Scalar* out) {
  for (int64_t j = 0; j < n; j += kCols) {
    const int64_t cols = n - j < kCols ? n - j : kCols;
    if (col_stride == 1) {
      CopyRows<V>(k, cols, kCols, b, row_stride, out, kCols);
    } else {
      if (cols < kCols) {
        for (int64_t p = 0; p < k; ++p) {
          for (int64_t i = cols; i < kCols; ++i) out[p * kCols + i] = 0;
        }
      }
      if (row_stride == 1) {
        TransposeRows<Transpose>(cols, k, b, col_stride, out, kCols);
      } else {
        TransposeAny(cols, k, b, col_stride, row_stride, out, kCols);
      }
    }
    b += kCols * col_stride;
    out += k * kCols;
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_PACK_H_
