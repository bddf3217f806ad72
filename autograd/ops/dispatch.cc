#include "autograd/ops/dispatch.h"

#include <stdexcept>
#include <string>

namespace autograd::internal {

void ThrowUndefined(const char* operation) {
  throw std::invalid_argument(std::string(operation) + ": a tensor is undefined");
}

void ThrowDTypes(const char* operation, DTypes wanted,
                 std::initializer_list<const Tensor*> operands) {
  std::string message = std::string(operation) + ": wants ";
  message += operands.size() == 1 ? "dtype " : "tensors of one dtype among ";
  constexpr const char* kNames[] = {"f32 or f64", "f32, f64, i32 or i64",
                                    "f32, f64, i32, i64, u8 or bool", "any", "bool"};
  message += kNames[static_cast<int>(wanted)];
  const char* separator = ", got ";
  for (const Tensor* operand : operands) {
    message += separator + Describe(*operand);
    separator = " and ";
  }
  throw std::invalid_argument(message);
}

}  // namespace autograd::internal
