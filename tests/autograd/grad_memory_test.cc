// Gradients of leaves that have memory of their own: leaf.h, VjpContext::EmptyGrad.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "autograd/grad.h"
#include "autograd/leaf.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/expand.h"

namespace autograd {
namespace {

// y = 3 x, with a fused rule that writes where it is told to.
class TripleNode final : public NodeOf<TripleNode> {
 public:
  static constexpr char kName[] = "TestTriple";
  void Vjp(VjpContext& ctx) override { ctx.SetGrad(0, ctx.grad() * 3.0); }
  void FusedVjp(VjpContext& ctx) override {
    Tensor grad = ctx.EmptyGrad(0);
    const Tensor above = ctx.grad();
    for (int64_t i = 0; i < grad.numel(); ++i) {
      grad.raw<double>()[i] = 3 * above.ToVector<double>()[static_cast<size_t>(i)];
    }
    ctx.SetGrad(0, grad);
  }
};

Tensor Triple(const Tensor& x) {
  Tensor y;
  {
    NoGrad guard;
    y = x * 3.0;
  }
  return Record<TripleNode>(y, {&x});
}

class GradMemory : public ::testing::Test {
 protected:
  GradMemory() { leaf().set_grad_memory(memory_); }
  internal::LeafNode& leaf() { return *static_cast<internal::LeafNode*>(x_.impl()->node); }
  static Tensor SumAll(const Tensor& x) { return SumTo(x, {}); }
  bool InMemory() const { return x_.grad().data<double>() == memory_.data<double>(); }

  using Values = std::vector<double>;
  Tensor memory_ = Tensor::FromVector<double>({-1, -1}, {2});
  Tensor x_ = Tensor::FromVector<double>({1, 2}, {2}).set_requires_grad(true);
};

TEST_F(GradMemory, FusedRuleWritesIntoItAndClearingFreesIt) {
  for (int pass = 0; pass < 3; ++pass) {
    EXPECT_FALSE(x_.grad().defined());
    Backward(SumAll(Triple(x_)));
    EXPECT_TRUE(InMemory());
    EXPECT_EQ(x_.grad().ToVector<double>(), (Values{3, 3}));
    x_.set_grad(Tensor());
  }
}

TEST_F(GradMemory, AGradientMadeElsewhereIsCopiedThere) {
  Backward(SumAll(x_ * x_));
  EXPECT_TRUE(InMemory());
  EXPECT_EQ(memory_.ToVector<double>(), (Values{2, 4}));
}

TEST_F(GradMemory, SecondPassAddsToTheFirst) {
  Backward(SumAll(Triple(x_)));
  Backward(SumAll(Triple(x_)));
  EXPECT_TRUE(InMemory());
  EXPECT_EQ(memory_.ToVector<double>(), (Values{6, 6}));
}

TEST_F(GradMemory, LeafUsedTwiceInOnePass) {
  Backward(SumAll(Triple(x_) * Triple(x_)));
  EXPECT_EQ(x_.grad().ToVector<double>(), (Values{18, 36}));
}

TEST_F(GradMemory, GradReturnsATensorOfItsOwn) {
  const Tensor grad = Grad({SumAll(Triple(x_))}, {x_})[0];
  EXPECT_NE(grad.data<double>(), memory_.data<double>());
  EXPECT_EQ(memory_.ToVector<double>(), (Values{-1, -1}));
}

TEST_F(GradMemory, WhatAHookKeepsIsNotOverwritten) {
  Tensor kept;
  x_.RegisterHook([&](const Tensor& grad) {
    kept = grad;
    return Tensor();
  });
  Backward(SumAll(Triple(x_)));
  x_.set_grad(Tensor());
  Backward(SumAll(Triple(x_) * 2.0));
  EXPECT_EQ(x_.grad().ToVector<double>(), (Values{6, 6}));
  EXPECT_NE(kept.data<double>(), memory_.data<double>());
}

TEST_F(GradMemory, AGraphThatSavedTheGradientNoticesThatItWasOverwritten) {
  Backward(SumAll(Triple(x_)));
  Tensor w = Tensor::FromVector<double>({1, 1}, {2}).set_requires_grad(true);
  const Tensor y = SumAll(w * x_.grad());
  x_.set_grad(Tensor());
  Backward(SumAll(Triple(x_)));
  EXPECT_THROW(Backward(y), std::invalid_argument);
}

TEST_F(GradMemory, WrongShapeIsRefused) {
  EXPECT_THROW(leaf().set_grad_memory(Tensor::FromVector<double>({1}, {1})), std::invalid_argument);
  EXPECT_THROW(leaf().set_grad_memory(Tensor::FromVector<float>({1, 1}, {2})),
               std::invalid_argument);
}

}  // namespace
}  // namespace autograd
