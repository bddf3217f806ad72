#include "autograd/ops/dropout.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "autograd/node.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/in_f32.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;

// The draw that chose the elements.
struct Draw {
  double p;
  Generator::State state;
};

// Elements drawn at a time: booleans of a whole number of the generator's groups of 64, so that the
// draw of a piece is that piece of the draw.
constexpr int64_t kGroup = 64, kPiece = 64 * kGroup;

template <class T>
void Select(const T* x, int64_t n, const Draw& draw, T* y) {
  const double scale = draw.p < 1 ? 1 / (1 - draw.p) : 0;
  ParallelFor(n, kPiece, [&](int64_t begin, int64_t end) {
    Generator generator;
    Generator::State state = draw.state;
    state.position += static_cast<uint64_t>(begin / kGroup);
    generator.set_state(state);
    bool kept[kPiece];
    generator.Bernoulli(1 - draw.p, kept, end - begin);
    const auto multiply = [scale]<class U>(int64_t count, const U* from, U* to) {
      const U factor = static_cast<U>(scale);
      for (int64_t i = 0; i < count; ++i) to[i] = from[i] * factor;
    };
    internal::InF32(end - begin, x + begin, y + begin, multiply);
    for (int64_t i = begin; i < end; ++i) y[i] = kept[i - begin] ? y[i] : T{};
  });
}

Tensor Selected(const Tensor& x, const Draw& draw);

class DropoutNode final : public NodeOf<DropoutNode> {
 public:
  static constexpr char kName[] = "Dropout";
  explicit DropoutNode(const Draw& draw) : draw_(draw) {}
  // Diagonal, so its own transpose.
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, Selected(ctx.grad(), draw_)); }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Selected(ctx.tangent(), draw_));
    return true;
  }

 private:
  Draw draw_;
};

Tensor Selected(const Tensor& x, const Draw& draw) {
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  {
    const NoGrad guard;
    const Tensor dense = Contiguous(x);
    internal::Dispatch<DTypes::kFloatingOrBf16>(
        x.dtype(), [&]<class T>(T) { Select(dense.raw<T>(), x.numel(), draw, y.raw<T>()); });
  }
  return Record<DropoutNode>(y, {&x}, draw);
}

}  // namespace

Tensor Dropout(const Tensor& x, double p, Generator& generator) {
  const OpScope scope("Dropout", {&x});
  internal::CheckDTypes("Dropout", DTypes::kFloatingOrBf16, {&x});
  if (!(p >= 0 && p <= 1)) {
    throw std::invalid_argument("Dropout: p is " + std::to_string(p) +
                                ", expected a probability, for x " + Describe(x));
  }
  const Draw draw = {p, generator.state()};
  Generator::State next = draw.state;
  next.position += static_cast<uint64_t>((x.numel() + kGroup - 1) / kGroup);
  generator.set_state(next);
  return Selected(x, draw);
}

}  // namespace autograd
