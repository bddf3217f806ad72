#include "autograd/ops/triangle.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

// Elements worth a thread.
constexpr int64_t kGrain = 32768;

class TriuNode final : public NodeOf<TriuNode> {
 public:
  static constexpr char kName[] = "Triu";
  explicit TriuNode(int64_t diagonal) : diagonal_(diagonal) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Triu(ctx.grad(), diagonal_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Triu(ctx.tangent(), diagonal_));
    return true;
  }

 private:
  int64_t diagonal_;
};

class TrilNode final : public NodeOf<TrilNode> {
 public:
  static constexpr char kName[] = "Tril";
  explicit TrilNode(int64_t diagonal) : diagonal_(diagonal) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Tril(ctx.grad(), diagonal_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Tril(ctx.tangent(), diagonal_));
    return true;
  }

 private:
  int64_t diagonal_;
};

// A copy of x in which row i of each matrix keeps only the columns of `kept(i)`, a range.
template <class Kept>
Tensor KeepColumns(const char* operation, const Tensor& x, Kept kept) {
  internal::CheckDefined(operation, {&x});
  if (x.rank() < 2) {
    throw std::invalid_argument(std::string(operation) +
                                ": wants a matrix or a batch of them, got " + Describe(x));
  }
  const Tensor y = internal::DenseCopy(x);
  const int64_t rows = x.size(-2), columns = x.size(-1);
  const int64_t item = static_cast<int64_t>(ItemSize(x.dtype()));
  if (x.numel() == 0) return y;
  ParallelFor(x.numel() / columns, std::max<int64_t>(1, kGrain / columns),
              [&](int64_t begin, int64_t end) {
                for (int64_t row = begin; row < end; ++row) {
                  const auto [first, last] = kept(row % rows);
                  const int64_t from = std::clamp<int64_t>(first, 0, columns);
                  const int64_t to = std::clamp<int64_t>(last, from, columns);
                  char* data = y.raw<char>() + row * columns * item;
                  std::memset(data, 0, static_cast<size_t>(from * item));
                  std::memset(data + to * item, 0, static_cast<size_t>((columns - to) * item));
                }
              });
  return y;
}

// A diagonal as far out as any matrix has it, so that adding a row's number cannot overflow.
int64_t Limited(int64_t diagonal) {
  constexpr int64_t kFar = int64_t{1} << 61;
  return std::clamp(diagonal, -kFar, kFar);
}

}  // namespace

Tensor Triu(const Tensor& x, int64_t diagonal) {
  const OpScope scope("Triu", {&x});
  const int64_t shift = Limited(diagonal), columns = std::numeric_limits<int64_t>::max();
  Tensor y = KeepColumns("Triu", x, [=](int64_t row) { return std::pair(row + shift, columns); });
  return Record<TriuNode>(std::move(y), {&x}, diagonal);
}

Tensor Tril(const Tensor& x, int64_t diagonal) {
  const OpScope scope("Tril", {&x});
  const int64_t shift = Limited(diagonal);
  Tensor y =
      KeepColumns("Tril", x, [=](int64_t row) { return std::pair(int64_t{0}, row + shift + 1); });
  return Record<TrilNode>(std::move(y), {&x}, diagonal);
}

}  // namespace autograd
