#include "flowmatch/time/time_shift.h"

#include <cmath>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/shape.h"

namespace flowmatch {
namespace {

using autograd::DType;

void Check(const char* name, double t, double shift) {
  if (!(shift > 0 && std::isfinite(shift))) {
    throw std::invalid_argument(
        absl::StrCat(name, ": shift is ", shift, ", expected a finite number above 0"));
  }
  if (!(0 <= t && t <= 1)) {
    throw std::invalid_argument(absl::StrCat(name, ": t is ", t, ", expected 0 to 1"));
  }
}

template <class T>
void ShiftInto(const Tensor& from, double shift, const Tensor& to) {
  for (int64_t i = 0; i < from.numel(); ++i) {
    const double time = static_cast<double>(from.raw<T>()[i]);
    Check("ShiftTimes", time, shift);
    to.raw<T>()[i] = static_cast<T>(ShiftTime(time, shift));
  }
}

}  // namespace

double ShiftTime(double t, double shift) {
  Check("ShiftTime", t, shift);
  // t + (1 - t) need not round to 1.
  return shift == 1 ? t : t / (t + shift * (1 - t));
}

double UnshiftTime(double t, double shift) {
  Check("UnshiftTime", t, shift);
  return shift == 1 ? t : shift * t / (shift * t + (1 - t));
}

double ShiftOfExponent(double mu) {
  const double shift = std::exp(mu);
  if (!(shift > 0 && std::isfinite(shift))) {
    throw std::invalid_argument(
        absl::StrCat("ShiftOfExponent: mu is ", mu, ", and its shift e^mu ", shift));
  }
  return shift;
}

Tensor ShiftTimes(const Tensor& t, double shift) {
  if (!t.defined() || (t.dtype() != DType::kF32 && t.dtype() != DType::kF64)) {
    throw std::invalid_argument(
        absl::StrCat("ShiftTimes: t is ", Describe(t), ", expected f32 or f64"));
  }
  Check("ShiftTimes", 0, shift);
  const Tensor from = Contiguous(t), result = Tensor::Empty(t.shape(), t.dtype());
  t.dtype() == DType::kF32 ? ShiftInto<float>(from, shift, result)
                           : ShiftInto<double>(from, shift, result);
  return result;
}

}  // namespace flowmatch
