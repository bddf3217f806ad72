#include "autograd/ops/reduce.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/compare.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/reduce_rows.h"
#include "autograd/ops/select.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;
using internal::Folded;
using internal::FoldToRows;
using internal::ReducedAxes;
using internal::ReduceRows;
using internal::RowKernels;

// A reduced tensor with its reduced axes put back with size 1, to broadcast against the input.
Tensor Restore(const char* operation, const Tensor& y, const Dims& axes, const Shape& shape) {
  return Reshape(y, ReducedAxes(operation, axes, shape).Reduce(shape, true));
}

template <bool kMean>
class SumNode final : public NodeOf<SumNode<kMean>> {
 public:
  static constexpr const char* kName = kMean ? "Mean" : "Sum";
  SumNode(const Dims& axes, bool keepdim) : axes_(axes), keepdim_(keepdim) {}

  void Vjp(VjpContext& ctx) override {
    const Shape& shape = this->input_meta(0).shape;
    Tensor g = Restore(kName, ctx.grad(), axes_, shape);
    if constexpr (kMean) {
      g = g * (1 / static_cast<double>(ReducedAxes(kName, axes_, shape).Count(shape)));
    }
    ctx.SetGrad(0, Expand(g, shape));
  }

  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(
        0, kMean ? Mean(ctx.tangent(), axes_, keepdim_) : Sum(ctx.tangent(), axes_, keepdim_));
    return true;
  }

 private:
  Dims axes_;
  bool keepdim_;
};

class VarNode final : public NodeOf<VarNode> {
 public:
  static constexpr char kName[] = "Var";
  VarNode(const Tensor& x, const Dims& axes, bool keepdim, int64_t correction)
      : x_(this, x), axes_(axes), keepdim_(keepdim), correction_(correction) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor x = x_.Get();
    ctx.SetGrad(0, (x - Mean(x, axes_, true)) *
                       (Restore(kName, ctx.grad(), axes_, x.shape()) * Factor(x.shape())));
  }

  bool Jvp(JvpContext& ctx) override {
    const Tensor x = x_.Get();
    const Tensor products = (x - Mean(x, axes_, true)) * ctx.tangent();
    ctx.SetTangent(0, Sum(products, axes_, keepdim_) * Factor(x.shape()));
    return true;
  }

 private:
  double Factor(const Shape& shape) const {
    return 2 / static_cast<double>(ReducedAxes(kName, axes_, shape).Count(shape) - correction_);
  }

  SavedTensor x_;
  Dims axes_;
  bool keepdim_;
  int64_t correction_;
};

class NormNode final : public NodeOf<NormNode> {
 public:
  static constexpr char kName[] = "Norm";
  NormNode(const Tensor& x, const Tensor& y, const Dims& axes, bool keepdim)
      : x_(this, x), y_(this, y, 0), axes_(axes), keepdim_(keepdim) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor x = x_.Get();
    ctx.SetGrad(0, x * Restore(kName, ctx.grad() / Divisor(), axes_, x.shape()));
  }

  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Sum(x_.Get() * ctx.tangent(), axes_, keepdim_) / Divisor());
    return true;
  }

 private:
  // The norm, or 1 where it is 0: x is 0 there, and so becomes the derivative.
  Tensor Divisor() const {
    const Tensor y = y_.Get();
    return Where(Equal(y, 0), 1, y);
  }

  SavedTensor x_, y_;
  Dims axes_;
  bool keepdim_;
};

template <bool kMax>
class ExtremumNode final : public NodeOf<ExtremumNode<kMax>> {
 public:
  static constexpr const char* kName = kMax ? "Max" : "Min";
  ExtremumNode(const Tensor& x, const Tensor& y, const Dims& axes, bool keepdim)
      : x_(this, x), y_(this, y, 0), axes_(axes), keepdim_(keepdim) {}

  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, Restore(kName, ctx.grad(), axes_, this->input_meta(0).shape) * Shares());
  }

  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Sum(ctx.tangent() * Shares(), axes_, keepdim_));
    return true;
  }

 private:
  // For each element its share of the gradient: 1 / n for the n that attain the extremum.
  Tensor Shares() const {
    const Tensor x = x_.Get();
    const Tensor attain = Cast(Equal(x, Restore(kName, y_.Get(), axes_, x.shape())), x.dtype());
    return attain / Sum(attain, axes_, true);
  }

  SavedTensor x_, y_;
  Dims axes_;
  bool keepdim_;
};

class CumSumNode final : public NodeOf<CumSumNode> {
 public:
  static constexpr char kName[] = "CumSum";
  CumSumNode(int axis, bool reverse) : axis_(axis), reverse_(reverse) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, CumSum(ctx.grad(), axis_, !reverse_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, CumSum(ctx.tangent(), axis_, reverse_));
    return true;
  }

 private:
  int axis_;
  bool reverse_;
};

