// Memory for packed copies that each thread keeps from one call to the next, so that a warm product
// allocates nothing.
#ifndef AUTOGRAD_KERNELS_GEMM_SCRATCH_H_
#define AUTOGRAD_KERNELS_GEMM_SCRATCH_H_

#include <cstdint>

namespace autograd::kernels {

// Uses that may be alive on one thread at the same time.
enum class ScratchUse {
  kShared,  // read by every task of a parallel loop
  kTask,    // within one task
  kNarrow,
  kParts,  // partial results that outlive inner products
  kGradient,
  kGradientParts,
  kPatches,      // what a convolution's task copies from its images
  kConvWeights,  // a convolution's packed weights, read by all tasks
  kConvTaps,
  kConvOffsets,
  kConvParts,
  kConvShift,
  kConvWidened,
  kWinogradWeights,
  kWinogradZeros,
  kWinogradTiles,
  kWinogradSums,
};
inline constexpr int kScratchUses = 17;

// At least `bytes` bytes at a multiple of 64, valid until the thread's next call for the same use.
// The contents are unspecified. Throws std::bad_alloc.
void* ScratchBytes(ScratchUse use, int64_t bytes);

template <class T>
T* GetScratch(ScratchUse use, int64_t count) {
  return static_cast<T*>(ScratchBytes(use, count * static_cast<int64_t>(sizeof(T))));
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GEMM_SCRATCH_H_
