#include "autograd/kernels/optimizer_simd.h"
#include "autograd/kernels/simd_avx512.h"

namespace autograd::kernels::avx512 {
namespace {

// sqrt(x) = x / sqrt(x), from the estimate of 1 / sqrt(x) and one Newton step, which leaves the
// divider to the division. Zero and infinity stand for themselves.
struct RefinedRoot {
  static __m512 Sqrt(__m512 x) {
    const __m512 inverse = _mm512_rsqrt14_ps(x);
    const __m512 root = x * inverse;
    const __m512 refined =
        _mm512_fmadd_ps(_mm512_fnmadd_ps(root, root, x), inverse * _mm512_set1_ps(0.5f), root);
    constexpr int kZeroOrInfinity = 0x02 | 0x04 | 0x08;
    return _mm512_mask_mov_ps(refined, _mm512_fpclass_ps_mask(x, kZeroOrInfinity), x);
  }
};

}  // namespace

const OptimizerKernels<float> kOptimizerF32 = {Adam<Avx512F32, RefinedRoot>, Sgd<Avx512F32>,
                                               Average<Avx512F32>,
                                               SumOfSquaresF32<Avx512F32, Avx512F64>};
const OptimizerKernels<double> kOptimizerF64 = {Adam<Avx512F64, Avx512F64>, Sgd<Avx512F64>,
                                                Average<Avx512F64>, SumOfSquaresF64<Avx512F64>};

}  // namespace autograd::kernels::avx512
