// Convolutions as their definition says it: the oracle of every fast one.
#ifndef AUTOGRAD_KERNELS_CONV_REFERENCE_H_
#define AUTOGRAD_KERNELS_CONV_REFERENCE_H_

#include <cstdint>

#include "autograd/kernels/conv_size.h"

namespace autograd::kernels {

// visit(position in x, position in w, position in y) for every product of the sum in conv.h.
template <class Visit>
void ForEachConvProduct(const ConvSize& s, Visit visit) {
  const int64_t in = s.group_channels(), out = s.group_out_channels();
  for (int64_t pixel = 0; pixel < s.batch * s.out_pixels(); ++pixel) {
    const int64_t n = pixel / s.out_pixels();
    const int64_t i = pixel % s.out_pixels() / s.out_width, j = pixel % s.out_width;
    for (int64_t o = 0; o < s.out_channels; ++o) {
      for (int64_t a = 0; a < s.kernel_height; ++a) {
        for (int64_t b = 0; b < s.kernel_width; ++b) {
          const int64_t row = i * s.stride_height - s.padding_height + a * s.dilation_height;
          const int64_t column = j * s.stride_width - s.padding_width + b * s.dilation_width;
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          const int64_t x = ((n * s.height + row) * s.width + column) * s.channels + o / out * in;
          const int64_t w = ((o * s.kernel_height + a) * s.kernel_width + b) * in;
          for (int64_t c = 0; c < in; ++c) visit(x + c, w + c, pixel * s.out_channels + o);
        }
      }
    }
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_REFERENCE_H_
