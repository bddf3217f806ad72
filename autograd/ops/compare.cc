#include "autograd/ops/compare.h"

#include <type_traits>

#include "autograd/kernels/binary.h"
#include "autograd/ops/binary_op.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::ElementwiseArg;
using kernels::CompareOp;

// The result of kernels over uint8_t, int32_t ...: pick(T{}, operands) gives one.
template <DTypes kWanted, class Pick>
Tensor Compare(const char* operation, const Tensor& a, const Tensor& b, Pick pick) {
  const OpScope scope(operation, {&a, &b});
  internal::CheckDTypes(operation, kWanted, {&a, &b});
  Tensor y = Tensor::Empty(BroadcastShapes(operation, a.shape(), b.shape()), DType::kBool);
  const Tensor* inputs[] = {&a, &b};
  internal::Dispatch<kWanted>(a.dtype(), [&]<class T>(T) {
    // A bool of memory is a byte, 0 or 1.
    using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
    const auto kernel = [&](int64_t n, void* out, const ElementwiseArg* args) {
      internal::RunPairs<Stored>(
          n, args, static_cast<uint8_t*>(out),
          [&](kernels::Operands operands) { return pick(Stored{}, operands); });
    };
    internal::ElementwiseLoop(y, inputs, kernel);
  });
  return y;
}

Tensor Compare(const char* operation, const Tensor& a, const Tensor& b, CompareOp op) {
  return Compare<DTypes::kAll>(operation, a, b, [op]<class T>(T, kernels::Operands operands) {
    return kernels::GetBinary<T>().Compare(op, operands);
  });
}

Tensor Logical(const char* operation, const Tensor& a, const Tensor& b, kernels::LogicalOp op) {
  return Compare<DTypes::kBool>(operation, a, b, [op](uint8_t, kernels::Operands operands) {
    const auto& table = kernels::GetBinaryTables().logical.logical;
    return table[static_cast<int>(op)][static_cast<int>(operands)];
  });
}

// The number as a tensor of a's dtype.
Tensor Like(const char* operation, const Tensor& a, double b) {
  internal::CheckScalar(operation, a, b);
  return Full({}, b, a.dtype());
}

}  // namespace

Tensor Equal(const Tensor& a, const Tensor& b) { return Compare("Equal", a, b, CompareOp::kEq); }
Tensor NotEqual(const Tensor& a, const Tensor& b) {
  return Compare("NotEqual", a, b, CompareOp::kNe);
}
Tensor Less(const Tensor& a, const Tensor& b) { return Compare("Less", a, b, CompareOp::kLt); }
Tensor LessEqual(const Tensor& a, const Tensor& b) {
  return Compare("LessEqual", a, b, CompareOp::kLe);
}
Tensor Greater(const Tensor& a, const Tensor& b) {
  return Compare("Greater", a, b, CompareOp::kGt);
}
Tensor GreaterEqual(const Tensor& a, const Tensor& b) {
  return Compare("GreaterEqual", a, b, CompareOp::kGe);
}

Tensor Equal(const Tensor& a, double b) { return Equal(a, Like("Equal", a, b)); }
Tensor NotEqual(const Tensor& a, double b) { return NotEqual(a, Like("NotEqual", a, b)); }
Tensor Less(const Tensor& a, double b) { return Less(a, Like("Less", a, b)); }
Tensor LessEqual(const Tensor& a, double b) { return LessEqual(a, Like("LessEqual", a, b)); }
Tensor Greater(const Tensor& a, double b) { return Greater(a, Like("Greater", a, b)); }
Tensor GreaterEqual(const Tensor& a, double b) {
  return GreaterEqual(a, Like("GreaterEqual", a, b));
}

Tensor LogicalAnd(const Tensor& a, const Tensor& b) {
  return Logical("LogicalAnd", a, b, kernels::LogicalOp::kAnd);
}
Tensor LogicalOr(const Tensor& a, const Tensor& b) {
  return Logical("LogicalOr", a, b, kernels::LogicalOp::kOr);
}
Tensor LogicalNot(const Tensor& x) {
  const OpScope scope("LogicalNot", {&x});
  internal::CheckDTypes("LogicalNot", DTypes::kBool, {&x});
  Tensor y = Tensor::Empty(x.shape(), DType::kBool);
  const Tensor* inputs[] = {&x};
  internal::DenseElementwiseLoop(y, inputs, [](int64_t n, void* out, const void* const* in) {
    kernels::GetBinaryTables().logical.logical_not(static_cast<const uint8_t*>(in[0]),
                                                   static_cast<uint8_t*>(out), n);
  });
  return y;
}

}  // namespace autograd
