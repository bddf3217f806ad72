#include "flowmatch/loss/cfm_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/loss.h"

namespace flowmatch {
namespace {

// From [0, 1) to the range. Rounding must not carry a time to an end that the caller keeps off.
template <class T>
void Stretch(const TimeRange& range, T* times, int64_t n) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  T smallest = static_cast<T>(range.first), largest = static_cast<T>(range.last);
  if (static_cast<double>(smallest) < range.first) smallest = std::nextafter(smallest, kInfinity);
  if (static_cast<double>(largest) >= range.last) largest = std::nextafter(largest, -kInfinity);
  for (int64_t i = 0; i < n; ++i) {
    const double time = range.first + (range.last - range.first) * static_cast<double>(times[i]);
    times[i] = std::max(smallest, std::min(largest, static_cast<T>(time)));
  }
}

}  // namespace

Tensor CfmLoss(const VelocityField& v, const PathSample& sample) {
  return MseLoss(v(sample.x_t, sample.t), sample.dx_t);
}

Tensor UniformTimes(int64_t n, const TimeRange& range, autograd::Generator& generator,
                    autograd::DType dtype) {
  if (!(range.first < range.last && std::isfinite(range.last - range.first))) {
    throw std::invalid_argument(absl::StrCat("UniformTimes: range from ", range.first, " to ",
                                             range.last, ", expected first < last"));
  }
  const Tensor times = autograd::Rand({n}, generator, dtype);
  if (range.first == 0 && range.last == 1) return times;
  dtype == autograd::DType::kF32 ? Stretch(range, times.raw<float>(), n)
                                 : Stretch(range, times.raw<double>(), n);
  return times;
}

}  // namespace flowmatch
