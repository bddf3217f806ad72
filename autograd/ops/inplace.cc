#include "autograd/ops/inplace.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/kernels/binary.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::Dispatch;
using internal::DTypes;
using internal::ElementwiseArg;
using internal::ElementwiseLoop;

void CheckPair(const char* operation, const Tensor& y, const Tensor& x) {
  internal::CheckDefined(operation, {&y, &x});
  if (y.dtype() != x.dtype() || !CanExpand(x.shape(), y.shape())) {
    throw std::invalid_argument(std::string(operation) + ": " + Describe(x) +
                                " does not fit into " + Describe(y));
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
  Dispatch<DTypes::kArithmetic>(y.dtype(), [&]<class T>(T) {
    const auto kernel = [factor = static_cast<T>(scale)](int64_t n, void* out,
                                                         const void* const* in) {
      // Where the loop has packed y, in[0] is a copy of it and `out` is still to be written.
      if (out != in[0]) std::memcpy(out, in[0], static_cast<size_t>(n) * sizeof(T));
      kernels::GetBinary<T>().axpy(factor, static_cast<const T*>(in[1]), static_cast<T*>(out), n);
    };
    internal::DenseElementwiseLoop(y, inputs, kernel);
  });
}

void FillInPlace(Tensor& y, double value) {
  const OpScope scope("FillInPlace", {&y});
  internal::CheckScalar("FillInPlace", y, value);
  y.MarkChanged("FillInPlace");
  Dispatch<DTypes::kAll>(y.dtype(), [&]<class T>(T) {
    const T converted = [value] {
      if constexpr (std::is_same_v<T, BFloat16>) {
        return ToBFloat16(static_cast<float>(value));
      } else {
        return static_cast<T>(value);
      }
    }();
    ElementwiseLoop(y, {}, [&](int64_t n, void* out, const ElementwiseArg*) {
      std::fill(static_cast<T*>(out), static_cast<T*>(out) + n, converted);
    });
  });
}

void ScaleInPlace(Tensor& y, double factor) {
  const OpScope scope("ScaleInPlace", {&y});
  internal::CheckDefined("ScaleInPlace", {&y});
  if (y.dtype() != DType::kF32 && y.dtype() != DType::kF64) {
    throw std::invalid_argument("ScaleInPlace: wants f32 or f64, got " + Describe(y));
  }
  y.MarkChanged("ScaleInPlace");
  const Tensor* inputs[] = {&y};
  Dispatch<DTypes::kFloating>(y.dtype(), [&]<class T>(T) {
    const auto multiply = kernels::GetBinary<T>().Arithmetic(kernels::BinaryOp::kMul,
                                                             kernels::Operands::kArrayScalar);
    const auto kernel = [multiply, by = static_cast<T>(factor)](int64_t n, void* out,
                                                                const void* const* in) {
      multiply(static_cast<const T*>(in[0]), &by, static_cast<T*>(out), n);
    };
    internal::DenseElementwiseLoop(y, inputs, kernel);
  });
}

void CopyInPlace(Tensor& y, const Tensor& x) {
  const OpScope scope("CopyInPlace", {&y, &x});
  CheckPair("CopyInPlace", y, x);
  y.MarkChanged("CopyInPlace");
  internal::CopyElements(y, x);
}

Tensor Clone(const Tensor& x) {
  const OpScope scope("Clone", {&x});
  internal::CheckDefined("Clone", {&x});
  return internal::DenseCopy(x);
}

}  // namespace autograd
