// Rules that add their gradient to what has arrived before: VjpContext::TakePending.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/errors.h"
#include "autograd/grad.h"
#include "autograd/leaf.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/trace/anomaly.h"

namespace autograd {
namespace {

using Values = std::vector<float>;

// What the rules of the test have seen since it began.
struct Seen {
  int pending = 0, in_place = 0;
};
Seen seen;

// y = factor x, whose fused rule takes what is pending, or (kTakes = false) does not ask.
template <bool kTakes>
class FactorNode final : public NodeOf<FactorNode<kTakes>> {
 public:
  static constexpr const char* kName = kTakes ? "TestTaking" : "TestPlain";
  explicit FactorNode(float factor) : factor_(factor) {}
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, ctx.grad() * static_cast<double>(factor_)); }
  void FusedVjp(VjpContext& ctx) override {
    const Values above = ctx.grad().ToVector<float>();
    const Tensor pending = kTakes ? ctx.TakePending(0) : Tensor();
    const bool in_place = VjpContext::MayOverwrite(pending);
    const Tensor to = in_place ? pending : ctx.EmptyGrad(0);
    seen.pending += pending.defined();
    seen.in_place += in_place;
    const Values before = pending.defined() ? pending.ToVector<float>() : Values();
    for (size_t i = 0; i < above.size(); ++i) {
      const float own = factor_ * above[i];
      to.raw<float>()[i] = pending.defined() ? before[i] + own : own;
    }
    ctx.SetGrad(0, to);
  }

 private:
  float factor_;
};

using Operation = std::function<Tensor(const Tensor&, float)>;

template <bool kTakes>
Tensor Factor(const Tensor& x, float factor) {
  Tensor y;
  {
    NoGrad guard;
    y = x * static_cast<double>(factor);
  }
  return Record<FactorNode<kTakes>>(y, {&x}, factor);
}

Tensor SumAll(const Tensor& x) { return SumTo(x, {}); }

// Functions of x, with an inner tensor that several operations read, in different orders.
struct Graph {
  std::string name;
  std::function<Tensor(const Tensor& h, const Operation& f)> function;
  int pending, in_place;
};
const Graph kGraphs[] = {
    {"one reader", [](const Tensor& h, const Operation& f) { return f(h, 1.1f); }, 0, 0},
    {"residual", [](const Tensor& h, const Operation& f) { return h + f(h, 1.1f); }, 1, 0},
    {"a product before",
     [](const Tensor& h, const Operation& f) {
       const Tensor z = f(h, .3f);
       return z + h * h;
     },
     1, 1},
    {"a product after",
     [](const Tensor& h, const Operation& f) {
       const Tensor square = h * h;
       return square + f(h, .3f);
     },
     0, 0},
    {"three readers",
     [](const Tensor& h, const Operation& f) { return f(h, 1.1f) + f(h, .7f) + f(h, -.3f); }, 2, 2},
    {"in a row",
     [](const Tensor& h, const Operation& f) {
       const Tensor next = h + f(h, .7f);
       return next + f(next, 1.3f);
     },
     2, 0},
    {"the same twice", [](const Tensor& h, const Operation& f) { return f(h, .1f) * f(h, .2f); }, 1,
     1}};

class PendingGradient : public ::testing::Test {
 protected:
  PendingGradient() { seen = {}; }
  const Tensor x_ = Tensor::FromVector<float>({1.1f, -2.3f, 1e-3f}, {3}).set_requires_grad(true);
};

TEST_F(PendingGradient, SumsHaveTheBitsOfTheUnfusedOrder) {
  for (const Graph& graph : kGraphs) {
    SCOPED_TRACE(graph.name);
    const auto gradient = [&](const Operation& f) {
      return Grad({SumAll(graph.function(x_ * .77, f))}, {x_})[0].ToVector<float>();
    };
    const Values wanted = gradient(Factor<false>);
    seen = {};
    EXPECT_EQ(gradient(Factor<true>), wanted);
    EXPECT_EQ(seen.pending, graph.pending);
    EXPECT_EQ(seen.in_place, graph.in_place);
  }
}

