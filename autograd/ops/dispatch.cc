#include "autograd/ops/dispatch.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace autograd::internal {

void ThrowUndefined(const char* operation) {
  throw std::invalid_argument(std::string(operation) + ": a tensor is undefined");
}

void ThrowDTypes(const char* operation, DTypes wanted,
                 std::initializer_list<const Tensor*> operands) {
  std::string message = std::string(operation) + ": wants ";
  message += operands.size() == 1 ? "dtype " : "tensors of one dtype among ";
  constexpr const char* kNames[] = {
      "f32 or f64", "f32, f64 or bf16", "f32, f64, i32 or i64", "f32, f64, bf16, i32 or i64", "any",
      "bool"};
  message += kNames[static_cast<int>(wanted)];
  const char* separator = ", got ";
  for (const Tensor* operand : operands) {
    message += separator + Describe(*operand);
    separator = " and ";
  }
  bool narrow = wanted == DTypes::kFloating;
  for (const Tensor* operand : operands) {
    narrow = narrow && operand->defined() && operand->dtype() == DType::kBF16;
  }
  if (narrow) message += "; Cast bf16 to f32 first";
  throw std::invalid_argument(message);
}

void CheckScalar(const char* operation, const Tensor& x, double scalar) {
  CheckDefined(operation, {&x});
  bool fits = true;
  Dispatch<DTypes::kAll>(x.dtype(), [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>) {
      // 2^63 is exact in a double, the largest int64_t is not.
      const double low = static_cast<double>(std::numeric_limits<T>::min());
      const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
      fits = scalar >= low && scalar < high && scalar == std::floor(scalar);
    }
  });
  if (fits) return;
  char number[32];
  std::snprintf(number, sizeof number, "%.17g", scalar);
  throw std::invalid_argument(std::string(operation) + ": " + number + " is not a value of dtype " +
                              DTypeName(x.dtype()) + " of the tensor " + Describe(x));
}

}  // namespace autograd::internal
