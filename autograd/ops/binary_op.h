// What element-wise operations of two tensors have in common: broadcasting, and derivatives that
// are an element-wise product with a partial derivative, summed over the axes an operand was
// broadcast along. One expression of each partial derivative serves reverse and forward mode.
//
// An operation is a struct without state:
//   struct MulRule {
//     static constexpr char kName[] = "Mul";
//     static constexpr DTypes kDTypes = DTypes::kArithmetic;
//     static constexpr int kCost = 1;
//     static constexpr kernels::BinaryOp kOp = kernels::BinaryOp::kMul;
//     // Which operands the partial derivatives read.
//     static constexpr Reads kLeftReads = {.b = true}, kRightReads = {.a = true};
//     // g times the derivative by a (by b), in differentiable operations.
//     static Tensor Left(const Tensor& g, const Tensor& a, const Tensor& b) { return g * b; }
//     static Tensor Right(const Tensor& g, const Tensor& a, const Tensor& b) { return g * a; }
//   };
#ifndef AUTOGRAD_OPS_BINARY_OP_H_
#define AUTOGRAD_OPS_BINARY_OP_H_

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/binary.h"
#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/elementwise_loop.h"
#include "autograd/ops/expand.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
Tensor Add(const Tensor& a, const Tensor& b);  // arithmetic.h, which is built on this header
}

namespace autograd::internal {

// Which operands something reads.
struct Reads {
  bool a = false;
  bool b = false;
};

template <class Rule>
class BinaryNode final : public NodeOf<BinaryNode<Rule>> {
 public:
  static constexpr const char* kName = Rule::kName;

  BinaryNode(const Tensor& a, const Tensor& b)
      : a_(this, Needed(a, b).a ? a : Tensor()), b_(this, Needed(a, b).b ? b : Tensor()) {}

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
  static Reads Needed(const Tensor& a, const Tensor& b) {
    const bool left = a.requires_grad(), right = b.requires_grad();
    return {(left && Rule::kLeftReads.a) || (right && Rule::kRightReads.a),
            (left && Rule::kLeftReads.b) || (right && Rule::kRightReads.b)};
  }

  SavedTensor a_, b_;
};

// Runs the kernel that pick(operands) gives on a and b = args[0], args[1], each of them an array or
// an element that stands for all.
template <class T, class To, class Pick>
void RunPairs(int64_t n, const ElementwiseArg* args, To* y, Pick pick) {
  const T* a = args[0].as<T>();
  const T* b = args[1].as<T>();
  if (args[0].scalar && args[1].scalar) {
    pick(kernels::Operands::kArrayArray)(a, b, y, 1);
    std::fill(y + 1, y + n, *y);
  } else {
    pick(args[0].scalar   ? kernels::Operands::kScalarArray
         : args[1].scalar ? kernels::Operands::kArrayScalar
                          : kernels::Operands::kArrayArray)(a, b, y, n);
  }
}

template <class Rule>
Tensor ApplyBinary(const Tensor& a, const Tensor& b) {
  const OpScope scope(Rule::kName, {&a, &b});
  CheckDTypes(Rule::kName, Rule::kDTypes, {&a, &b});
  Tensor y = Tensor::Empty(BroadcastShapes(Rule::kName, a.shape(), b.shape()), a.dtype());
  const Tensor* inputs[] = {&a, &b};
  Dispatch<Rule::kDTypes>(a.dtype(), [&]<class T>(T) {
    const auto kernel = [&](int64_t n, void* out, const ElementwiseArg* args) {
      RunPairs<T>(n, args, static_cast<T*>(out), [](kernels::Operands operands) {
        return kernels::GetBinary<T>().Arithmetic(Rule::kOp, operands);
      });
    };
    ElementwiseLoop(y, inputs, kernel, Rule::kCost);
  });
  return Record<BinaryNode<Rule>>(y, {&a, &b}, a, b);
}

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_BINARY_OP_H_
