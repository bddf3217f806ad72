// A vector of one element, with as much of the interface of simd_avx2.h as the matrix product
// needs.
#ifndef AUTOGRAD_KERNELS_GEMM_SCALAR_VEC_H_
#define AUTOGRAD_KERNELS_GEMM_SCALAR_VEC_H_

#include <stdint.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/gemm_load.h"

namespace autograd::kernels {
namespace {

template <class T>
struct ScalarVec {
  using Scalar = T;
  using Vec = T;
  static constexpr int kLanes = 1;

  static T Load(const T* p) { return *p; }
  static void Store(T* p, T x) { *p = x; }
  static T LoadPartial(const T* p, int64_t) { return *p; }
  static void StorePartial(T* p, T x, int64_t) { *p = x; }
  static T LoadBf16(const BFloat16* p) { return WidenElement(*p); }
  static void StoreBf16(BFloat16* p, T x) { *p = RoundElement(static_cast<float>(x)); }
  static T LoadBf16Partial(const BFloat16* p, int64_t) { return WidenElement(*p); }
  static void StoreBf16Partial(BFloat16* p, T x, int64_t) { StoreBf16(p, x); }
  static T Set(T x) { return x; }
  static T Zero() { return 0; }
  // Rounded twice: a fused multiply-add is a slow library function here.
  static T Fma(T a, T b, T c) { return a * b + c; }
};

template <class T>
struct Transpose1x1 {
  static constexpr int64_t kSize = 1;
  template <class In>
  static void Run(const In* in, int64_t, T* out, int64_t) {
    *out = ElementAs<T>(*in);
  }
};

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_SCALAR_VEC_H_
