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
// that the second time finds it in the cache. Backward does the same with x and dy. Nothing is kept
// from one to the other but the statistics: h is computed again. With g = dy f'(h), u = (x - m) /
// sqrt(v + eps), n numbers in a group, and sums over a group,
//   dweight = sum g u, dbias = sum g (over the channel and all samples),
//   dx = (weight g - sum(weight g) / n - u sum(weight g u) / n) / sqrt(v + eps).
//
// Statistics are exact enough for a mean of any size: sums in T are of a few rows at a time, of
// distances from one of these rows, than which the data spread no less, and are added up in f64.
// Results have the same bits whatever the number of threads and the alignment. Sizes may be 0, but
// for groups. Outputs overlap nothing else.
//
// Example:
//   std::vector<float> x = {1, 2, 3, 4, 5, 7}, y(6), dx(6), dy = {1, 0, 0, 0, 0, 0};
//   std::vector<double> statistics(4);
//   const kernels::GroupNormSize size = {/*batch=*/1, /*rows=*/3, /*channels=*/2, /*groups=*/2};
//   kernels::GroupNormForward(size, x.data(), nullptr, nullptr, 1e-5, {}, y.data(),
//                             statistics.data());
//   kernels::GroupNormBackward(size, x.data(), nullptr, nullptr, 1e-5, {}, statistics.data(), dy.data(),
//                              dx.data(), nullptr, nullptr);
//   std::cout << statistics[0] << " " << y[0] << "\n";  // 3 -1.22474
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_H_

#include <cstdint>

#include "autograd/kernels/unary.h"

namespace autograd::kernels {

struct GroupNormSize {
  int64_t batch, rows, channels;
  // 1 or more, a divisor of channels.
  int64_t groups;
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

// y from x; weight and bias, [channels], may be null (1 and 0). statistics, [batch, groups, 2] or
// null, receives m and v for each sample and group.
void GroupNormForward(const GroupNormSize& size, const float* x, const float* weight,
                      const float* bias, double eps, const NormActivation<float>& activation,
                      float* y, double* statistics);
void GroupNormForward(const GroupNormSize& size, const double* x, const double* weight,
                      const double* bias, double eps, const NormActivation<double>& activation,
                      double* y, double* statistics);

// From dy, and the arguments and statistics of GroupNormForward, the gradients dx, dweight and
// dbias; those that are null are not computed.
void GroupNormBackward(const GroupNormSize& size, const float* x, const float* weight,
                       const float* bias, double eps, const NormActivation<float>& activation,
                       const double* statistics, const float* dy, float* dx, float* dweight,
                       float* dbias);
void GroupNormBackward(const GroupNormSize& size, const double* x, const double* weight,
                       const double* bias, double eps, const NormActivation<double>& activation,
                       const double* statistics, const double* dy, double* dx, double* dweight,
                       double* dbias);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_H_
