#include "flowmatch/solver/state_math.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "autograd/grad_mode.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"

namespace flowmatch::internal {
namespace {

using autograd::DType;
using autograd::Tensor;

// Elements worth a thread. The partial sums of ScaledNorm are cut here too.
constexpr int64_t kGrain = 8192;

Tensor Dense(const Tensor& x) { return x.is_contiguous() ? x : Contiguous(x); }

// The stages of tensor j with a weight, dense, and their weights.
struct Terms {
  std::vector<Tensor> tensors;
  std::vector<double> weights;
};
Terms TermsOf(const std::vector<double>& weights, const std::vector<State>& ks, size_t j) {
  Terms terms;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    terms.tensors.push_back(Dense(ks[i][j]));
    terms.weights.push_back(weights[i]);
  }
  return terms;
}

template <class T>
void CombineDense(const Tensor& x, double h, const Terms& terms, const Tensor& result) {
  autograd::ParallelFor(x.numel(), kGrain, [&](int64_t begin, int64_t end) {
    T* to = result.raw<T>();
    std::copy(x.raw<T>() + begin, x.raw<T>() + end, to + begin);
    for (size_t s = 0; s < terms.tensors.size(); ++s) {
      const T* k = terms.tensors[s].raw<T>();
      const T factor = static_cast<T>(h * terms.weights[s]);
      for (int64_t i = begin; i < end; ++i) to[i] += k[i] * factor;
    }
  });
}

// Sum of squares of what ScaledNorm is the root mean square of.
template <class T>
double SumSquares(const Terms& terms, const Tensor& a, const Tensor& b, double rtol, double atol) {
  const int64_t n = a.numel();
  std::vector<double> partial(static_cast<size_t>((n + kGrain - 1) / kGrain));
  autograd::ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    const T *x = a.raw<T>(), *y = b.raw<T>();
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      double numerator = 0;
      for (size_t s = 0; s < terms.tensors.size(); ++s) {
        numerator += terms.weights[s] * static_cast<double>(terms.tensors[s].raw<T>()[i]);
      }
      if (numerator == 0) continue;
      const double size = std::max(std::abs(static_cast<double>(x[i])),  //
                                   std::abs(static_cast<double>(y[i])));
      const double ratio = numerator / (atol + rtol * size);
      sum += ratio * ratio;
    }
    partial[static_cast<size_t>(begin / kGrain)] = sum;
  });
  double total = 0;
  for (const double sum : partial) total += sum;
  return total;
}

}  // namespace

State Combine(const State& state, double h, const std::vector<double>& weights,
              const std::vector<State>& ks) {
  State result;
  result.reserve(state.size());
  for (size_t j = 0; j < state.size(); ++j) {
    if (autograd::GradEnabled()) {
      Tensor sum = state[j];
      for (size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] != 0) sum = sum + ks[i][j] * (h * weights[i]);
      }
      result.push_back(sum);
      continue;
    }
    const Tensor x = Dense(state[j]);
    const Terms terms = TermsOf(weights, ks, j);
    result.push_back(Tensor::Empty(x.shape(), x.dtype()));
    x.dtype() == DType::kF32 ? CombineDense<float>(x, h, terms, result.back())
                             : CombineDense<double>(x, h, terms, result.back());
  }
  return result;
}

double ScaledNorm(const std::vector<double>& weights, const std::vector<State>& ks, const State& a,
                  const State& b, double rtol, double atol) {
  const autograd::NoGrad guard;
  double sum = 0;
  int64_t count = 0;
  for (size_t j = 0; j < a.size(); ++j) {
    const Tensor x = Dense(a[j]), y = Dense(b[j]);
    const Terms terms = TermsOf(weights, ks, j);
    sum += x.dtype() == DType::kF32 ? SumSquares<float>(terms, x, y, rtol, atol)
                                    : SumSquares<double>(terms, x, y, rtol, atol);
    count += x.numel();
  }
  return count == 0 ? 0 : std::sqrt(sum / static_cast<double>(count));
}

}  // namespace flowmatch::internal
