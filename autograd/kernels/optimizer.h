// One step of an optimiser, and of a moving average, over arrays: each element is read and written
// once. Serial; callers cut long arrays into pieces, and the pieces may be of any length and
// alignment without changing a bit of the result.
//
// On AVX-512, the f32 square root of Adam is an estimate refined by one Newton step (relative error
// 1e-7): an exact one would keep the divider busy for half of the kernel's time.
#ifndef AUTOGRAD_KERNELS_OPTIMIZER_H_
#define AUTOGRAD_KERNELS_OPTIMIZER_H_

#include <stdint.h>

namespace autograd::kernels {

// What a step does on the way, for the cost of the arithmetic alone: gradients are multiplied by
// gradient_scale as they are read (as clipping them first would do, with the same bits), and if
// `average` is not null, average += average_weight (p - average) with the new p, as AverageStep.
template <class T>
struct StepExtras {
  T gradient_scale = 1;
  T* average = nullptr;
  T average_weight = 0;
};

// Adam (Kingma and Ba, arXiv:1412.6980) as PyTorch computes it, with weight decay coupled (added to
// the gradient) or decoupled (AdamW, Loshchilov and Hutter, arXiv:1711.05101):
//   g += l2 p;  p *= decay
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   p -= step_size m / (sqrt(v) root_scale + epsilon)
template <class T>
struct AdamConstants {
  T l2, decay;
  T beta1, one_minus_beta1;
  T beta2, one_minus_beta2;
  T step_size;   // learning rate / (1 - beta1^t)
  T root_scale;  // 1 / sqrt(1 - beta2^t)
  T epsilon;
};
void AdamStep(int64_t n, float* p, const float* g, float* m, float* v,
              const AdamConstants<float>& constants, const StepExtras<float>& extras = {});
void AdamStep(int64_t n, double* p, const double* g, double* m, double* v,
              const AdamConstants<double>& constants, const StepExtras<double>& extras = {});

// Stochastic gradient descent with momentum, as PyTorch computes it:
//   g += l2 p;  v = momentum v + gain g;  p -= learning_rate d
//   d = v, or g + momentum v with nesterov
// Without momentum v is null and d = g.
template <class T>
struct SgdConstants {
  T learning_rate, l2;
  T momentum, gain;  // gain: 1 - dampening, 1 in the first step
  bool nesterov;
};
void SgdStep(int64_t n, float* p, const float* g, float* v, const SgdConstants<float>& constants,
             const StepExtras<float>& extras = {});
void SgdStep(int64_t n, double* p, const double* g, double* v,
             const SgdConstants<double>& constants, const StepExtras<double>& extras = {});

// average += weight (p - average).
void AverageStep(int64_t n, float* average, const float* p, float weight);
void AverageStep(int64_t n, double* average, const double* p, double weight);

// Sum of squares, accumulated in f64. The result depends on where an array is cut.
double SumOfSquares(int64_t n, const float* x);
double SumOfSquares(int64_t n, const double* x);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_OPTIMIZER_H_
