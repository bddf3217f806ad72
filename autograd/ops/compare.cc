#include "autograd/ops/compare.h"

#include <functional>
#include <stdexcept>
#include <string>

#include "autograd/ops/binary_op.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::ElementwiseArg;

// A bool of memory is read as a byte: whatever a caller's buffer holds, no other value than 0 and 1
// is invented.
template <class T>
struct Stored {
  using Type = T;
};
template <>
struct Stored<bool> {
  using Type = uint8_t;
};

template <class Relation>
Tensor Compare(const char* operation, const Tensor& a, const Tensor& b, Relation relation) {
  const OpScope scope(operation, {&a, &b});
  internal::CheckDTypes(operation, DTypes::kComparable, {&a, &b});
  Tensor y = Tensor::Empty(BroadcastShapes(operation, a.shape(), b.shape()), DType::kBool);
  const Tensor* inputs[] = {&a, &b};
  internal::Dispatch<DTypes::kComparable>(a.dtype(), [&]<class T>(T) {
    const auto kernel = [&](int64_t n, void* out, const ElementwiseArg* args) {
      internal::MapPairs<typename Stored<T>::Type>(n, args[0], args[1], static_cast<bool*>(out),
                                                   relation);
    };
    internal::ElementwiseLoop(y, inputs, kernel);
  });
  return y;
}

// The number as a tensor of a's dtype.
Tensor Like(const char* operation, const Tensor& a, double b) {
  internal::CheckDTypes(operation, DTypes::kComparable, {&a});
  return Full({}, b, a.dtype());
}

void CheckBool(const char* operation, const Tensor& x) {
  if (x.defined() && x.dtype() == DType::kBool) return;
  throw std::invalid_argument(std::string(operation) + ": wants dtype bool, got " + Describe(x));
}

}  // namespace

Tensor Equal(const Tensor& a, const Tensor& b) {
  return Compare("Equal", a, b, [](auto u, auto v) { return u == v; });
}
Tensor NotEqual(const Tensor& a, const Tensor& b) {
  return Compare("NotEqual", a, b, [](auto u, auto v) { return u != v; });
}
Tensor Less(const Tensor& a, const Tensor& b) {
  return Compare("Less", a, b, [](auto u, auto v) { return u < v; });
}
Tensor LessEqual(const Tensor& a, const Tensor& b) {
  return Compare("LessEqual", a, b, [](auto u, auto v) { return u <= v; });
}
Tensor Greater(const Tensor& a, const Tensor& b) {
  return Compare("Greater", a, b, [](auto u, auto v) { return u > v; });
}
Tensor GreaterEqual(const Tensor& a, const Tensor& b) {
  return Compare("GreaterEqual", a, b, [](auto u, auto v) { return u >= v; });
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
  CheckBool("LogicalAnd", a);
  CheckBool("LogicalAnd", b);
  return Compare("LogicalAnd", a, b, [](auto u, auto v) { return u != 0 && v != 0; });
}
Tensor LogicalOr(const Tensor& a, const Tensor& b) {
  CheckBool("LogicalOr", a);
  CheckBool("LogicalOr", b);
  return Compare("LogicalOr", a, b, [](auto u, auto v) { return u != 0 || v != 0; });
}
Tensor LogicalNot(const Tensor& x) {
  CheckBool("LogicalNot", x);
  return Compare("LogicalNot", x, x, [](auto u, auto) { return u == 0; });
}

}  // namespace autograd
