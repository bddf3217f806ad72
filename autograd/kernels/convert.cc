#include "autograd/kernels/convert.h"

#include "autograd/kernels/convert_loops.h"
#include "autograd/kernels/isa.h"
#include "autograd/kernels/strided_copy.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const ConvertKernels kConvertAvx2;
extern const ConvertKernels kConvertAvx512;
#endif

namespace {

constexpr ConvertKernels kConvertScalar =
    MakeConvertKernels(StridedCopy<PlainSquare<uint32_t>, PlainSquare<uint64_t>>);

const ConvertKernels& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kConvertAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kConvertAvx512;
#endif
    default:
      return kConvertScalar;
  }
}

}  // namespace

const ConvertKernels& GetConvertKernels() {
  static const ConvertKernels& kernels = Choose();
  return kernels;
}

const ConvertKernels& ScalarConvertKernels() { return kConvertScalar; }

}  // namespace autograd::kernels
