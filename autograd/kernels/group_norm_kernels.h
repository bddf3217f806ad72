// The loops of group normalisation over rows of channels, for one instruction set.
//
// A block is a dense matrix of `rows` rows (places in an image) of `channels` numbers. Whatever
// differs between groups is given as one number for each channel, so that every loop runs along
// whole rows and none gathers the channels of a group. Sums are built in blocks of rows in T and
// added up in f64.
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_

#include <stdint.h>

namespace autograd::kernels {

// h = (x - centre) scale + shift in each channel. The centre is subtracted first, since x scale is
// rounded to the size of the mean, which may be far more than that of h.
template <class T>
struct ChannelMap {
  const T* centre;
  const T* scale;
  const T* shift;
};

// For T = float or double. Arrays of channels hold one number for each; sums are overwritten.
template <class T>
struct GroupNormKernels {
  // sum[c] = sum over rows of (x - centre), squares[c] = of (x - centre)^2.
  void (*moments)(const T* x, int64_t rows, int64_t channels, const T* centre, double* sum,
                  double* squares);

  // y = h, or h sigmoid(h). y may be x.
  void (*normalise)(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map, T* y);
  void (*normalise_silu)(const T* x, int64_t rows, int64_t channels, const ChannelMap<T>& map,
                         T* y);

  // sum[c] = sum over rows of g, dot[c] = of g (x - centre).
  void (*gradient_sums)(const T* x, const T* g, int64_t rows, int64_t channels, const T* centre,
                        double* sum, double* dot);
  // The same for g = dy silu'(h), which is written to g.
  void (*silu_gradient_sums)(const T* x, const T* dy, int64_t rows, int64_t channels,
                             const ChannelMap<T>& map, T* g, double* sum, double* dot);

  // dx = g scale + (x - centre) slope + shift: the map's scale and shift are those of g.
  void (*input_gradient)(const T* x, const T* g, int64_t rows, int64_t channels,
                         const ChannelMap<T>& map, const T* slope, T* dx);
};

struct GroupNormTables {
  GroupNormKernels<float> f32;
  GroupNormKernels<double> f64;
};

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const GroupNormTables& GetGroupNormTables();

// The plain C++ reference, for any processor.
const GroupNormTables& ScalarGroupNormTables();

// The kernels of ActiveIsa() for float or double.
template <class T>
const GroupNormKernels<T>& GetGroupNorm() {
  if constexpr (sizeof(T) == 4) {
    return GetGroupNormTables().f32;
  } else {
    return GetGroupNormTables().f64;
  }
}

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_
