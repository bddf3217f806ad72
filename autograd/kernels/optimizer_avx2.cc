#include "autograd/kernels/optimizer_simd.h"
#include "autograd/kernels/simd_avx2.h"

namespace autograd::kernels::avx2 {

const OptimizerKernels<float> kOptimizerF32 = {Adam<Avx2F32, Avx2F32>, Sgd<Avx2F32>,
                                               Average<Avx2F32>, SumOfSquaresF32<Avx2F32, Avx2F64>};
const OptimizerKernels<double> kOptimizerF64 = {Adam<Avx2F64, Avx2F64>, Sgd<Avx2F64>,
                                                Average<Avx2F64>, SumOfSquaresF64<Avx2F64>};

}  // namespace autograd::kernels::avx2
