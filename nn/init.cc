#include "nn/init.h"

#include <stdexcept>
#include <string>

namespace nn {
namespace {

using autograd::DType;
using autograd::Tensor;

// fill(values, n) of an array of the dtype's type, then scale * value + shift.
template <class Fill>
Tensor Filled(const char* function, const autograd::Shape& shape, double scale, double shift,
              DType dtype, Fill fill) {
  if (dtype != DType::kF32 && dtype != DType::kF64) {
    throw std::invalid_argument(std::string(function) + ": wants f32 or f64, got " +
                                autograd::DTypeName(dtype));
  }
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

}  // namespace

Tensor UniformTensor(const autograd::Shape& shape, double low, double high, Generator& generator,
                     DType dtype) {
  return Filled("UniformTensor", shape, high - low, low, dtype,
                [&generator](auto* values, int64_t n) { generator.Uniform(values, n); });
}

Tensor NormalTensor(const autograd::Shape& shape, double mean, double deviation,
                    Generator& generator, DType dtype) {
  return Filled("NormalTensor", shape, deviation, mean, dtype,
                [&generator](auto* values, int64_t n) { generator.Normal(values, n); });
}

}  // namespace nn