TEST_F(PendingGradient, GradientsOfInnerTensorsAreWhole) {
  for (const Graph& graph : kGraphs) {
    SCOPED_TRACE(graph.name);
    const auto gradients = [&](const Operation& f) {
      const Tensor h = x_ * .77, y = graph.function(h, f);
      const std::vector<Tensor> both = Grad({SumAll(y)}, {h, x_});
      return std::pair(both[0].ToVector<float>(), both[1].ToVector<float>());
    };
    EXPECT_EQ(gradients(Factor<true>), gradients(Factor<false>));
  }
}

// Here x itself is what they read.
TEST_F(PendingGradient, LeavesAccumulateTheSame) {
  for (const bool has_memory : {false, true}) {
    for (const Graph& graph : kGraphs) {
      SCOPED_TRACE(graph.name + (has_memory ? ", memory" : ""));
      const auto gradients = [&](const Operation& f) {
        const Tensor x = x_.Detach().set_requires_grad(true);
        auto& leaf = *static_cast<internal::LeafNode*>(x.impl()->node);
        if (has_memory) leaf.set_grad_memory(Tensor::Empty({3}, DType::kF32));
        Values hooked;
        leaf.AddHook([&](const Tensor& grad) {
          hooked = grad.ToVector<float>();
          return Tensor();
        });
        const Values alone = Grad({SumAll(graph.function(x, f))}, {x})[0].ToVector<float>();
        for (int pass = 0; pass < 2; ++pass) {
          Backward(SumAll(graph.function(x, f)));
          EXPECT_EQ(hooked, alone);
        }
        return x.grad().ToVector<float>();
      };
      EXPECT_EQ(gradients(Factor<true>), gradients(Factor<false>));
    }
  }
}

TEST_F(PendingGradient, WhatOthersHoldIsNotOverwritten) {
  const Tensor given = Tensor::FromVector<float>({1, 2, 3}, {3});
  const Tensor h = x_ * 2.0, y = Factor<true>(h, 3);
  const Tensor grad = Grad({h, y}, {x_}, {.grad_outputs = {given, given}})[0];
  EXPECT_EQ(grad.ToVector<float>(), (Values{8, 16, 24}));
  EXPECT_EQ(given.ToVector<float>(), (Values{1, 2, 3}));
  EXPECT_EQ(seen.pending, 1);
  EXPECT_EQ(seen.in_place, 0);
}

TEST_F(PendingGradient, NothingIsPendingForAnInputThatNeedsNone) {
  const Tensor h = x_ * 2.0;
  const Tensor unrelated = Ones({3}).set_requires_grad(true);
  const Tensor y = h * h + Factor<true>(h, 3) * unrelated;
  Grad({SumAll(y)}, {unrelated});
  EXPECT_EQ(seen.pending, 0);
}

// A sum of gradients would not say whose it is that is not finite.
TEST_F(PendingGradient, InAnomalyModeEachGradientIsLookedAtByItself) {
  const Tensor h = x_ * 0.5;
  const Tensor good = SumAll(Factor<true>(h, 2) + Factor<false>(h, 3));
  const Tensor bad =
      SumAll(Factor<true>(h, std::numeric_limits<float>::infinity()) + Factor<false>(h, 3));
  const AnomalyMode guard;
  EXPECT_EQ(Grad({good}, {h})[0].ToVector<float>(), (Values{5, 5, 5}));
  try {
    Grad({bad}, {h});
    FAIL() << "nothing was thrown";
  } catch (const NumericalError& error) {
    EXPECT_NE(std::string(error.what()).find("TestTaking"), std::string::npos) << error.what();
  }
  EXPECT_EQ(seen.pending, 0);
}

}  // namespace
}  // namespace autograd
