// What happens to a sum of bf16 products on its way to C: beta, bias, activation, rounding.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_GEMM_BF16_FINISH_H_
#define AUTOGRAD_KERNELS_GEMM_BF16_FINISH_H_

#include <stdint.h>

#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_load.h"

namespace autograd::kernels {
namespace {

// to[j] = x[j] + beta old[j] + bias[j].
template <class V, class Old, class To>
void AddRow(int64_t n, const float* x, float beta, const Old* old, const float* bias, To* to) {
  const auto factor = V::Set(beta);
  int64_t j = 0;
  for (; j + V::kLanes <= n; j += V::kLanes) {
    auto y = V::Load(x + j);
    if (beta != 0) y = V::Fma(factor, LoadAs<V>(old + j), y);
    if (bias != nullptr) y = y + V::Load(bias + j);
    StoreAs<V>(to + j, y);
  }
  if (const int64_t rest = n - j; rest > 0) {
    auto y = V::LoadPartial(x + j, rest);
    if (beta != 0) y = V::Fma(factor, LoadPartialAs<V>(old + j, rest), y);
    if (bias != nullptr) y = y + V::LoadPartial(bias + j, rest);
    StorePartialAs<V>(to + j, y, rest);
  }
}

// GemmBf16Kernels::finish_bf16 and finish_f32.
template <class V, class C>
void FinishBf16(int64_t m, int64_t n, float* x, int64_t x_row_stride, float beta, C* c,
                int64_t c_row_stride, const GemmBf16Epilogue<C>& e) {
  for (int64_t i = 0; i < m; ++i) {
    float* row = x + i * x_row_stride;
    C* to = c + i * c_row_stride;
    if (e.activation == nullptr && e.pre_activation == nullptr) {
      AddRow<V>(n, row, beta, to, e.bias, to);
      continue;
    }
    if (beta != 0 || e.bias != nullptr) AddRow<V>(n, row, beta, to, e.bias, row);
    if (e.pre_activation != nullptr) {
      AddRow<V>(n, row, 0, to, nullptr, e.pre_activation + i * e.pre_activation_row_stride);
    }
    if (e.activation != nullptr) e.activation(row, row, n, e.parameter);
    AddRow<V>(n, row, 0, to, nullptr, to);
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_BF16_FINISH_H_
