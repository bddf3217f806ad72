// Linked into a test, this has its attention of bf16 made by the AMX table with emulated tiles.
#include <iostream>

#include "autograd/kernels/attention_kernels.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {
namespace {

[[maybe_unused]] const bool kUsed = [] {
  if (DetectedIsa() < Isa::kAvx512Bf16) {
    std::cout << "Tiles are emulated by code for AVX512_BF16, which is not here: "
              << "the tests run with " << IsaName(ActiveIsa()) << " instead.\n";
    return false;
  }
  SetAttentionBf16KernelsForTest(kAttentionBf16AmxEmulated);
  return true;
}();

}  // namespace
}  // namespace autograd::kernels
