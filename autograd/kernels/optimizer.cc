#include "autograd/kernels/optimizer.h"

#include <cmath>

#include "autograd/kernels/isa.h"
#include "autograd/kernels/optimizer_kernels.h"

namespace autograd::kernels {
namespace {

template <class T>
void MoveAverage(const StepExtras<T>& extras, int64_t i, T p) {
  if (extras.average == nullptr) return;
  T& average = extras.average[i];
  average = std::fma(extras.average_weight, p - average, average);
}

template <class T>
void Adam(int64_t n, T* p, const T* g, T* m, T* v, const AdamConstants<T>& c,
          const StepExtras<T>& extras) {
  for (int64_t i = 0; i < n; ++i) {
    const T scaled = g[i] * extras.gradient_scale;
    const T gradient = c.l2 == 0 ? scaled : std::fma(c.l2, p[i], scaled);
    m[i] = std::fma(c.beta1, m[i], c.one_minus_beta1 * gradient);
    v[i] = std::fma(c.beta2, v[i], c.one_minus_beta2 * gradient * gradient);
    const T scale = std::fma(std::sqrt(v[i]), c.root_scale, c.epsilon);
    p[i] = std::fma(-c.step_size, m[i] / scale, p[i] * c.decay);
    MoveAverage(extras, i, p[i]);
  }
}

template <class T>
void Sgd(int64_t n, T* p, const T* g, T* v, const SgdConstants<T>& c, const StepExtras<T>& extras) {
  for (int64_t i = 0; i < n; ++i) {
    T direction = std::fma(c.l2, p[i], g[i] * extras.gradient_scale);
    if (v != nullptr) {
      v[i] = std::fma(c.momentum, v[i], c.gain * direction);
      direction = c.nesterov ? std::fma(c.momentum, v[i], direction) : v[i];
    }
    p[i] = std::fma(-c.learning_rate, direction, p[i]);
    MoveAverage(extras, i, p[i]);
  }
}

template <class T>
void Average(int64_t n, T* average, const T* p, T weight) {
  for (int64_t i = 0; i < n; ++i) average[i] = std::fma(weight, p[i] - average[i], average[i]);
}

template <class T>
double Squares(int64_t n, const T* x) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

template <class T>
const OptimizerKernels<T>& Kernels() {
  static constexpr OptimizerKernels<T> kScalar = {Adam<T>, Sgd<T>, Average<T>, Squares<T>};
#ifdef AUTOGRAD_X86
  constexpr bool kSingle = sizeof(T) == sizeof(float);
  if constexpr (kSingle) {
    if (ActiveIsa() >= Isa::kAvx512) return avx512::kOptimizerF32;
    if (ActiveIsa() >= Isa::kAvx2) return avx2::kOptimizerF32;
  } else {
    if (ActiveIsa() >= Isa::kAvx512) return avx512::kOptimizerF64;
    if (ActiveIsa() >= Isa::kAvx2) return avx2::kOptimizerF64;
  }
#endif
  return kScalar;
}

}  // namespace

void AdamStep(int64_t n, float* p, const float* g, float* m, float* v,
              const AdamConstants<float>& constants, const StepExtras<float>& extras) {
  Kernels<float>().adam(n, p, g, m, v, constants, extras);
}
void AdamStep(int64_t n, double* p, const double* g, double* m, double* v,
              const AdamConstants<double>& constants, const StepExtras<double>& extras) {
  Kernels<double>().adam(n, p, g, m, v, constants, extras);
}

void SgdStep(int64_t n, float* p, const float* g, float* v, const SgdConstants<float>& constants,
             const StepExtras<float>& extras) {
  Kernels<float>().sgd(n, p, g, v, constants, extras);
}
void SgdStep(int64_t n, double* p, const double* g, double* v,
             const SgdConstants<double>& constants, const StepExtras<double>& extras) {
  Kernels<double>().sgd(n, p, g, v, constants, extras);
}

void AverageStep(int64_t n, float* average, const float* p, float weight) {
  Kernels<float>().average(n, average, p, weight);
}
void AverageStep(int64_t n, double* average, const double* p, double weight) {
  Kernels<double>().average(n, average, p, weight);
}

double SumOfSquares(int64_t n, const float* x) { return Kernels<float>().sum_of_squares(n, x); }
double SumOfSquares(int64_t n, const double* x) { return Kernels<double>().sum_of_squares(n, x); }

}  // namespace autograd::kernels
