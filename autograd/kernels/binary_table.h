// The tables of binary.h over the loops of binary_loops.h; see there who includes this.
#ifndef AUTOGRAD_KERNELS_BINARY_TABLE_H_
#define AUTOGRAD_KERNELS_BINARY_TABLE_H_

#include "autograd/kernels/binary.h"
#include "autograd/kernels/binary_loops.h"

namespace autograd::kernels {
namespace {

template <class T, class Op>
constexpr void Enter(BinaryFn<T> (&row)[kNumOperands]) {
  row[static_cast<int>(Operands::kArrayArray)] = ArrayArray<T, T, Op>;
  row[static_cast<int>(Operands::kArrayScalar)] = ArrayScalar<T, T, Op>;
  row[static_cast<int>(Operands::kScalarArray)] = ScalarArray<T, T, Op>;
}

template <class T, class Op>
constexpr void EnterCompare(CompareFn<T> (&row)[kNumOperands]) {
  row[static_cast<int>(Operands::kArrayArray)] = ArrayArray<T, uint8_t, Op>;
  row[static_cast<int>(Operands::kArrayScalar)] = ArrayScalar<T, uint8_t, Op>;
  row[static_cast<int>(Operands::kScalarArray)] = ScalarArray<T, uint8_t, Op>;
}

template <class T>
constexpr BinaryKernels<T> MakeBinaryKernels() {
  BinaryKernels<T> t = {};
  Enter<T, Add>(t.arithmetic[static_cast<int>(BinaryOp::kAdd)]);
  Enter<T, Sub>(t.arithmetic[static_cast<int>(BinaryOp::kSub)]);
  Enter<T, Mul>(t.arithmetic[static_cast<int>(BinaryOp::kMul)]);
  Enter<T, Div>(t.arithmetic[static_cast<int>(BinaryOp::kDiv)]);
  Enter<T, Pow>(t.arithmetic[static_cast<int>(BinaryOp::kPow)]);
  if constexpr (kIsFloat<ComputeType<T>>)
    Enter<T, Atan2>(t.arithmetic[static_cast<int>(BinaryOp::kAtan2)]);
  Enter<T, Min>(t.arithmetic[static_cast<int>(BinaryOp::kMin)]);
  Enter<T, Max>(t.arithmetic[static_cast<int>(BinaryOp::kMax)]);
  EnterCompare<T, Eq>(t.compare[static_cast<int>(CompareOp::kEq)]);
  EnterCompare<T, Ne>(t.compare[static_cast<int>(CompareOp::kNe)]);
  EnterCompare<T, Lt>(t.compare[static_cast<int>(CompareOp::kLt)]);
  EnterCompare<T, Le>(t.compare[static_cast<int>(CompareOp::kLe)]);
  EnterCompare<T, Gt>(t.compare[static_cast<int>(CompareOp::kGt)]);
  EnterCompare<T, Ge>(t.compare[static_cast<int>(CompareOp::kGe)]);
  t.where[0][0] = Where<T, false, false>;
  t.where[0][1] = Where<T, false, true>;
  t.where[1][0] = Where<T, true, false>;
  t.where[1][1] = Where<T, true, true>;
  t.clamp = Clamp<T>;
  t.axpy = Axpy<T>;
  t.axpby = Axpby<T>;
  t.mul_add = MulAdd<T>;
  t.fill = Fill<T>;
  return t;
}

constexpr BinaryTables MakeBinaryTables() {
  BinaryTables t = {MakeBinaryKernels<float>(),
                    MakeBinaryKernels<double>(),
                    MakeBinaryKernels<int32_t>(),
                    MakeBinaryKernels<int64_t>(),
                    MakeBinaryKernels<uint8_t>(),
                    MakeBinaryKernels<BFloat16>(),
                    {}};
  Enter<uint8_t, LogicalAnd>(t.logical.logical[static_cast<int>(LogicalOp::kAnd)]);
  Enter<uint8_t, LogicalOr>(t.logical.logical[static_cast<int>(LogicalOp::kOr)]);
  Enter<uint8_t, LogicalXor>(t.logical.logical[static_cast<int>(LogicalOp::kXor)]);
  t.logical.logical_not = LogicalNot;
  return t;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_BINARY_TABLE_H_
