#include "autograd/ops/creation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/inplace.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Elements worth a thread.
constexpr int64_t kGrain = 16384;

[[noreturn]] void ThrowDType(const char* operation, const char* wanted, DType dtype) {
  throw std::invalid_argument(std::string(operation) + ": wants " + wanted + ", got " +
                              DTypeName(dtype));
}

template <class T, class Function>
void Generate(const Tensor& y, Function value) {
  ParallelFor(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y.raw<T>()[i] = value(i);
  });
}

// Fills a floating-point tensor with value(i), rounded once; false for other dtypes.
template <class Function>
bool GenerateFloats(const Tensor& y, Function value) {
  switch (y.dtype()) {
    case DType::kF32:
      Generate<float>(y, [&](int64_t i) { return static_cast<float>(value(i)); });
      return true;
    case DType::kF64:
      Generate<double>(y, value);
      return true;
    case DType::kBF16:
      Generate<BFloat16>(y, [&](int64_t i) { return ToBFloat16(static_cast<float>(value(i))); });
      return true;
    default:
      return false;
  }
}

std::string RangeText(double start, double stop, double step) {
  return "from " + std::to_string(start) + " to " + std::to_string(stop) + " in steps of " +
         std::to_string(step);
}

// Throws unless every element start + i step is a value of the integer type T.
template <class T>
void CheckIntegerRange(double start, double last, double step, DType dtype) {
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  // 2^63 is exact in a double, the largest int64_t is not.
  const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
  const auto holds = [&](double x) { return x == std::floor(x) && x >= low && x < high; };
  if (!holds(start) || !holds(last) || step != std::floor(step)) {
    throw std::invalid_argument("Arange: " + RangeText(start, last, step) +
                                " are not all values of dtype " + DTypeName(dtype));
  }
}

// bf16 is drawn as f32.
template <class Draw>
Tensor Random(const char* operation, const Shape& shape, DType dtype, Draw draw) {
  const OpScope scope(operation, {});
  if (!IsFloating(dtype)) ThrowDType(operation, "f32, f64 or bf16", dtype);
  CheckShape(operation, shape);
  const Tensor y = Tensor::Empty(shape, internal::ComputeDType(dtype));
  dtype == DType::kF64 ? draw(y.raw<double>(), y.numel()) : draw(y.raw<float>(), y.numel());
  return y;
}

}  // namespace

Tensor Zeros(const Shape& shape, DType dtype) {
  const OpScope scope("Zeros", {});
  Tensor result = Tensor::Empty(shape, dtype);
  // Zero is all zero bytes in every dtype.
  if (result.numel() > 0) {
    std::memset(result.raw<char>(), 0, static_cast<size_t>(result.numel()) * ItemSize(dtype));
  }
  return result;
}

Tensor Ones(const Shape& shape, DType dtype) { return Full(shape, 1, dtype); }

Tensor Full(const Shape& shape, double value, DType dtype) {
  const OpScope scope("Full", {});
  Tensor result = Tensor::Empty(shape, dtype);
  FillInPlace(result, value);
  return result;
}

Tensor ZerosLike(const Tensor& x) {
  internal::CheckDefined("ZerosLike", {&x});
  return Zeros(x.shape(), x.dtype());
}
Tensor OnesLike(const Tensor& x) {
  internal::CheckDefined("OnesLike", {&x});
  return Ones(x.shape(), x.dtype());
}
Tensor FullLike(const Tensor& x, double value) {
  internal::CheckDefined("FullLike", {&x});
  return Full(x.shape(), value, x.dtype());
}

Tensor Arange(double start, double stop, double step, DType dtype) {
  const OpScope scope("Arange", {});
  const double count = std::ceil((stop - start) / step);
  // Also false for NaN. 2^53 is where counting in f64 ends.
  if (step == 0 || !(std::abs(count) < std::ldexp(1.0, 53)) || !std::isfinite(step)) {
    throw std::invalid_argument("Arange: there is no range " + RangeText(start, stop, step));
  }
  const int64_t n = count > 0 ? static_cast<int64_t>(count) : 0;
  const Tensor y = Tensor::Empty({n}, dtype);
  if (n == 0) return y;
  const auto value = [&](int64_t i) { return start + static_cast<double>(i) * step; };
  if (GenerateFloats(y, value)) return y;
  const auto generate = [&]<class T>(T) {
    CheckIntegerRange<T>(start, value(n - 1), step, dtype);
    Generate<T>(y, [&](int64_t i) { return static_cast<T>(value(i)); });
  };
  switch (dtype) {
    case DType::kI32:
      generate(int32_t{});
      break;
    case DType::kI64:
      generate(int64_t{});
      break;
    case DType::kU8:
      generate(uint8_t{});
      break;
    default:
      ThrowDType("Arange", "a dtype of numbers", dtype);
  }
  return y;
}

