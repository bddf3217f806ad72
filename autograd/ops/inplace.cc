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
#include "autograd/ops/in_f32.h"
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

// Writing to elements that share memory, as those of an expanded tensor do, would leave what the
// last of them got.
void CheckTarget(const char* operation, const Tensor& y) {
  for (int axis = 0; axis < y.rank(); ++axis) {
    if (y.strides()[axis] != 0 || y.shape()[axis] <= 1 || y.numel() == 0) continue;
    throw std::invalid_argument(std::string(operation) + ": elements of the tensor " + Describe(y) +
                                " share memory (axis " + std::to_string(axis) +
                                " has stride 0); write to a Clone of it");
  }
}

// Bytes from the first element of x to behind the last.
int64_t Extent(const Tensor& x) {
  int64_t last = 0;
  for (int axis = 0; axis < x.rank(); ++axis) last += (x.shape()[axis] - 1) * x.strides()[axis];
  return (last + 1) * static_cast<int64_t>(ItemSize(x.dtype()));
}

// x, or a copy of it where writing to y would change what is still to be read of x: where both are
// views of overlapping memory, and not element for element the same.
Tensor ReadableWhileWriting(const Tensor& y, const Tensor& x) {
  if (x.numel() == 0 || y.numel() == 0) return x;
  const char* to = y.impl()->data;
  const char* from = x.impl()->data;
  const bool disjoint = from + Extent(x) <= to || to + Extent(y) <= from;
  const bool same = from == to && x.shape() == y.shape() && x.strides() == y.strides();
  return disjoint || same ? x : internal::DenseCopy(x);
}

}  // namespace

void AddInPlace(Tensor& y, const Tensor& x, double scale) {
  const OpScope scope("AddInPlace", {&y, &x});
  CheckPair("AddInPlace", y, x);
  const bool integer = y.dtype() == DType::kI32 || y.dtype() == DType::kI64;
  if (!IsFloating(y.dtype()) && !(integer && scale == 1)) {
    throw std::invalid_argument(
        "AddInPlace: wants f32, f64 or bf16 (or i32 and i64 with scale 1), got " + Describe(y) +
        " with scale " + std::to_string(scale));
  }
  CheckTarget("AddInPlace", y);
  y.MarkChanged("AddInPlace");
  const Tensor from = ReadableWhileWriting(y, x);
  const Tensor* inputs[] = {&y, &from};
  Dispatch<DTypes::kArithmeticOrBf16>(y.dtype(), [&]<class T>(T) {
    const auto kernel = [factor = static_cast<kernels::ComputeType<T>>(scale)](
                            int64_t n, void* out, const void* const* in) {
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
  if (!IsFloating(y.dtype())) {
    throw std::invalid_argument("ScaleInPlace: wants f32, f64 or bf16, got " + Describe(y));
  }
  CheckTarget("ScaleInPlace", y);
  y.MarkChanged("ScaleInPlace");
  const Tensor* inputs[] = {&y};
  Dispatch<DTypes::kFloatingOrBf16>(y.dtype(), [&]<class T>(T) {
    const auto multiply = [factor]<class U>(int64_t n, const U* from, U* to) {
      const U by = static_cast<U>(factor);
      kernels::GetBinary<U>().Arithmetic(kernels::BinaryOp::kMul, kernels::Operands::kArrayScalar)(
          from, &by, to, n);
    };
    const auto kernel = [multiply](int64_t n, void* out, const void* const* in) {
      internal::InF32(n, static_cast<const T*>(in[0]), static_cast<T*>(out), multiply);
    };
    internal::DenseElementwiseLoop(y, inputs, kernel);
  });
}

void CopyInPlace(Tensor& y, const Tensor& x) {
  const OpScope scope("CopyInPlace", {&y, &x});
  CheckPair("CopyInPlace", y, x);
  CheckTarget("CopyInPlace", y);
  y.MarkChanged("CopyInPlace");
  internal::CopyElements(y, ReadableWhileWriting(y, x));
}

Tensor Clone(const Tensor& x) {
  const OpScope scope("Clone", {&x});
  internal::CheckDefined("Clone", {&x});
  return internal::DenseCopy(x);
}

}  // namespace autograd
