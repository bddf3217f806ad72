#include "flowmatch/time/time_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

constexpr double kHalfPi = std::numbers::pi / 2;

void CheckDraw(const char* name, int64_t n, DType dtype) {
  if (n < 0) throw std::invalid_argument(absl::StrCat(name, ": n is ", n, ", expected 0 or more"));
  if (dtype != DType::kF32 && dtype != DType::kF64) {
    throw std::invalid_argument(
        absl::StrCat(name, ": dtype is ", DTypeName(dtype), ", expected f32 or f64"));
  }
}

void CheckRange(const char* name, const TimeRange& range) {
  if (range.first < range.last && std::isfinite(range.last - range.first)) return;
  throw std::invalid_argument(absl::StrCat(name, ": range from ", range.first, " to ", range.last,
                                           ", expected first < last"));
}

// The smallest and the largest T inside a range.
template <class T>
struct Bounds {
  explicit Bounds(const TimeRange& range)
      : first(static_cast<T>(range.first)), last(static_cast<T>(range.last)) {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    if (static_cast<double>(first) < range.first) first = std::nextafter(first, kInfinity);
    if (static_cast<double>(last) > range.last) last = std::nextafter(last, -kInfinity);
  }
  // A range narrower than T resolves has only its first.
  T Clamp(T time) const { return std::max(first, std::min(last, time)); }

  T first, last;
};

// time(x[i]) in place of each element of x, which nobody else holds.
template <class T, class Function>
void TransformAs(const Tensor& x, const Function& time) {
  T* values = x.raw<T>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    values[i] = static_cast<T>(time(static_cast<double>(values[i])));
  }
}
template <class Function>
Tensor Transform(const Tensor& x, const Function& time) {
  x.dtype() == DType::kF32 ? TransformAs<float>(x, time) : TransformAs<double>(x, time);
  return x;
}

// From [0, 1) to the range. Rounding must not carry a time to an end that the caller keeps off.
template <class T>
void Stretch(const TimeRange& range, const Tensor& times) {
  const TimeRange open = {range.first,
                          std::nextafter(range.last, -std::numeric_limits<double>::infinity())};
  const Bounds<T> bounds(open);
  T* values = times.raw<T>();
  for (int64_t i = 0; i < times.numel(); ++i) {
    const double time = range.first + (range.last - range.first) * static_cast<double>(values[i]);
    values[i] = bounds.Clamp(static_cast<T>(time));
  }
}

template <class T>
Tensor ClampAs(const Tensor& t, const TimeRange& range) {
  const Bounds<T> bounds(range);
  const Tensor from = Contiguous(t), result = Tensor::Empty(t.shape(), t.dtype());
  for (int64_t i = 0; i < t.numel(); ++i) result.raw<T>()[i] = bounds.Clamp(from.raw<T>()[i]);
  return result;
}

}  // namespace

Tensor UniformTimes(int64_t n, const TimeRange& range, Generator& generator, DType dtype) {
  CheckDraw("UniformTimes", n, dtype);
  CheckRange("UniformTimes", range);
  const Tensor times = autograd::Rand({n}, generator, dtype);
  if (range.first == 0 && range.last == 1) return times;
  dtype == DType::kF32 ? Stretch<float>(range, times) : Stretch<double>(range, times);
  return times;
}

Tensor DiscreteUniformTimes(int64_t n, int64_t steps, Generator& generator, DType dtype) {
  CheckDraw("DiscreteUniformTimes", n, dtype);
  // With more, the last time would round to 1.
  if (steps < 1 || steps > int64_t{1} << 24) {
    throw std::invalid_argument(
        absl::StrCat("DiscreteUniformTimes: steps is ", steps, ", expected 1 to 2^24"));
  }
  const Tensor k = autograd::RandInt(0, steps, {n}, generator);
  const Tensor times = Tensor::Empty({n}, dtype);
  for (int64_t i = 0; i < n; ++i) {
    const double time = static_cast<double>(k.raw<int64_t>()[i]) / static_cast<double>(steps);
    dtype == DType::kF32 ? times.raw<float>()[i] = static_cast<float>(time)
                         : times.raw<double>()[i] = time;
  }
  return times;
}

Tensor LogitNormalTimes(int64_t n, double mean, double scale, Generator& generator, DType dtype) {
  CheckDraw("LogitNormalTimes", n, dtype);
  if (!std::isfinite(mean) || !(scale > 0 && std::isfinite(scale))) {
    throw std::invalid_argument(absl::StrCat("LogitNormalTimes: mean is ", mean, " and scale ",
                                             scale, ", expected a finite mean and scale > 0"));
  }
  // 1 - sigmoid(z) without cancellation.
  return Transform(autograd::Randn({n}, generator, dtype),
                   [=](double z) { return 1 / (1 + std::exp(mean + scale * z)); });
}

Tensor ModeTimes(int64_t n, double scale, Generator& generator, DType dtype) {
  CheckDraw("ModeTimes", n, dtype);
  constexpr double kLargest = 2 / (std::numbers::pi - 2);
  if (!(-1 <= scale && scale <= kLargest)) {
    throw std::invalid_argument(
        absl::StrCat("ModeTimes: scale is ", scale, ", expected -1 to 2 / (pi - 2) = ", kLargest));
  }
  return Transform(autograd::Rand({n}, generator, dtype), [=](double u) {
    const double cosine = std::cos(kHalfPi * u);
    return std::clamp(u + scale * (cosine * cosine - 1 + u), 0., 1.);
  });
}

Tensor EdmSkewedTimes(int64_t n, Generator& generator, DType dtype) {
  CheckDraw("EdmSkewedTimes", n, dtype);
  return Transform(autograd::Randn({n}, generator, dtype), [](double z) {
    return std::clamp(1 / (1 + std::exp(-1.2 + 1.2 * z)), 1e-4, 1.);
  });
}

Tensor CosmapTimes(int64_t n, Generator& generator, DType dtype) {
  CheckDraw("CosmapTimes", n, dtype);
  return Transform(autograd::Rand({n}, generator, dtype), [](double u) {
    // tan / (tan + 1), finite as u nears 1.
    const double sine = std::sin(kHalfPi * u), cosine = std::cos(kHalfPi * u);
    return sine / (sine + cosine);
  });
}

Tensor ClampTimes(const Tensor& t, const TimeRange& range) {
  if (!t.defined() || (t.dtype() != DType::kF32 && t.dtype() != DType::kF64)) {
    throw std::invalid_argument(
        absl::StrCat("ClampTimes: t is ", Describe(t), ", expected f32 or f64"));
  }
  CheckRange("ClampTimes", range);
  return t.dtype() == DType::kF32 ? ClampAs<float>(t, range) : ClampAs<double>(t, range);
}

}  // namespace flowmatch
