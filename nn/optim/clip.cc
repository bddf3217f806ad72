#include "nn/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autograd/errors.h"
#include "autograd/grad_mode.h"
#include "autograd/kernels/optimizer.h"
#include "autograd/ops/inplace.h"
#include "autograd/parallel/parallel.h"
#include "nn/optim/finite.h"

namespace nn {
namespace {

constexpr int64_t kGrain = 65536;

// Partial sums of blocks whose cuts depend on n alone, added up in order.
template <class T>
double SumOfSquares(int64_t n, const T* x) {
  if (n <= kGrain) return autograd::kernels::SumOfSquares(n, x);
  const Tensor partial = Tensor::Empty({(n + kGrain - 1) / kGrain}, autograd::DType::kF64);
  double* sums = partial.raw<double>();
  autograd::ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    sums[begin / kGrain] = autograd::kernels::SumOfSquares(end - begin, x + begin);
  });
  double sum = 0;
  for (int64_t i = 0; i < partial.numel(); ++i) sum += sums[i];
  return sum;
}

}  // namespace

double GradientNorm(ParameterBuffer& parameters) {
  parameters.GatherGradients();
  const Tensor& flat = parameters.gradients();
  return std::sqrt(flat.dtype() == autograd::DType::kF32
                       ? SumOfSquares(flat.numel(), flat.raw<float>())
                       : SumOfSquares(flat.numel(), flat.raw<double>()));
}

internal::ClipMeasure internal::MeasureClip(const char* operation, ParameterBuffer& parameters,
                                            double max_norm) {
  if (!(max_norm > 0)) {
    throw std::invalid_argument(std::string(operation) + ": max_norm is " +
                                std::to_string(max_norm) + ", wants a positive number");
  }
  const double norm = GradientNorm(parameters);
  if (!std::isfinite(norm)) {
    throw autograd::NumericalError(std::string(operation) + ": the norm of the gradients is " +
                                   std::to_string(norm) + DescribeNonFinite(parameters));
  }
  return {norm, std::min(1.0, max_norm / (norm + 1e-6))};
}

double ClipGradientNorm(ParameterBuffer& parameters, double max_norm) {
  const auto [norm, factor] = internal::MeasureClip("ClipGradientNorm", parameters, max_norm);
  if (factor < 1) {
    const autograd::NoGrad guard;
    Tensor flat = parameters.gradients();
    ScaleInPlace(flat, factor);
    parameters.MarkGradientsChanged();
  }
  return norm;
}

}  // namespace nn
