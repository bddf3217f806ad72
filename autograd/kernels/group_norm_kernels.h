// The loops of group normalisation over rows of channels, for one instruction set.
//
// A block is a matrix of `rows` rows (places in an image) of `channels` numbers. Whatever differs
// between groups is given as one number for each channel, so that every loop runs along whole rows
// and none gathers the channels of a group; nor need the channels of a group lie in one block. Sums
// are built in blocks of rows in T and added up in f64.
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_

#include <stdint.h>

#include "autograd/bfloat16.h"

namespace autograd::kernels {

// What images of S are computed in, and the type of their parameters.
template <class S>
struct NormCompute {
  using Type = S;
};
template <>
struct NormCompute<BFloat16> {
  using Type = float;
};
template <class S>
using NormComputeType = typename NormCompute<S>::Type;

// The rows of x, dx and pending are dense; those of y, dy and g start `stride` numbers apart.
struct NormBlock {
  int64_t rows, channels, stride;
};

// h = (x - centre) scale + shift in each channel. The centre is subtracted first, since x scale is
// rounded to the size of the mean, which may be far more than that of h.
template <class T>
struct ChannelMap {
  const T* centre;
  const T* scale;
  const T* shift;
};

// Of images of S = float, double or BFloat16. Arrays of channels hold one number for each; sums are
// overwritten.
template <class S>
struct GroupNormKernels {
  using T = NormComputeType<S>;

  // sum[c] = sum over rows of (x - centre), squares[c] = of (x - centre)^2.
  void (*moments)(const S* x, const NormBlock& block, const S* centre, double* sum,
                  double* squares);

  // y = h, rounded to S or not, or h sigmoid(h).
  void (*normalise)(const S* x, const NormBlock& block, const ChannelMap<T>& map, S* y);
  void (*arguments)(const S* x, const NormBlock& block, const ChannelMap<T>& map, T* y);
  void (*normalise_silu)(const S* x, const NormBlock& block, const ChannelMap<T>& map, S* y);

  // sum[c] = sum over rows of g, dot[c] = of g (x - centre), for g = dy or any other g.
  void (*dy_sums)(const S* x, const S* dy, const NormBlock& block, const T* centre, double* sum,
                  double* dot);
  void (*g_sums)(const S* x, const T* g, const NormBlock& block, const T* centre, double* sum,
                 double* dot);
  // The same for g = dy silu'(h), which is written to g.
  void (*silu_gradient_sums)(const S* x, const S* dy, const NormBlock& block,
                             const ChannelMap<T>& map, T* g, double* sum, double* dot);

  // dx = pending + (g scale + (x - centre) slope + shift), for g = dy or any other g: the map's
  // scale and shift are those of g. dx may be pending, which may be null, or g where both have the
  // same rows.
  void (*dy_to_dx)(const S* x, const S* dy, const NormBlock& block, const ChannelMap<T>& map,
                   const T* slope, const S* pending, S* dx);
  void (*g_to_dx)(const S* x, const T* g, const NormBlock& block, const ChannelMap<T>& map,
                  const T* slope, const S* pending, S* dx);
};

struct GroupNormTables {
  GroupNormKernels<float> f32;
  GroupNormKernels<double> f64;
  GroupNormKernels<BFloat16> bf16;

  template <class S>
  const GroupNormKernels<S>& Of() const;
};
template <>
inline const GroupNormKernels<float>& GroupNormTables::Of<float>() const {
  return f32;
}
template <>
inline const GroupNormKernels<double>& GroupNormTables::Of<double>() const {
  return f64;
}
template <>
inline const GroupNormKernels<BFloat16>& GroupNormTables::Of<BFloat16>() const {
  return bf16;
}

// The kernels of ActiveIsa(). Throws as ActiveIsa does.
const GroupNormTables& GetGroupNormTables();

// The plain C++ reference, for any processor.
const GroupNormTables& ScalarGroupNormTables();

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_KERNELS_H_
