#include "autograd/ops/matmul.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_bf16.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// The batch axes (all but the last two) of x.
Shape BatchOf(const Tensor& x) {
  Shape batch = x.shape();
  batch.erase(batch.rank() - 1);
  batch.erase(batch.rank() - 1);
  return batch;
}

Shape WithMatrix(Shape batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

// The one stride that walks all batch axes of x in row-major order, if there is one.
std::optional<int64_t> BatchStride(const Tensor& x) {
  std::optional<int64_t> stride;
  int64_t count = 1;
  for (int axis = x.rank() - 3; axis >= 0; --axis) {
    if (x.shape()[axis] == 1) continue;
    if (!stride.has_value()) {
      stride = x.strides()[axis];
    } else if (x.strides()[axis] != *stride * count) {
      return std::nullopt;
    }
    count *= x.shape()[axis];
  }
  return stride.value_or(0);
}

// x with its batch axes expanded, in memory that BatchStride can walk.
Tensor Batched(const Tensor& x, const Shape& batch) {
  const Tensor expanded = Expand(x, WithMatrix(batch, x.size(-2), x.size(-1)));
  return BatchStride(expanded).has_value() ? expanded : Clone(expanded);
}

// One product, and a batch of them, of a type of gemm.h or of bf16.
template <class T>
void Product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_column,
             const T* b, int64_t b_row, int64_t b_column, T* y) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    kernels::GemmBf16(m, n, k, a, a_row, a_column, b, b_row, b_column, 0.0f, y, n);
  } else {
    kernels::Gemm(m, n, k, T{1}, a, a_row, a_column, b, b_row, b_column, T{0}, y, n);
  }
}
template <class T>
void Products(int64_t batch, int64_t m, int64_t n, int64_t k, const T* a, int64_t a_batch,
              int64_t a_row, int64_t a_column, const T* b, int64_t b_batch, int64_t b_row,
              int64_t b_column, T* y) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    kernels::BatchedGemmBf16(batch, m, n, k, a, a_batch, a_row, a_column, b, b_batch, b_row,
                             b_column, 0.0f, y, m * n, n);
  } else {
    kernels::BatchedGemm(batch, m, n, k, T{1}, a, a_batch, a_row, a_column, b, b_batch, b_row,
                         b_column, T{0}, y, m * n, n);
  }
}

template <class T>
void Multiply(const Tensor& a, const Tensor& b, const Tensor& y) {
  const Shape batch = BatchOf(y);
  const int64_t m = y.size(-2), n = y.size(-1), k = a.size(-1);
  const auto row = [](const Tensor& x) { return x.strides()[x.rank() - 2]; };
  const auto column = [](const Tensor& x) { return x.strides()[x.rank() - 1]; };
  if (batch.numel() == 1) {
    return Product<T>(m, n, k, a.raw<T>(), row(a), column(a), b.raw<T>(), row(b), column(b),
                      y.raw<T>());
  }
  const Tensor as = Batched(a, batch), bs = Batched(b, batch);
  Products<T>(batch.numel(), m, n, k, as.raw<T>(), *BatchStride(as), row(as), column(as),
              bs.raw<T>(), *BatchStride(bs), row(bs), column(bs), y.raw<T>());
}

class MatMulNode final : public NodeOf<MatMulNode> {
 public:
  static constexpr char kName[] = "MatMul";
  MatMulNode(const Tensor& a, const Tensor& b) : a_(this, a), b_(this, b) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor a = a_.Get(), b = b_.Get(), g = ctx.grad();
    if (ctx.needs(0)) ctx.SetGrad(0, SumTo(MatMul(g, Transpose(b)), a.shape()));
    if (ctx.needs(1)) ctx.SetGrad(1, SumTo(MatMul(Transpose(a), g), b.shape()));
  }
  bool Jvp(JvpContext& ctx) override {
    Tensor tangent;
    if (ctx.has_tangent(0)) tangent = MatMul(ctx.tangent(0), b_.Get());
    if (ctx.has_tangent(1)) {
      const Tensor second = MatMul(a_.Get(), ctx.tangent(1));
      tangent = tangent.defined() ? tangent + second : second;
    }
    ctx.SetTangent(0, tangent);
    return true;
  }

 private:
  SavedTensor a_, b_;
};

// Operands of rank 2 or more, checked.
Tensor MultiplyMatrices(const Tensor& a, const Tensor& b) {
  const OpScope scope("MatMul", {&a, &b});
  const Shape batch = BroadcastShapes("MatMul", BatchOf(a), BatchOf(b));
  Tensor y = Tensor::Empty(WithMatrix(batch, a.size(-2), b.size(-1)), a.dtype());
  if (y.numel() > 0) {
    const NoGrad guard;
    switch (y.dtype()) {
      case DType::kF32:
        Multiply<float>(a, b, y);
        break;
      case DType::kF64:
        Multiply<double>(a, b, y);
        break;
      default:
        Multiply<BFloat16>(a, b, y);
    }
  }
  return Record<MatMulNode>(y, {&a, &b}, a, b);
}

}  // namespace

Tensor MatMul(const Tensor& a, const Tensor& b) {
  internal::CheckDefined("MatMul", {&a, &b});
  const bool floating = IsFloating(a.dtype());
  if (a.rank() == 0 || b.rank() == 0 || a.dtype() != b.dtype() || !floating ||
      a.size(-1) != b.size(b.rank() == 1 ? 0 : -2)) {
    throw std::invalid_argument("MatMul: cannot multiply " + Describe(a) + " by " + Describe(b));
  }
  if (a.rank() == 1) return Squeeze(MatMul(Unsqueeze(a, 0), b), b.rank() == 1 ? 0 : -2);
  if (b.rank() == 1) return Squeeze(MatMul(a, Unsqueeze(b, 1)), -1);
  if (a.rank() > 2 && b.rank() == 2 && a.numel() > 0) {
    // One large product instead of many small ones, here and for the gradient of b.
    Shape shape = a.shape();
    shape[shape.rank() - 1] = b.size(-1);
    return Reshape(MultiplyMatrices(Reshape(a, {-1, a.size(-1)}), b), shape);
  }
  return MultiplyMatrices(a, b);
}

}  // namespace autograd
