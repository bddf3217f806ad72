// A matrix product as the drivers in gemm.cc and gemm_bf16.cc cut it into parts. Internal to them.
#ifndef AUTOGRAD_KERNELS_GEMM_PROBLEM_H_
#define AUTOGRAD_KERNELS_GEMM_PROBLEM_H_

#include <algorithm>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {

// A task of fewer multiply-adds is not worth handing to another thread (about 2 microseconds).
inline constexpr int64_t kGemmTaskProducts = 1 << 19;

// C = epilogue(alpha A B + beta C) with A [m, k], B [k, n] and C [m, n].
template <class A, class B, class C, class Scalar, class Epilogue>
struct GemmProblem {
  int64_t m, n, k;
  const A* a;
  int64_t a_row_stride, a_col_stride;
  const B* b;
  int64_t b_row_stride, b_col_stride;
  Scalar beta;
  C* c;
  int64_t c_row_stride;
  Epilogue epilogue;
  Scalar alpha = 1;

  GemmProblem Columns(int64_t begin, int64_t count) const {
    GemmProblem x = *this;
    x.n = count;
    x.b += begin * b_col_stride;
    x.c += begin;
    if (x.epilogue.bias != nullptr) x.epilogue.bias += begin;
    if (x.epilogue.pre_activation != nullptr) x.epilogue.pre_activation += begin;
    return x;
  }

  GemmProblem Rows(int64_t begin, int64_t count) const {
    GemmProblem x = *this;
    x.m = count;
    x.a += begin * a_row_stride;
    x.c += begin * c_row_stride;
    if (x.epilogue.pre_activation != nullptr) {
      x.epilogue.pre_activation += begin * epilogue.pre_activation_row_stride;
    }
    return x;
  }

  // The sums of k in [begin, begin + count) alone.
  GemmProblem Depth(int64_t begin, int64_t count) const {
    GemmProblem x = *this;
    x.k = count;
    x.a += begin * a_col_stride;
    x.b += begin * b_row_stride;
    return x;
  }
};

// Whether a batch of products with one B is one product: its matrices lie below each other.
inline bool IsStacked(int64_t m, int64_t a_batch_stride, int64_t a_row_stride,
                      int64_t b_batch_stride, int64_t c_batch_stride, int64_t c_row_stride) {
  return b_batch_stride == 0 && a_batch_stride == m * a_row_stride &&
         c_batch_stride == m * c_row_stride;
}

// Calls run(begin, end) for parts of a batch of products of m by k by n: several of them at the
// same time, or, where each is worth all threads, one after the other.
inline void ForEachProduct(int64_t batch, int64_t m, int64_t n, int64_t k,
                           absl::FunctionRef<void(int64_t, int64_t)> run) {
  constexpr int64_t kAlonePerMatrix = 16 * kGemmTaskProducts;
  const int64_t products = m * n * std::max<int64_t>(1, k);
  if (products >= kAlonePerMatrix && batch < 4 * NumThreads()) return run(0, batch);
  ParallelFor(batch, std::max<int64_t>(1, kGemmTaskProducts / products), run);
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_PROBLEM_H_
