// What a convolution's epilogue adds to every pixel of an image. Internal to convolutions.
#ifndef AUTOGRAD_KERNELS_CONV_OFFSET_H_
#define AUTOGRAD_KERNELS_CONV_OFFSET_H_

#include <cstdint>

#include "autograd/kernels/conv_size.h"
#include "autograd/kernels/gemm_scratch.h"

namespace autograd::kernels {

// bias + shift of image n [channels], or null where there is neither; valid until the thread's next
// call.
template <class Image>
const float* ImageOffset(const ConvEpilogue<Image>& epilogue, int64_t channels, int64_t n) {
  if (epilogue.shift == nullptr) return epilogue.bias;
  const float* shift = epilogue.shift + n * channels;
  if (epilogue.bias == nullptr) return shift;
  float* sum = GetScratch<float>(ScratchUse::kConvShift, channels);
  for (int64_t o = 0; o < channels; ++o) sum[o] = epilogue.bias[o] + shift[o];
  return sum;
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_OFFSET_H_
