// What element-wise operations of two tensors have in common: broadcasting, and derivatives that
// are an element-wise product with a partial derivative, summed over the axes an operand was
// broadcast along. One expression of each partial derivative serves reverse and forward mode.
//
// An operation is a struct without state:
//   struct MulRule {
//     static constexpr char kName[] = "Mul";
//     static constexpr DTypes kDTypes = DTypes::kArithmetic;
//     static constexpr int kCost = 1;
//     // Which operands the partial derivatives read.
//     static constexpr Operands kLeftReads = {.b = true}, kRightReads = {.a = true};
//     template <class T>
//     static void Forward(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, T* y);
//     // g times the derivative by a (by b), in differentiable operations.
//     static Tensor Left(const Tensor& g, const Tensor& a, const Tensor& b) { return g * b; }
//     static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) { return g * a; }
//   };
#ifndef AUTOGRAD_OPS_BINARY_OP_H_
#define AUTOGRAD_OPS_BINARY_OP_H_

#include <cstdint>

#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/ops/expand.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
Tensor Add(const Tensor& a, const Tensor& b);  // arithmetic.h, which is built on this header
}

namespace autograd::internal {

struct Operands {
  bool a = false;
  bool b = false;
};

template <class Rule>
class BinaryNode final : public NodeOf<BinaryNode<Rule>> {
 public:
  static constexpr const char* kName = Rule::kName;

  BinaryNode(const Tensor& a, const Tensor& b)
      : a_(this, Reads(a, b).a ? a : Tensor()), b_(this, Reads(a, b).b ? b : Tensor()) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor g = ctx.grad(), a = a_.Get(), b = b_.Get();
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(Rule::Left(g, a, b), this->input_meta(0).shape));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(Rule::Right(g, a, b), this->input_meta(1).shape));
  }

  bool Jvp(JvpContext& ctx) override {
    const Tensor a = a_.Get(), b = b_.Get();
    const Shape& shape = this->output_meta(0).shape;
    Tensor left, right;
    if (ctx.has_tangent(0)) left = Rule::Left(Expand(ctx.tangent(0), shape), a, b);
    if (ctx.has_tangent(1)) right = Rule::Right(Expand(ctx.tangent(1), shape), a, b);
    ctx.SetTangent(0, !right.defined() ? left : !left.defined() ? right : Add(left, right));
    return true;
  }

 private:
  static Operands Reads(const Tensor& a, const Tensor& b) {
    const bool left = a.requires_grad(), right = b.requires_grad();
    return {(left && Rule::kLeftReads.a) || (right && Rule::kRightReads.a),
            (left && Rule::kLeftReads.b) || (right && Rule::kRightReads.b)};
  }

  SavedTensor a_, b_;
};

template <class Rule>
Tensor ApplyBinary(const Tensor& a, const Tensor& b) {
  const OpScope scope(Rule::kName, {&a, &b});
  CheckDTypes(Rule::kName, Rule::kDTypes, {&a, &b});
  Tensor y = Tensor::Empty(BroadcastShapes(Rule::kName, a.shape(), b.shape()), a.dtype());
  const Tensor* inputs[] = {&a, &b};
  Dispatch<Rule::kDTypes>(a.dtype(), [&]<class T>(T) {
    const auto kernel = [&](int64_t n, void* out, const ElementwiseArg* args) {
      Rule::Forward(n, args[0], args[1], static_cast<T*>(out));
    };
    ElementwiseLoop(y, inputs, kernel, Rule::kCost);
  });
  return Record<BinaryNode<Rule>>(y, {&a, &b}, a, b);
}

// y[i] = function(a[i], b[i]), where an operand may be one element that stands for all.
template <class T, class To, class Function>
void MapPairs(int64_t n, const ElementwiseArg& a, const ElementwiseArg& b, To* y,
              Function function) {
  const T* left = a.as<T>();
  const T* right = b.as<T>();
  if (b.scalar) {
    const T value = *right;
    const int64_t step = a.scalar ? 0 : 1;
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(function(left[i * step], value));
  } else if (a.scalar) {
    const T value = *left;
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(function(value, right[i]));
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(function(left[i], right[i]));
  }
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_BINARY_OP_H_
