// The kernels for processors without AVX2: the same templates on a vector of one element. The
// compiler may keep several of a tile's sums in one of the processor's registers.
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_pack.h"
#include "autograd/kernels/gemm_scalar_vec.h"
#include "autograd/kernels/gemm_tile.h"

namespace autograd::kernels {
namespace {

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
