// The kernels for processors without AVX2: the same templates on a vector of one element. The
// compiler may keep several of a tile's sums in one of the processor's registers.
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_pack.h"
#include "autograd/kernels/gemm_tile.h"

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
  static T Set(T x) { return x; }
  static T Zero() { return 0; }
  // Rounded twice: a fused multiply-add is a slow library function here.
  static T Fma(T a, T b, T c) { return a * b + c; }
};

template <class T>
struct Transpose1x1 {
  static constexpr int64_t kSize = 1;
  static void Run(const T* in, int64_t, T* out, int64_t) { *out = *in; }
};

constexpr int kRows = 4;
constexpr int kVecs = 8;

template <class T>
constexpr GemmKernels<T> Table() {
  using V = ScalarVec<T>;
  return {V::kLanes,
          kRows,
          kVecs * V::kLanes,
          &Multiply<V, kRows, kVecs, 0, 0>,
          &PackA<V, Transpose1x1<T>, kRows>,
          &PackB<V, Transpose1x1<T>, kVecs * V::kLanes>,
          &Finish<V>,
          &SumRows<V>};
}

}  // namespace

extern const GemmKernels<float> kGemmScalarF32 = Table<float>();
extern const GemmKernels<double> kGemmScalarF64 = Table<double>();

}  // namespace autograd::kernels
