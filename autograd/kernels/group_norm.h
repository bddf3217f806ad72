// Group normalisation (Wu and He 2018) with an affine map and an activation, and its gradients, in
// as few passes over memory as possible.
//
// x is [batch, rows, channels], channels contiguous (NHWC with its places in one row). The channels
// of a sample are divided into `groups` of channels / groups neighbours. With the mean m and the
// biased variance v of a sample's group over its rows and channels,
//   y = f(h), h = (x - m) / sqrt(v + eps) weight + bias,
// weight and bias being one number a channel. Batch normalisation is the case of one sample and
// one channel a group.
//
// Forward reads x twice, for the statistics and for the result; of a batch, sample by sample, so
// that the second time finds it in the cache. (The convolution that writes x could take the sums as
// well, and save the first of these readings. They are 2.4 % of the time in which the UNet of
// examples/mnist draws digits on two cores with AVX2, adding up included.) Backward does the same
// with x and dy. Nothing is kept from one to the other but the statistics: h is computed again.
// With g = dy f'(h), u = (x - m) / sqrt(v + eps), n numbers in a group, and sums over a group,
//   dweight = sum g u, dbias = sum g (over the channel and all samples),
//   dx = (weight g - sum(weight g) / n - u sum(weight g u) / n) / sqrt(v + eps).
//
// Statistics are exact enough for a mean of any size: sums in T are of a few rows at a time, of
// distances from one of these rows, than which the data spread no less, and are added up in f64.
// Results have the same bits whatever the number of threads and the alignment. Sizes may be 0, but
// for groups. Outputs overlap nothing else.
//
// Images (x, y, dy, dx) are of S = float, double or BFloat16, parameters and their gradients of T,
// which is S, and float for BFloat16. Images of BFloat16 are read and written as they are; all
// between is computed in float, and y and dx are rounded once, which gives 0 instead of a subnormal
// number where the processor itself rounds to bf16.
//
// The channels of x may lie in two arrays (a skip connection and what it joins): groups of
// neighbours may then have channels of both. y and dy are of one.
//
// Example:
//   std::vector<float> x = {1, 2, 3, 4, 5, 7}, y(6), dx(6), dy = {1, 0, 0, 0, 0, 0};
//   std::vector<double> statistics(4);
//   const kernels::GroupNormSize size = {/*batch=*/1, /*rows=*/3, /*channels=*/2, /*groups=*/2};
//   const kernels::NormPart<float> parts[] = {{x.data(), /*channels=*/2, dx.data()}};
//   kernels::GroupNormForward<float>(size, parts, nullptr, nullptr, 1e-5, {}, y.data(),
//                                    statistics.data());
//   kernels::GroupNormBackward<float>(size, parts, nullptr, nullptr, 1e-5, {}, statistics.data(),
//                                     dy.data(), nullptr, nullptr);
//   std::cout << statistics[0] << " " << y[0] << "\n";  // 3 -1.22474
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_H_

#include <cstdint>
#include <span>

#include "autograd/kernels/group_norm_kernels.h"
#include "autograd/kernels/unary.h"

namespace autograd::kernels {

struct GroupNormSize {
  int64_t batch, rows, channels;
  // 1 or more, a divisor of channels.
  int64_t groups;
};

// An array of some of the channels, [batch, rows, channels], and where its gradient goes.
template <class S>
struct NormPart {
  const S* x;
  int64_t channels;
  // Only for GroupNormBackward: null if the gradient is not wanted.
  S* dx = nullptr;
  // What is added to the gradient, or null; may be dx.
  const S* pending = nullptr;
};

// f and its gradient; none if both are null.
template <class T>
struct NormActivation {
  UnaryFn<T> forward = nullptr;
  UnaryGradFn<T> backward = nullptr;
  T parameter = 0;
  // What the gradient is computed from (UnaryGradReadsOutput).
  bool reads_output = false;
  // x sigmoid(x): part of the passes themselves. Others go over blocks in the nearest cache.
  bool is_silu = false;

  // Throws as GetUnary does.
  static NormActivation Of(UnaryOp op, T parameter = 0) {
    return {GetUnary<T>(op), GetUnaryGrad<T>(op), parameter, UnaryGradReadsOutput(op),
            op == UnaryOp::kSilu};
  }
};

// y from x, in one or two parts; weight and bias, [channels], may be null (1 and 0). statistics,
// [batch, groups, 2] or null, receives m and v for each sample and group.
template <class S>
void GroupNormForward(const GroupNormSize& size, std::span<const NormPart<S>> parts,
                      const NormComputeType<S>* weight, const NormComputeType<S>* bias, double eps,
                      const NormActivation<NormComputeType<S>>& activation, S* y,
                      double* statistics);

// From dy, and the arguments and statistics of GroupNormForward, the gradients of the parts,
// dweight and dbias; those that are null are not computed.
template <class S>
void GroupNormBackward(const GroupNormSize& size, std::span<const NormPart<S>> parts,
                       const NormComputeType<S>* weight, const NormComputeType<S>* bias, double eps,
                       const NormActivation<NormComputeType<S>>& activation,
                       const double* statistics, const S* dy, NormComputeType<S>* dweight,
                       NormComputeType<S>* dbias);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_H_
