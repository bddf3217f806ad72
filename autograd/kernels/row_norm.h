// Layer normalisation (Ba, Kiros and Hinton 2016) and RMS normalisation (Zhang and Sennrich 2019)
// with an affine map, and their gradients.
//
// Each row of x, [rows, channels], is normalised by itself:
//   y = u weight + bias, u = (x - m) / sqrt(v + eps),
// with its mean m and biased variance v; for RMS normalisation (not `centred`) m is 0 and v the
// mean square. Both need a row twice or thrice, while it is in the nearest cache; the gradients of
// weight and bias are sums over rows, of chunks of them in order. Statistics are added up in f64,
// of squares in T.
//
// Results have the same bits whatever the number of threads and the alignment. Sizes may be 0.
// Outputs overlap nothing else.
//
// Example:
//   std::vector<float> x = {1, 2, 3, 4, 5, 9}, y(6);
//   std::vector<double> statistics(4);
//   kernels::RowNormForward({/*rows=*/2, /*channels=*/3, /*centred=*/true}, x.data(), nullptr,
//                           nullptr, 1e-5, y.data(), statistics.data());
//   std::cout << statistics[2] << " " << y[0] << "\n";  // 6 -1.22474
#ifndef AUTOGRAD_KERNELS_ROW_NORM_H_
#define AUTOGRAD_KERNELS_ROW_NORM_H_

#include <cstdint>

namespace autograd::kernels {

struct RowNormSize {
  int64_t rows, channels;
  bool centred;
};

// y from x; weight and bias, [channels], may be null (1 and 0). statistics, [rows, 2], receives m
// and 1 / sqrt(v + eps) of each row.
void RowNormForward(const RowNormSize& size, const float* x, const float* weight, const float* bias,
                    double eps, float* y, double* statistics);
void RowNormForward(const RowNormSize& size, const double* x, const double* weight,
                    const double* bias, double eps, double* y, double* statistics);

// From dy, and the arguments and statistics of RowNormForward, the gradients dx, dweight and dbias;
// those that are null are not computed.
void RowNormBackward(const RowNormSize& size, const float* x, const float* weight,
                     const double* statistics, const float* dy, float* dx, float* dweight,
                     float* dbias);
void RowNormBackward(const RowNormSize& size, const double* x, const double* weight,
                     const double* statistics, const double* dy, double* dx, double* dweight,
                     double* dbias);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ROW_NORM_H_