constexpr DTypes OrBf16(DTypes wanted) {
  return wanted == DTypes::kFloating ? DTypes::kFloatingOrBf16 : DTypes::kArithmeticOrBf16;
}

// Reduces x to y row by row, in f32 where x is bf16: reduce(T{}, folded, y's elements) for T of the
// dtypes in kWanted, f32 and f64 or those, i32 and i64.
template <DTypes kWanted, class Function>
Tensor Reduce(const char* operation, const Tensor& x, const Dims& axes, bool keepdim,
              Function reduce) {
  internal::CheckDTypes(operation, OrBf16(kWanted), {&x});
  const ReducedAxes reduced(operation, axes, x.shape());
  Tensor y = Tensor::Empty(reduced.Reduce(x.shape(), keepdim), internal::ComputeDType(x.dtype()));
  const Folded folded = FoldToRows(x, reduced);
  internal::Dispatch<kWanted>(y.dtype(),
                              [&]<class T>(T zero) { reduce(zero, folded, y.template raw<T>()); });
  return internal::CastCopy(y, x.dtype());
}

void CheckNotEmpty(const char* operation, const Tensor& x, const ReducedAxes& axes) {
  if (axes.Count(x.shape()) > 0) return;
  throw std::invalid_argument(std::string(operation) + ": no elements to choose from in " +
                              Describe(x));
}

template <bool kMax>
Tensor Extremum(const Tensor& x, const Dims& axes, bool keepdim) {
  constexpr const char* kName = kMax ? "Max" : "Min";
  const OpScope scope(kName, {&x});
  const auto reduce = [&]<class T>(T, const Folded& folded, T* y) {
    CheckNotEmpty(kName, x, ReducedAxes(kName, axes, x.shape()));
    const auto& kernel = RowKernels<T>();
    const auto choose = kMax ? kernel.max : kernel.min;
    ReduceRows<T>(folded.dense.raw<T>(), folded.outer, folded.count, choose, choose,
                  [y](int64_t row, T value) { y[row] = value; });
  };
  const Tensor y = Reduce<DTypes::kArithmetic>(kName, x, axes, keepdim, reduce);
  if (!IsFloating(x.dtype())) return y;
  return Record<ExtremumNode<kMax>>(y, {&x}, x, y, axes, keepdim);
}

// The value and position of a row's extremum.
template <class T>
struct Found {
  T value;
  int64_t index;
};

template <bool kMax, class T>
void ArgExtremumOf(const Folded& folded, int64_t* y) {
  const auto& kernel = RowKernels<T>();
  const auto choose = kMax ? kernel.argmax : kernel.argmin;
  const auto piece = [choose](const T* x, int64_t n) {
    const int64_t index = choose(x, n);
    return Found<T>{x[index], index};
  };
  const auto combine = [](const Found<T>* found, int64_t pieces) {
    Found<T> best = found[0];
    for (int64_t i = 1; i < pieces; ++i) {
      const T value = found[i].value;
      const bool better = (kMax ? value > best.value : value < best.value) ||
                          (value != value && best.value == best.value);
      if (better) best = {value, i * internal::kRowPiece + found[i].index};
    }
    return best;
  };
  ReduceRows<Found<T>>(folded.dense.raw<T>(), folded.outer, folded.count, piece, combine,
                       [y](int64_t row, const Found<T>& best) { y[row] = best.index; });
}

template <bool kMax>
Tensor ArgExtremum(const Tensor& x, const Dims& axes, bool keepdim) {
  constexpr const char* kName = kMax ? "ArgMax" : "ArgMin";
  const OpScope scope(kName, {&x});
  internal::CheckDTypes(kName, DTypes::kArithmeticOrBf16, {&x});
  const ReducedAxes reduced(kName, axes, x.shape());
  CheckNotEmpty(kName, x, reduced);
  if (axes.rank() > 1) {
    throw std::invalid_argument(std::string(kName) + ": wants one axis or none, got " +
                                axes.ToString() + " for " + Describe(x));
  }
  Tensor y = Tensor::Empty(reduced.Reduce(x.shape(), keepdim), DType::kI64);
  const Folded folded = FoldToRows(x, reduced);
  internal::Dispatch<DTypes::kArithmetic>(
      folded.dense.dtype(), [&]<class T>(T) { ArgExtremumOf<kMax, T>(folded, y.raw<int64_t>()); });
  return y;
}

// Mean and sum of squared deviations of n elements.
struct Moments {
  double mean;
  double m2;
  int64_t n;
};

