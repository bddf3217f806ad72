// The bf16 product of instruction sets that do not multiply bf16: elements are widened while they
// are packed, and the f32 kernels do the rest.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_WIDEN_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_WIDEN_H_

#include <stdint.h>

#include "autograd/kernels/gemm_bf16_finish.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_epilogue.h"
#include "autograd/kernels/gemm_load.h"
#include "autograd/kernels/gemm_pack.h"

namespace autograd::kernels {
namespace {

template <class V, class Transpose, int kRows, int kCols>
struct Widening {
  static bool ReadsA(const BFloat16*, int64_t, int64_t) { return false; }

  static void PackARows(int64_t m, int64_t k, const BFloat16* a, int64_t row_stride,
                        int64_t col_stride, void* out) {
    PackA<V, Transpose, kRows>(m, k, a, row_stride, col_stride, static_cast<float*>(out));
  }
  static void PackBf16(int64_t k, int64_t n, const BFloat16* b, int64_t row_stride,
                       int64_t col_stride, void* out) {
    PackB<V, Transpose, kCols>(k, n, b, row_stride, col_stride, static_cast<float*>(out));
  }
  static void PackF32(int64_t k, int64_t n, const float* b, int64_t row_stride, int64_t col_stride,
                      void* out) {
    PackB<V, Transpose, kCols>(k, n, reinterpret_cast<const RoundedF32*>(b), row_stride, col_stride,
                               static_cast<float*>(out));
  }

  static constexpr GemmBf16Kernels Table() {
    GemmBf16Kernels table = {};
    table.rows = kRows;
    table.cols = kCols;
    table.k_multiple = 1;
    table.element_bytes = sizeof(float);
    table.chunk = 384;
    table.reads_a = &ReadsA;
    table.pack_a = &PackARows;
    table.pack_b = &PackBf16;
    table.pack_b_f32 = &PackF32;
    table.multiply = &MultiplyWidened;
    table.finish_bf16 = &FinishBf16<V, BFloat16>;
    table.finish_f32 = &FinishBf16<V, float>;
    table.sum_rows = &SumRows<V, BFloat16>;
    return table;
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_WIDEN_H_
