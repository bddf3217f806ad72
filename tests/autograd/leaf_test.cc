// Hooks, modes, detaching, versions and buffers: what users do around the tape.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/shape.h"

namespace autograd {
namespace {

using Values = std::vector<double>;

Tensor Leaf(const Values& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())}).set_requires_grad(true);
}

Tensor SumAll(const Tensor& x) { return SumTo(x, {}); }

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Hooks, RunInOrderOnceForTheWholeGradient) {
  Tensor x = Leaf({1, 2});
  std::vector<Values> seen;
  x.RegisterHook([&](const Tensor& grad) {
    seen.push_back(grad.ToVector<double>());
    return grad * 10.0;
  });
  x.RegisterHook([&](const Tensor& grad) {
    seen.push_back(grad.ToVector<double>());
    return Tensor();
  });
  // x is used three times.
  Backward(SumAll(x * x + x));
  EXPECT_EQ(seen, (std::vector<Values>{{3, 5}, {30, 50}}));
  EXPECT_EQ(x.grad().ToVector<double>(), (Values{30, 50}));
  // What is there already is not passed through them again.
  Backward(SumAll(x));
  EXPECT_EQ(x.grad().ToVector<double>(), (Values{40, 60}));
}

TEST(Hooks, ReplaceWhatGradReturns) {
  Tensor x = Leaf({1, 2});
  x.RegisterHook([](const Tensor& grad) { return grad * 2.0; });
  const Tensor dx = Grad({SumAll(x * x)}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(dx.ToVector<double>(), (Values{4, 8}));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Hooks, OfAnotherShapeAreRefused) {
  Tensor x = Leaf({1, 2});
  x.RegisterHook([](const Tensor& grad) { return SumAll(grad); });
  EXPECT_EQ(ErrorOf([&] { Backward(SumAll(x)); }),
            "gradient hook: returned [] f64 for a gradient [2] f64");
  EXPECT_FALSE(x.grad().defined());
}

TEST(Hooks, BelongToLeaves) {
  const auto hook = [](const Tensor&) { return Tensor(); };
  Tensor x = Leaf({1});
  Tensor computed = x * 2.0, constant = Zeros({1});
  for (Tensor* tensor : {&computed, &constant}) {
    EXPECT_EQ(
        ErrorOf([&] { tensor->RegisterHook(hook); }),
        "RegisterHook: the tensor " + Describe(*tensor) + " is not a leaf that requires gradients");
  }
}

TEST(Hooks, MayThrow) {
  Tensor x = Leaf({1, 2});
  bool throws = true;
  x.RegisterHook([&](const Tensor&) -> Tensor {
    if (throws) throw std::runtime_error("stop");
    return Tensor();
  });
  EXPECT_THROW(Backward(SumAll(x * x)), std::runtime_error);
  EXPECT_TRUE(GradEnabled());
  throws = false;
  Backward(SumAll(x * x));
  EXPECT_EQ(x.grad().ToVector<double>(), (Values{2, 4}));
}

TEST(GradMode, NestsAndIsRestored) {
  const Tensor x = Leaf({3});
  EXPECT_TRUE(GradEnabled());
  {
    const NoGrad off;
    EXPECT_FALSE((x * x).requires_grad());
    {
      const EnableGrad on;
      EXPECT_EQ(Grad({x * x}, {x})[0].item(), 6);
      const NoGrad off_again;
      EXPECT_FALSE(GradEnabled());
    }
    EXPECT_FALSE(GradEnabled());
  }
  EXPECT_TRUE(GradEnabled());
  try {
    const NoGrad off;
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
    EXPECT_TRUE(GradEnabled());
  }
}

TEST(GradMode, IsTheThreadsOwn) {
  const NoGrad off;
  bool other = false;
  std::thread([&] { other = GradEnabled(); }).join();
  EXPECT_TRUE(other);
}

TEST(Detach, SharesElementsAndVersionsButNoGraph) {
  Tensor x = Leaf({1, 2});
  const Tensor y = x * 3.0;
  Tensor detached = y.Detach();
  EXPECT_FALSE(detached.requires_grad());
  EXPECT_TRUE(detached.is_leaf());
  EXPECT_EQ(detached.data<double>(), y.data<double>());
  EXPECT_EQ(ErrorOf([&] { Grad({detached}, {x}); }),
            "Grad: the output [2] f64 does not require gradients");
  // A factor without a graph: d(y detached)/dx = detached.
  EXPECT_EQ(Grad({SumAll(x * detached)}, {x})[0].ToVector<double>(), (Values{3, 6}));
  FillInPlace(detached, 7);
  EXPECT_EQ(y.ToVector<double>(), (Values{7, 7}));
  EXPECT_EQ(y.version(), 1);
}

TEST(Versions, AChangeThroughAViewIsNoticedByWhatWasSaved) {
  const Tensor w = Leaf({1, 2, 3, 4});
  Tensor x = Leaf({2, 2, 2, 2}).Detach();
  const Tensor y = SumAll(w * x);
  Tensor view = Reshape(x, {2, 2});
  FillInPlace(view, 5);
  EXPECT_EQ(ErrorOf([&] { Grad({y}, {w}); }),
            "Mul: a saved tensor [4] f64 was changed in place: saved at version 0, now at version "
            "1");
}

TEST(Versions, AChangeOfTheWholeIsNoticedByASavedView) {
  const Tensor w = Leaf({1, 2, 3});
  Tensor x = Full({2, 3}, 2, DType::kF64);
  const Tensor y = SumAll(w * Transpose(x, 0, 1).Detach().ViewAs({3}, {1}, 0));
  x.mutable_data<double>()[0] = 1;
  EXPECT_NE(ErrorOf([&] { Grad({y}, {w}); }).find("was changed in place"), std::string::npos);
}

TEST(Versions, AChangeOfWhatNobodySavedIsAllowed) {
  const Tensor w = Leaf({1, 2});
  Tensor x = Full({2}, 2, DType::kF64);
  const Tensor y = SumAll(w + x);
  FillInPlace(x, 5);
  EXPECT_EQ(Grad({y}, {w})[0].ToVector<double>(), (Values{1, 1}));
}

TEST(FromBuffer, IsReleasedWhenTheGraphNoLongerNeedsIt) {
  Values mine = {2, 3};
  int released = 0;
  const Tensor w = Leaf({1, 1});
  Tensor y;
  {
    const Tensor x = Tensor::FromBuffer(mine.data(), {2}, [&] { ++released; });
    y = SumAll(w * x);
  }
  EXPECT_EQ(released, 0);
  EXPECT_EQ(Grad({y}, {w})[0].ToVector<double>(), (Values{2, 3}));
  EXPECT_EQ(released, 1);
}

TEST(FromBuffer, IsReleasedWithAGraphThatIsNeverDifferentiated) {
  Values mine = {2, 3};
  int released = 0;
  Tensor y = Leaf({1, 1}) * Tensor::FromBuffer(mine.data(), {2}, [&] { ++released; });
  EXPECT_EQ(released, 0);
  y = Tensor();
  EXPECT_EQ(released, 1);
}

TEST(Backward, WantsALossOfOneElementWithAGraph) {
  const Tensor x = Leaf({1, 2});
  EXPECT_EQ(ErrorOf([&] { Backward(x * 2.0); }),
            "Backward: the output [2] f64 has more than one element; pass grad_outputs");
  EXPECT_EQ(ErrorOf([&] { Backward(Zeros({})); }),
            "Backward: the loss [] f32 does not require gradients");
  EXPECT_EQ(ErrorOf([&] { Backward(Tensor()); }),
            "Backward: the loss undefined does not require gradients");
  Backward(Reshape(SumAll(x), {1, 1}));
  EXPECT_EQ(x.grad().ToVector<double>(), (Values{1, 1}));
}

// Small whole numbers, so that sums are exact in any order.
TEST(Threads, DifferentiateGraphsThatShareLeaves) {
  constexpr int kThreads = 4, kRounds = 200;
  const Tensor w = Leaf({1, 2, 3}), b = Leaf({1, 1, 1});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const Tensor x = Full({3}, thread + 1.0, DType::kF64);
        Tensor y = w * x + b;
        for (int i = 0; i < 5; ++i) y = y + w * x;
        Backward(SumAll(y));
        const Tensor dw = Grad({SumAll(w * w * x)}, {w}, {.create_graph = true})[0];
        EXPECT_EQ(Grad({SumAll(dw)}, {w})[0].ToVector<double>(), Values(3, 2.0 * (thread + 1)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(w.grad().ToVector<double>(), Values(3, 6.0 * kRounds * (1 + 2 + 3 + 4)));
  EXPECT_EQ(b.grad().ToVector<double>(), Values(3, 1.0 * kRounds * kThreads));
}

TEST(Leaf, BackwardLeavesATensorGivenToSetGradAlone) {
  Tensor a = Tensor::FromVector<double>({1}, {1}).set_requires_grad(true);
  Tensor b = Tensor::FromVector<double>({1}, {1}).set_requires_grad(true);
  const Tensor given = Tensor::FromVector<double>({10}, {1});
  a.set_grad(given);
  b.set_grad(given);
  Backward(a * 2.0 + b * 3.0);
  EXPECT_EQ(a.grad().item(), 12);
  EXPECT_EQ(b.grad().item(), 13);
  EXPECT_EQ(given.item(), 10);
}

}  // namespace
}  // namespace autograd