// Chan, Golub and LeVeque 1983.
Moments CombineMoments(const Moments* parts, int64_t count) {
  Moments all = parts[0];
  for (int64_t i = 1; i < count; ++i) {
    const Moments& part = parts[i];
    const double n = static_cast<double>(all.n + part.n), share = static_cast<double>(part.n) / n;
    const double distance = part.mean - all.mean;
    all.m2 += part.m2 + distance * distance * static_cast<double>(all.n) * share;
    all.mean += distance * share;
    all.n += part.n;
  }
  return all;
}

// Adds up a row, forwards or backwards.
template <class T>
void CumSumRow(const T* x, T* y, int64_t n, bool reverse) {
  // Unsigned, because integers wrap around.
  using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
  Sum sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = reverse ? n - 1 - i : i;
    sum += static_cast<Sum>(x[at]);
    y[at] = static_cast<T>(sum);
  }
}

template <bool kMean>
Tensor SumOrMean(const Tensor& x, const Dims& axes, bool keepdim) {
  constexpr const char* kName = kMean ? "Mean" : "Sum";
  const OpScope scope(kName, {&x});
  internal::CheckDTypes(kName, OrBf16(kMean ? DTypes::kFloating : DTypes::kArithmetic), {&x});
  const ReducedAxes reduced(kName, axes, x.shape());
  const double scale = kMean ? 1 / static_cast<double>(reduced.Count(x.shape())) : 1;
  const Tensor y = internal::SumAxes(x, reduced, reduced.Reduce(x.shape(), keepdim), scale);
  return Record<SumNode<kMean>>(y, {&x}, axes, keepdim);
}

}  // namespace

Tensor Sum(const Tensor& x, const Dims& axes, bool keepdim) {
  return SumOrMean<false>(x, axes, keepdim);
}
Tensor Mean(const Tensor& x, const Dims& axes, bool keepdim) {
  return SumOrMean<true>(x, axes, keepdim);
}

Tensor Var(const Tensor& x, const Dims& axes, bool keepdim, int64_t correction) {
  const OpScope scope("Var", {&x});
  const auto reduce = [&]<class T>(T, const Folded& folded, T* y) {
    const auto piece = [](const T* row, int64_t n) {
      Moments moments{0, 0, n};
      if (n > 0) RowKernels<T>().mean_m2(row, n, &moments.mean, &moments.m2);
      return moments;
    };
    ReduceRows<Moments>(folded.dense.raw<T>(), folded.outer, folded.count, piece, CombineMoments,
                        [&](int64_t row, const Moments& all) {
                          y[row] = static_cast<T>(all.m2 / static_cast<double>(all.n - correction));
                        });
  };
  const Tensor y = Reduce<DTypes::kFloating>("Var", x, axes, keepdim, reduce);
  return Record<VarNode>(y, {&x}, x, axes, keepdim, correction);
}

Tensor Norm(const Tensor& x, const Dims& axes, bool keepdim) {
  const OpScope scope("Norm", {&x});
  const auto reduce = []<class T>(T, const Folded& folded, T* y) {
    ReduceRows<double>(folded.dense.raw<T>(), folded.outer, folded.count,
                       RowKernels<T>().sum_squares, RowKernels<double>().sum,
                       [y](int64_t row, double sum) { y[row] = static_cast<T>(std::sqrt(sum)); });
  };
  const Tensor y = Reduce<DTypes::kFloating>("Norm", x, axes, keepdim, reduce);
  return Record<NormNode>(y, {&x}, x, y, axes, keepdim);
}

Tensor Max(const Tensor& x, const Dims& axes, bool keepdim) {
  return Extremum<true>(x, axes, keepdim);
}
Tensor Min(const Tensor& x, const Dims& axes, bool keepdim) {
  return Extremum<false>(x, axes, keepdim);
}
Tensor ArgMax(const Tensor& x, const Dims& axes, bool keepdim) {
  return ArgExtremum<true>(x, axes, keepdim);
}
Tensor ArgMin(const Tensor& x, const Dims& axes, bool keepdim) {
  return ArgExtremum<false>(x, axes, keepdim);
}

Tensor CumSum(const Tensor& x, int64_t axis, bool reverse) {
  const OpScope scope("CumSum", {&x});
  internal::CheckDTypes("CumSum", DTypes::kArithmeticOrBf16, {&x});
  const int along = NormalizeAxis("CumSum", axis, x.shape());
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  internal::Dispatch<DTypes::kArithmetic>(internal::ComputeDType(x.dtype()), [&]<class T>(T) {
    internal::MapRows(y, {&x}, along,
                      [reverse](const void* const* in, void* out, int64_t rows, int64_t size) {
                        for (int64_t row = 0; row < rows; ++row) {
                          CumSumRow(static_cast<const T*>(in[0]) + row * size,
                                    static_cast<T*>(out) + row * size, size, reverse);
                        }
                      });
  });
  return Record<CumSumNode>(y, {&x}, along, reverse);
}

}  // namespace autograd