Tensor Linspace(double start, double stop, int64_t count, DType dtype) {
  const OpScope scope("Linspace", {});
  if (!IsFloating(dtype)) ThrowDType("Linspace", "f32, f64 or bf16", dtype);
  CheckShape("Linspace", {count});
  const Tensor y = Tensor::Empty({count}, dtype);
  const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
  GenerateFloats(y, [&](int64_t i) {
    return i <= (count - 1) / 2 ? start + static_cast<double>(i) * step
                                : stop - static_cast<double>(count - 1 - i) * step;
  });
  return y;
}

Tensor Eye(int64_t n, DType dtype) { return Eye(n, n, dtype); }

Tensor Eye(int64_t rows, int64_t columns, DType dtype) {
  const OpScope scope("Eye", {});
  CheckShape("Eye", {rows, columns});
  const Tensor y = Zeros({rows, columns}, dtype);
  Tensor diagonal = y.ViewAs({std::min(rows, columns)}, {columns + 1}, 0);
  FillInPlace(diagonal, 1);
  return y;
}

Tensor Rand(const Shape& shape, Generator& generator, DType dtype) {
  const Tensor y =
      Random("Rand", shape, dtype, [&](auto* out, int64_t n) { generator.Uniform(out, n); });
  if (dtype != DType::kBF16) return y;
  // Rounding to nearest would reach 1.
  const Tensor narrow = Tensor::Empty(shape, dtype);
  Generate<BFloat16>(
      narrow, [&](int64_t i) { return ToBFloat16(std::floor(y.raw<float>()[i] * 256) / 256); });
  return narrow;
}
Tensor Randn(const Shape& shape, Generator& generator, DType dtype) {
  const Tensor y =
      Random("Randn", shape, dtype, [&](auto* out, int64_t n) { generator.Normal(out, n); });
  return internal::CastCopy(y, dtype);
}
Tensor RandLike(const Tensor& x, Generator& generator) {
  internal::CheckDefined("RandLike", {&x});
  return Rand(x.shape(), generator, x.dtype());
}
Tensor RandnLike(const Tensor& x, Generator& generator) {
  internal::CheckDefined("RandnLike", {&x});
  return Randn(x.shape(), generator, x.dtype());
}

Tensor RandInt(int64_t low, int64_t high, const Shape& shape, Generator& generator, DType dtype) {
  const OpScope scope("RandInt", {});
  if (dtype != DType::kI32 && dtype != DType::kI64) ThrowDType("RandInt", "i32 or i64", dtype);
  constexpr int64_t kLow = std::numeric_limits<int32_t>::min();
  constexpr int64_t kHigh = std::numeric_limits<int32_t>::max();
  const bool fits = dtype == DType::kI64 || (low >= kLow && high <= kHigh + 1);
  if (low >= high || !fits) {
    throw std::invalid_argument("RandInt: no integers of " + std::string(DTypeName(dtype)) +
                                " in [" + std::to_string(low) + ", " + std::to_string(high) + ")");
  }
  CheckShape("RandInt", shape);
  const Tensor y = Tensor::Empty(shape, dtype);
  dtype == DType::kI64 ? generator.Integers(low, high, y.raw<int64_t>(), y.numel())
                       : generator.Integers(low, high, y.raw<int32_t>(), y.numel());
  return y;
}

Tensor Bernoulli(double p, const Shape& shape, Generator& generator) {
  const OpScope scope("Bernoulli", {});
  CheckShape("Bernoulli", shape);
  const Tensor y = Tensor::Empty(shape, DType::kBool);
  generator.Bernoulli(p, y.raw<bool>(), y.numel());
  return y;
}

Tensor Permutation(int64_t n, Generator& generator) {
  const OpScope scope("Permutation", {});
  CheckShape("Permutation", {n});
  const Tensor y = Tensor::Empty({n}, DType::kI64);
  generator.Permutation(y.raw<int64_t>(), n);
  return y;
}

}  // namespace autograd
