// From a dtype to the C++ type of its elements, and the check that operands have one dtype.
//
// Kernels come for f32, f64 and some integers, a few also for bf16. Where an operation takes bf16
// and its kernels do not, it widens to f32 what it hands them and rounds what they return: whole
// tensors (InComputeType of copy_elements.h) or, between a load and a store, pieces (InF32 of
// in_f32.h). Either way a result is rounded to bf16 once.
#ifndef AUTOGRAD_OPS_DISPATCH_H_
#define AUTOGRAD_OPS_DISPATCH_H_

#include <initializer_list>

#include "autograd/dtype.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// f32 and f64; those and bf16; f32, f64, i32 and i64; those and bf16; all; bool alone.
enum class DTypes { kFloating, kFloatingOrBf16, kArithmetic, kArithmeticOrBf16, kAll, kBool };

constexpr bool Contains(DTypes set, DType dtype) {
  if (set == DTypes::kBool) return dtype == DType::kBool;
  switch (dtype) {
    case DType::kF32:
    case DType::kF64:
      return true;
    case DType::kI32:
    case DType::kI64:
      return set != DTypes::kFloating && set != DTypes::kFloatingOrBf16;
    case DType::kU8:
    case DType::kBool:
      return set == DTypes::kAll;
    case DType::kBF16:
      return set != DTypes::kFloating && set != DTypes::kArithmetic;
  }
  return false;
}

// The dtype that values of `dtype` are computed in: f32 for bf16, otherwise itself.
constexpr DType ComputeDType(DType dtype) { return dtype == DType::kBF16 ? DType::kF32 : dtype; }

[[noreturn]] void ThrowUndefined(const char* operation);

// Throws std::invalid_argument naming the operation unless all operands are defined.
inline void CheckDefined(const char* operation, std::initializer_list<const Tensor*> operands) {
  for (const Tensor* operand : operands) {
    if (!operand->defined()) [[unlikely]]
      ThrowUndefined(operation);
  }
}

[[noreturn]] void ThrowDTypes(const char* operation, DTypes wanted,
                              std::initializer_list<const Tensor*> operands);

// Throws std::invalid_argument naming the operation and every operand unless all are defined and
// have one dtype out of `wanted`. Where bf16 is not wanted, the message speaks of Cast.
inline void CheckDTypes(const char* operation, DTypes wanted,
                        std::initializer_list<const Tensor*> operands) {
  bool good = true;
  for (const Tensor* operand : operands) {
    good = good && operand->defined() && (*operands.begin())->defined() &&
           operand->dtype() == (*operands.begin())->dtype() && Contains(wanted, operand->dtype());
  }
  if (!good) [[unlikely]]
    ThrowDTypes(operation, wanted, operands);
}

// Throws std::invalid_argument naming the operation, the tensor and the number unless x is defined
// and its dtype can hold the number: any does where it is floating-point.
void CheckScalar(const char* operation, const Tensor& x, double scalar);

// Calls function(T{}) with the type of the elements of `dtype`, which is in kWanted.
template <DTypes kWanted, class Function>
void Dispatch(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::kF32:
      if constexpr (Contains(kWanted, DType::kF32)) return function(float{});
      break;
    case DType::kF64:
      if constexpr (Contains(kWanted, DType::kF64)) return function(double{});
      break;
    case DType::kI32:
      if constexpr (Contains(kWanted, DType::kI32)) return function(int32_t{});
      break;
    case DType::kI64:
      if constexpr (Contains(kWanted, DType::kI64)) return function(int64_t{});
      break;
    case DType::kU8:
      if constexpr (Contains(kWanted, DType::kU8)) return function(uint8_t{});
      break;
    case DType::kBool:
      if constexpr (Contains(kWanted, DType::kBool)) return function(bool{});
      break;
    case DType::kBF16:
      if constexpr (Contains(kWanted, DType::kBF16)) return function(BFloat16{});
      break;
  }
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_DISPATCH_H_
