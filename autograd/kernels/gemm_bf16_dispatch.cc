#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {
namespace {

const GemmBf16Kernels& Choose() {
#ifdef AUTOGRAD_X86
  switch (ActiveIsa()) {
    case Isa::kScalar:
      return kGemmBf16Scalar;
    case Isa::kAvx2:
      return kGemmBf16Avx2;
    case Isa::kAvx512:
      return kGemmBf16Avx512;
    case Isa::kAvx512Bf16:
      return kGemmBf16Avx512Bf16;
    case Isa::kAmx:
      return kGemmBf16Amx;
  }
#endif
  return kGemmBf16Scalar;
}

const GemmBf16Kernels*& Active() {
  static const GemmBf16Kernels* kernels = &Choose();
  return kernels;
}

}  // namespace

const GemmBf16Kernels& ActiveGemmBf16Kernels() { return *Active(); }

void SetGemmBf16KernelsForTest(const GemmBf16Kernels& kernels) { Active() = &kernels; }

void MultiplyWidened(const GemmBf16Block& x) {
  const GemmKernels<float>& kernels = ActiveGemmKernels(float());
  GemmBlock<float> block;
  block.m = x.m;
  block.n = x.n;
  block.k = x.k;
  block.a = static_cast<const float*>(x.a);
  block.a_row_stride = 1;
  block.a_col_stride = kernels.rows;
  block.a_packed = true;
  block.a_tile_stride = kernels.rows * x.k;
  block.b = static_cast<const float*>(x.b);
  block.b_row_stride = kernels.cols;
  block.b_panel_stride = kernels.cols * x.k;
  block.alpha = 1;
  block.beta = x.accumulate ? 1.0f : 0.0f;
  block.c = x.c;
  block.c_row_stride = x.c_row_stride;
  kernels.multiply(block);
}

}  // namespace autograd::kernels
