#include "autograd/trace/anomaly.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <string>
#include <type_traits>

#include "autograd/errors.h"
#include "autograd/node.h"

namespace autograd {
namespace {

// Row-major index of the first element that is not finite; -1 if all are.
template <class T>
int64_t FirstNonFinite(const Tensor& x, double& value) {
  const Shape& shape = x.shape();
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t offset = i;
    if (!x.is_contiguous()) {
      offset = 0;
      int64_t rest = i;
      for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        offset += rest % shape[axis] * x.strides()[axis];
        rest /= shape[axis];
      }
    }
    if constexpr (std::is_same_v<T, BFloat16>) {
      value = static_cast<double>(ToFloat(x.raw<T>()[offset]));
    } else {
      value = static_cast<double>(x.raw<T>()[offset]);
    }
    if (!std::isfinite(value)) return i;
  }
  return -1;
}

int64_t FirstNonFinite(const Tensor& x, double& value) {
  switch (x.dtype()) {
    case DType::kF32:
      return FirstNonFinite<float>(x, value);
    case DType::kF64:
      return FirstNonFinite<double>(x, value);
    case DType::kBF16:
      return FirstNonFinite<BFloat16>(x, value);
    default:
      return -1;
  }
}

void Check(const std::string& what, const Tensor& x) {
  if (!x.defined()) return;
  double value = 0;
  const int64_t index = FirstNonFinite(x, value);
  if (index < 0) return;
  const char* derivative = internal::current_derivative;
  const std::string where =
      derivative == nullptr ? "" : "in the derivative of " + std::string(derivative) + ", ";
  throw NumericalError(where + what + " " + Describe(x) + " has a value that is not finite: " +
                       std::to_string(value) + " at index " + std::to_string(index));
}

constexpr internal::ResultChecker kChecker = {
    [](const char* operation, const Tensor& result) {
      Check(std::string(operation) + ": the result", result);
    },
    [](const char* operation, int input, const Tensor& gradient) {
      Check(std::string(operation) + ": the gradient of input " + std::to_string(input), gradient);
    }};

std::mutex mutex;
int depth = 0;

void ChangeDepth(int change) {
  const std::lock_guard<std::mutex> lock(mutex);
  depth += change;
  internal::result_checker = depth > 0 ? &kChecker : nullptr;
}

const bool switched_on = [] {
  const char* value = std::getenv("AUTOGRAD_ANOMALY");
  const bool on = value != nullptr && std::string(value) == "1";
  if (on) ChangeDepth(1);
  return on;
}();

}  // namespace

AnomalyMode::AnomalyMode() { ChangeDepth(1); }
AnomalyMode::~AnomalyMode() { ChangeDepth(-1); }

bool AllFinite(const Tensor& x) {
  double value = 0;
  return FirstNonFinite(x, value) < 0;
}

}  // namespace autograd
