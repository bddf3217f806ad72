#include "autograd/kernels/convert_loops.h"
#include "autograd/kernels/strided_copy.h"
#include "autograd/kernels/transpose_avx2.h"

namespace autograd::kernels {

extern const ConvertKernels kConvertAvx512;
constexpr ConvertKernels kConvertAvx512 = MakeConvertKernels(StridedCopy<Square4x8, Square8x4>);

}  // namespace autograd::kernels
