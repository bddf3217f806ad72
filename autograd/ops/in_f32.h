// Loops over bf16 by way of kernels for f32: pieces that stay in the first-level cache are widened,
// computed with, and rounded once.
#ifndef AUTOGRAD_OPS_IN_F32_H_
#define AUTOGRAD_OPS_IN_F32_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "autograd/dtype.h"
#include "autograd/kernels/convert.h"

namespace autograd::internal {

// function(n, x, y), which computes y[i] from x[i] and may be given y = x; where T is BFloat16, for
// pieces of x and y in f32 instead.
template <class T, class Function>
void InF32(int64_t n, const T* x, T* y, Function function) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    constexpr int64_t kPiece = 1024;
    alignas(64) float piece[kPiece];
    const auto widen = kernels::GetCast(kernels::CastType::kBf16, kernels::CastType::kF32);
    const auto round = kernels::GetCast(kernels::CastType::kF32, kernels::CastType::kBf16);
    for (int64_t i = 0; i < n; i += kPiece) {
      const int64_t size = std::min(n - i, kPiece);
      widen(x + i, piece, size);
      function(size, static_cast<const float*>(piece), static_cast<float*>(piece));
      round(piece, y + i, size);
    }
  } else {
    function(n, x, y);
  }
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_IN_F32_H_
