// What each instruction set provides to optimizer.cc.
#ifndef AUTOGRAD_KERNELS_OPTIMIZER_KERNELS_H_
#define AUTOGRAD_KERNELS_OPTIMIZER_KERNELS_H_

#include "autograd/kernels/optimizer.h"

namespace autograd::kernels {

template <class T>
struct OptimizerKernels {
  void (*adam)(int64_t n, T* p, const T* g, T* m, T* v, const AdamConstants<T>& constants,
               const StepExtras<T>& extras);
  void (*sgd)(int64_t n, T* p, const T* g, T* v, const SgdConstants<T>& constants,
              const StepExtras<T>& extras);
  void (*average)(int64_t n, T* average, const T* p, T weight);
  double (*sum_of_squares)(int64_t n, const T* x);
};

namespace avx2 {
extern const OptimizerKernels<float> kOptimizerF32;
extern const OptimizerKernels<double> kOptimizerF64;
}  // namespace avx2
namespace avx512 {
extern const OptimizerKernels<float> kOptimizerF32;
extern const OptimizerKernels<double> kOptimizerF64;
}  // namespace avx512

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_OPTIMIZER_KERNELS_H_
