#include "nn/init.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"
#include "nn/init_math.h"

namespace nn {
namespace {

using autograd::Activation;
using autograd::DType;
using autograd::Shape;
using autograd::Tensor;

void CheckDType(const char* function, DType dtype) {
  if (dtype == DType::kF32 || dtype == DType::kF64) return;
  throw std::invalid_argument(std::string(function) + ": wants f32 or f64, got " +
                              autograd::DTypeName(dtype));
}

// fill(values, n) of an array of the dtype's type, then scale * value + shift.
template <class Fill>
Tensor Filled(const char* function, const Shape& shape, double scale, double shift, DType dtype,
              Fill fill) {
  CheckDType(function, dtype);
  const Tensor result = Tensor::Empty(shape, dtype);
  const auto run = [&]<class T>(T* values) {
    fill(values, result.numel());
    for (int64_t i = 0; i < result.numel(); ++i) {
      values[i] = static_cast<T>(scale) * values[i] + static_cast<T>(shift);
    }
  };
  dtype == DType::kF32 ? run(result.raw<float>()) : run(result.raw<double>());
  return result;
}

// Both fans, which must not be 0 where something is divided by them.
Fans FansOf(const char* function, const Shape& shape) {
  if (shape.rank() < 2) {
    throw std::invalid_argument(
        absl::StrCat(function, ": wants a weight with at least two axes, got ", shape.ToString()));
  }
  autograd::CheckShape(function, shape);
  int64_t kernel = 1;
  for (int axis = 1; axis < shape.rank() - 1; ++axis) kernel *= shape[axis];
  return {kernel * shape[shape.rank() - 1], kernel * shape[0]};
}

double KaimingDeviation(const char* function, const Shape& shape, const KaimingOptions& options) {
  CheckDType(function, options.dtype);
  const Fans fans = FansOf(function, shape);
  const int64_t fan = options.fan == FanMode::kIn ? fans.in : fans.out;
  if (fan == 0) {
    throw std::invalid_argument(
        absl::StrCat(function, ": the fan of a weight ", shape.ToString(), " is 0"));
  }
  return ActivationGain(options.activation) / std::sqrt(static_cast<double>(fan));
}

double XavierDeviation(const char* function, const Shape& shape, const XavierOptions& options) {
  CheckDType(function, options.dtype);
  const Fans fans = FansOf(function, shape);
  if (fans.in + fans.out == 0) {
    throw std::invalid_argument(
        absl::StrCat(function, ": the fans of a weight ", shape.ToString(), " are 0"));
  }
  return options.gain * std::sqrt(2 / static_cast<double>(fans.in + fans.out));
}

// Uniform with mean 0 and this deviation.
Tensor Centred(const Shape& shape, double deviation, Generator& generator, DType dtype) {
  const double bound = std::sqrt(3.0) * deviation;
  return UniformTensor(shape, -bound, bound, generator, dtype);
}

// E[elu(z)^2] with z ~ N(0, 1): half of the variance for z > 0, and for z < 0 the expectation of
// alpha^2 (e^2z - 2 e^z + 1), where E[e^kz; z < 0] = e^(k^2 / 2) P(z < -k).
double EluVariance(double alpha) {
  const auto below = [](double z) { return 0.5 * std::erfc(z / std::numbers::sqrt2); };
  return 0.5 + alpha * alpha * (std::exp(2.0) * below(2) - 2 * std::exp(0.5) * below(1) + 0.5);
}

}  // namespace

Tensor UniformTensor(const Shape& shape, double low, double high, Generator& generator,
                     DType dtype) {
  return Filled("UniformTensor", shape, high - low, low, dtype,
                [&generator](auto* values, int64_t n) { generator.Uniform(values, n); });
}

Tensor NormalTensor(const Shape& shape, double mean, double deviation, Generator& generator,
                    DType dtype) {
  return Filled("NormalTensor", shape, deviation, mean, dtype,
                [&generator](auto* values, int64_t n) { generator.Normal(values, n); });
}

Tensor TruncatedNormal(const Shape& shape, double mean, double deviation, double low, double high,
                       Generator& generator, DType dtype) {
  CheckDType("TruncatedNormal", dtype);
  const internal::TruncatedNormalDistribution distribution(mean, deviation, low, high);
  const Tensor result = Tensor::Empty(shape, dtype);
  std::vector<double> uniform(static_cast<size_t>(result.numel()));
  generator.Uniform(uniform.data(), result.numel());
  distribution.Invert(uniform);
  const auto round = [&]<class T>(T* values) {
    for (size_t i = 0; i < uniform.size(); ++i) values[i] = static_cast<T>(uniform[i]);
  };
  dtype == DType::kF32 ? round(result.raw<float>()) : round(result.raw<double>());
  return result;
}

Fans WeightFans(const Shape& weight) { return FansOf("WeightFans", weight); }

double ActivationGain(const autograd::ActivationSpec& activation) {
  switch (activation.activation) {
    case Activation::kNone:
    case Activation::kSigmoid:
      return 1;
    case Activation::kRelu:
      return std::numbers::sqrt2;
    case Activation::kLeakyRelu:
      return std::sqrt(2 / (1 + activation.parameter * activation.parameter));
    case Activation::kTanh:
      return 5.0 / 3;
    case Activation::kElu:
      return 1 / std::sqrt(EluVariance(activation.parameter));
    // By numerical integration, which the test repeats.
    case Activation::kSilu:
      return 1.676532470331154;
    case Activation::kGeluErf:
      return 1.5335304411955852;
    case Activation::kGeluTanh:
      return 1.5335805216662266;
  }
  throw std::invalid_argument("ActivationGain: unknown activation");
}

Tensor KaimingUniform(const Shape& shape, Generator& generator, const KaimingOptions& options) {
  return Centred(shape, KaimingDeviation("KaimingUniform", shape, options), generator,
                 options.dtype);
}

Tensor KaimingNormal(const Shape& shape, Generator& generator, const KaimingOptions& options) {
  return NormalTensor(shape, 0, KaimingDeviation("KaimingNormal", shape, options), generator,
                      options.dtype);
}

Tensor XavierUniform(const Shape& shape, Generator& generator, const XavierOptions& options) {
  return Centred(shape, XavierDeviation("XavierUniform", shape, options), generator, options.dtype);
}

Tensor XavierNormal(const Shape& shape, Generator& generator, const XavierOptions& options) {
  return NormalTensor(shape, 0, XavierDeviation("XavierNormal", shape, options), generator,
                      options.dtype);
}

Tensor Orthogonal(const Shape& shape, Generator& generator, double gain, DType dtype) {
  CheckDType("Orthogonal", dtype);
  FansOf("Orthogonal", shape);
  const Tensor result = Tensor::Empty(shape, dtype);
  if (result.numel() == 0) return result;
  const int64_t rows = shape[0], columns = result.numel() / rows;
  const bool tall = rows > columns;
  const int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<double> basis(static_cast<size_t>(result.numel()));
  generator.Normal(basis.data(), result.numel());
  internal::Orthonormalize(basis, count, length);
  const auto store = [&]<class T>(T* values) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const int64_t from = tall ? j * length + i : i * length + j;
        *values++ = static_cast<T>(gain * basis[static_cast<size_t>(from)]);
      }
    }
  };
  dtype == DType::kF32 ? store(result.raw<float>()) : store(result.raw<double>());
  return result;
}

void Reinitialize(const Tensor& parameter, const Tensor& value) {
  if (!parameter.defined() || !value.defined() || parameter.shape() != value.shape() ||
      parameter.dtype() != value.dtype()) {
    throw std::invalid_argument(
        absl::StrCat("Reinitialize: wants a value of the parameter's shape and dtype, got ",
                     Describe(value), " for ", Describe(parameter)));
  }
  const autograd::NoGrad guard;
  Tensor target = parameter;
  autograd::CopyInPlace(target, value);
}

}  // namespace nn
