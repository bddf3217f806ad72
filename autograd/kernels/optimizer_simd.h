// The loops of optimizer.h over a vector type of simd_avx2.h or simd_avx512.h. Only for files of
// kernel_library's isa_hdrs.
#ifndef AUTOGRAD_KERNELS_OPTIMIZER_SIMD_H_
#define AUTOGRAD_KERNELS_OPTIMIZER_SIMD_H_

#include "autograd/kernels/optimizer_kernels.h"

namespace autograd::kernels {
namespace {

// Calls body(i, load, store) for each vector of [0, n): load(array) reads it, store(array, x)
// writes it. The last vector may be a part, which goes through the same arithmetic.
template <class V, class Body>
[[gnu::always_inline]] inline void ForEachVector(int64_t n, Body body) {
  using T = typename V::Scalar;
  using Vec = typename V::Vec;
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    body([i](const T* x) { return V::Load(x + i); },
         [i](T* x, Vec value) { V::Store(x + i, value); });
  }
  if (i < n) {
    const int64_t rest = n - i;
    body([i, rest](const T* x) { return V::LoadPartial(x + i, rest); },
         [i, rest](T* x, Vec value) { V::StorePartial(x + i, value, rest); });
  }
}

// Root::Sqrt is the square root of a vector.
template <class V, class Root, bool kL2, bool kAverage>
void AdamLoop(int64_t n, typename V::Scalar* p, const typename V::Scalar* g, typename V::Scalar* m,
              typename V::Scalar* v, const AdamConstants<typename V::Scalar>& c,
              const StepExtras<typename V::Scalar>& extras) {
  const auto l2 = V::Set(c.l2), decay = V::Set(c.decay);
  const auto beta1 = V::Set(c.beta1), rest1 = V::Set(c.one_minus_beta1);
  const auto beta2 = V::Set(c.beta2), rest2 = V::Set(c.one_minus_beta2);
  const auto step_size = V::Set(c.step_size), root_scale = V::Set(c.root_scale);
  const auto epsilon = V::Set(c.epsilon);
  const auto gradient_scale = V::Set(extras.gradient_scale);
  const auto weight = V::Set(extras.average_weight);
  typename V::Scalar* average = extras.average;
  ForEachVector<V>(
      n, [&](auto load, auto store) __attribute__((always_inline)) {
        auto gradient = load(g) * gradient_scale;
        const auto old = load(p);
        if (kL2) gradient = V::Fma(l2, old, gradient);
        const auto mean = V::Fma(beta1, load(m), rest1 * gradient);
        const auto square = V::Fma(beta2, load(v), rest2 * gradient * gradient);
        const auto scale = V::Fma(Root::Sqrt(square), root_scale, epsilon);
        store(m, mean);
        store(v, square);
        const auto moved = V::Fnma(step_size, mean / scale, old * decay);
        store(p, moved);
        if (kAverage) {
          const auto before = load(average);
          store(average, V::Fma(weight, moved - before, before));
        }
      });
}

template <class V, class Root>
void Adam(int64_t n, typename V::Scalar* p, const typename V::Scalar* g, typename V::Scalar* m,
          typename V::Scalar* v, const AdamConstants<typename V::Scalar>& c,
          const StepExtras<typename V::Scalar>& extras) {
  if (extras.average == nullptr) {
    c.l2 == 0 ? AdamLoop<V, Root, false, false>(n, p, g, m, v, c, extras)
              : AdamLoop<V, Root, true, false>(n, p, g, m, v, c, extras);
  } else {
    c.l2 == 0 ? AdamLoop<V, Root, false, true>(n, p, g, m, v, c, extras)
              : AdamLoop<V, Root, true, true>(n, p, g, m, v, c, extras);
  }
}

template <class V>
void Sgd(int64_t n, typename V::Scalar* p, const typename V::Scalar* g, typename V::Scalar* v,
         const SgdConstants<typename V::Scalar>& c, const StepExtras<typename V::Scalar>& extras) {
  const auto rate = V::Set(c.learning_rate), l2 = V::Set(c.l2);
  const auto momentum = V::Set(c.momentum), gain = V::Set(c.gain);
  const auto gradient_scale = V::Set(extras.gradient_scale);
  const auto weight = V::Set(extras.average_weight);
  typename V::Scalar* average = extras.average;
  ForEachVector<V>(
      n, [&](auto load, auto store) __attribute__((always_inline)) {
        const auto old = load(p);
        auto direction = V::Fma(l2, old, load(g) * gradient_scale);
        if (v != nullptr) {
          const auto velocity = V::Fma(momentum, load(v), gain * direction);
          store(v, velocity);
          direction = c.nesterov ? V::Fma(momentum, velocity, direction) : velocity;
        }
        const auto moved = V::Fnma(rate, direction, old);
        store(p, moved);
        if (average != nullptr) {
          const auto before = load(average);
          store(average, V::Fma(weight, moved - before, before));
        }
      });
}

template <class V>
void Average(int64_t n, typename V::Scalar* average, const typename V::Scalar* p,
             typename V::Scalar weight) {
  const auto w = V::Set(weight);
  ForEachVector<V>(
      n, [&](auto load, auto store) __attribute__((always_inline)) {
        const auto old = load(average);
        store(average, V::Fma(w, load(p) - old, old));
      });
}

// D: the vector type of f64; Wide::Lo and Hi turn a vector of V into two of D, or Lo into one.
template <class V, class D>
double SumOfSquaresF32(int64_t n, const float* x) {
  auto lo = D::Zero(), hi = D::Zero();
  ForEachVector<V>(
      n, [&](auto load, auto) __attribute__((always_inline)) {
        const auto value = load(x);
        const auto a = D::FromF32Lo(value), b = D::FromF32Hi(value);
        lo = D::Fma(a, a, lo);
        hi = D::Fma(b, b, hi);
      });
  return D::ReduceAdd(lo + hi);
}

template <class D>
double SumOfSquaresF64(int64_t n, const double* x) {
  auto sum = D::Zero();
  ForEachVector<D>(
      n, [&](auto load, auto) __attribute__((always_inline)) {
        const auto value = load(x);
        sum = D::Fma(value, value, sum);
      });
  return D::ReduceAdd(sum);
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_OPTIMIZER_SIMD_H_
