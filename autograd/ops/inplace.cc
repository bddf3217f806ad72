#include "autograd/ops/inplace.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "autograd/ops/elementwise_loop.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::ElementwiseArg;
using internal::ElementwiseLoop;

void CheckPair(const char* operation, const Tensor& y, const Tensor& x) {
  if (y.dtype() != x.dtype() || !CanExpand(x.shape(), y.shape())) {
    throw std::invalid_argument(std::string(operation) + ": " + Describe(x) +
                                " does not fit into " + Describe(y));
  }
}

// Calls function(T{}) with the element type of `dtype`.
template <class Function>
void Dispatch(DType dtype, Function function) {
  switch (dtype) {
    case DType::kF32:
      return function(float{});
    case DType::kF64:
      return function(double{});
    case DType::kI32:
      return function(int32_t{});
    case DType::kI64:
      return function(int64_t{});
    case DType::kU8:
      return function(uint8_t{});
    case DType::kBool:
      return function(bool{});
    case DType::kBF16:
      return function(BFloat16{});
  }
}

template <class T>
T ConvertScalar(const char* operation, double value) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return ToBFloat16(static_cast<float>(value));
  } else {
    if constexpr (std::is_integral_v<T>) {
      // 2^63 is exact in a double, the largest int64_t is not.
      const double low = static_cast<double>(std::numeric_limits<T>::min());
      const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
      if (!(value >= low && value < high) || value != std::floor(value)) {
        throw std::invalid_argument(std::string(operation) + ": " + std::to_string(value) +
                                    " is not a value of dtype " + DTypeName(DTypeOf<T>));
      }
    }
    return static_cast<T>(value);
  }
}

}  // namespace

void AddInPlace(Tensor& y, const Tensor& x, double scale) {
  const OpScope scope("AddInPlace", {&y, &x});
  CheckPair("AddInPlace", y, x);
  const bool integer = y.dtype() == DType::kI32 || y.dtype() == DType::kI64;
  if (y.dtype() != DType::kF32 && y.dtype() != DType::kF64 && !(integer && scale == 1)) {
    throw std::invalid_argument("AddInPlace: wants f32 or f64 (or i32 and i64 with scale 1), got " +
                                Describe(y) + " with scale " + std::to_string(scale));
  }
  y.MarkChanged("AddInPlace");
  const Tensor* inputs[] = {&y, &x};
  Dispatch(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, BFloat16>) {
      const T factor = static_cast<T>(scale);
      ElementwiseLoop(y, inputs, [&](int64_t n, void* out, const ElementwiseArg* args) {
        const T* a = args[0].as<T>();
        const T* b = args[1].as<T>();
        const int64_t step = args[1].scalar ? 0 : 1;
        T* to = static_cast<T*>(out);
        for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(a[i] + factor * b[i * step]);
      });
    }
  });
}

void FillInPlace(Tensor& y, double value) {
  const OpScope scope("FillInPlace", {&y});
  y.MarkChanged("FillInPlace");
  Dispatch(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T converted = ConvertScalar<T>("FillInPlace", value);
    ElementwiseLoop(y, {}, [&](int64_t n, void* out, const ElementwiseArg*) {
      T* to = static_cast<T*>(out);
      for (int64_t i = 0; i < n; ++i) to[i] = converted;
    });
  });
}

void ScaleInPlace(Tensor& y, double factor) {
  const OpScope scope("ScaleInPlace", {&y});
  if (y.dtype() != DType::kF32 && y.dtype() != DType::kF64) {
    throw std::invalid_argument("ScaleInPlace: wants f32 or f64, got " + Describe(y));
  }
  y.MarkChanged("ScaleInPlace");
  const Tensor* inputs[] = {&y};
  const auto scale = [&](auto typed) {
    using T = decltype(typed);
    ElementwiseLoop(y, inputs, [&](int64_t n, void* out, const ElementwiseArg* args) {
      const T* from = args[0].as<T>();
      T* to = static_cast<T*>(out);
      for (int64_t i = 0; i < n; ++i) to[i] = from[i] * typed;
    });
  };
  y.dtype() == DType::kF32 ? scale(static_cast<float>(factor)) : scale(factor);
}

void CopyInPlace(Tensor& y, const Tensor& x) {
  const OpScope scope("CopyInPlace", {&y, &x});
  CheckPair("CopyInPlace", y, x);
  y.MarkChanged("CopyInPlace");
  const Tensor* inputs[] = {&x};
  const size_t item = ItemSize(y.dtype());
  const auto copy = [&](auto typed) {
    using T = decltype(typed);
    ElementwiseLoop(y, inputs, [&](int64_t n, void* out, const ElementwiseArg* args) {
      T* to = static_cast<T*>(out);
      if (!args[0].scalar) {
        std::memcpy(to, args[0].data, static_cast<size_t>(n) * sizeof(T));
        return;
      }
      const T value = *args[0].as<T>();
      for (int64_t i = 0; i < n; ++i) to[i] = value;
    });
  };
  item == 1   ? copy(uint8_t{})
  : item == 2 ? copy(uint16_t{})
  : item == 4 ? copy(uint32_t{})
              : copy(uint64_t{});
}

Tensor Clone(const Tensor& x) {
  Tensor copy = Tensor::Empty(x.shape(), x.dtype());
  CopyInPlace(copy, x.Detach());
  return copy;
}

}  // namespace autograd
