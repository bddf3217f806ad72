// The tables of reduce.h for one instruction set. See vec_math.h for the rules of these headers.
#ifndef AUTOGRAD_KERNELS_REDUCE_TABLE_H_
#define AUTOGRAD_KERNELS_REDUCE_TABLE_H_

#include "autograd/kernels/reduce.h"
#include "autograd/kernels/reduce_columns.h"
#include "autograd/kernels/reduce_integers.h"
#include "autograd/kernels/reduce_softmax.h"
#include "autograd/kernels/reduce_sums.h"

namespace autograd::kernels {
namespace {

template <class F32Type, class F64Type>
struct VectorPair {
  using F32 = F32Type;
  using F64 = F64Type;
};

template <class P, class V>
constexpr ReduceKernels<typename V::Scalar> MakeReduceKernels() {
  using S = Sums<P, V>;
  using E = Extrema<V>;
  using C = Columns<P, V>;
  using M = Softmaxes<P, V>;
  return {S::Sum,        S::SumSquares,  S::SumAbs,        S::Dot,        S::SquaredDifference,
          E::MaxOf,      E::MinOf,       E::ArgMax,        E::ArgMin,     S::SumExp,
          S::MeanM2,     C::Sum,         C::SumPartial,    C::DotPartial, M::Softmax,
          M::LogSoftmax, M::SoftmaxGrad, M::LogSoftmaxGrad};
}

template <class F32, class F64>
constexpr ReduceTables MakeVectorReduceTables() {
  using P = VectorPair<F32, F64>;
  return MakeReduceTables(MakeReduceKernels<P, F32>(), MakeReduceKernels<P, F64>());
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_REDUCE_TABLE_H_
