#include "autograd/checkpoint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"

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

constexpr int64_t kSize = 1 << 14;
constexpr int64_t kBytes = kSize * 8;
constexpr int kSegments = 16, kDepth = 8;

// kSegments times kDepth products, each of which saves its input.
Tensor Chain(Tensor x, bool checkpointed) {
  const auto segment = [](const Tensor& in) {
    Tensor y = in;
    for (int i = 0; i < kDepth; ++i) y = y * y;
    return y;
  };
  for (int i = 0; i < kSegments; ++i) x = checkpointed ? Checkpoint(segment, x) : segment(x);
  return x;
}

struct Measured {
  int64_t kept = 0;  // bytes that live because of the graph
  int64_t peak = 0;  // most bytes at any moment of the backward pass, beyond those before the graph
  Values grad;
};

Measured Measure(bool checkpointed) {
  const Tensor x = Full({kSize}, .999, DType::kF64).set_requires_grad(true);
  const int64_t before = GetAllocatorStats().bytes_live;
  const Tensor y = SumAll(Chain(x, checkpointed));
  Measured measured;
  measured.kept = GetAllocatorStats().bytes_live - before;
  ResetPeakStats();
  measured.grad = Grad({y}, {x})[0].ToVector<double>();
  measured.peak = GetAllocatorStats().bytes_peak - before;
  return measured;
}

TEST(Checkpoint, KeepsOneTensorForEachSegment) {
  const Measured plain = Measure(false), checkpointed = Measure(true);
  EXPECT_EQ(checkpointed.grad, plain.grad);
  EXPECT_GT(plain.kept, (kSegments * kDepth - 2) * kBytes);
  EXPECT_LT(checkpointed.kept, (kSegments + 2) * kBytes);
  // One segment at a time is there in full.
  EXPECT_LT(checkpointed.peak, (kSegments + kDepth + 6) * kBytes);
}

TEST(Checkpoint, RunsTheFunctionAgainOnlyOnce) {
  int calls = 0;
  const Tensor x = Leaf({1, 2});
  const auto cube = [&](const Tensor& in) {
    ++calls;
    return in * in * in;
  };
  const Tensor y = SumAll(Checkpoint(cube, x * 1.0));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Grad({y}, {x})[0].ToVector<double>(), (Values{3, 12}));
  EXPECT_EQ(calls, 2);
}

TEST(Checkpoint, DoesNothingWhereNothingIsRecorded) {
  int calls = 0;
  const Tensor x = Leaf({3});
  const NoGrad guard;
  const auto square = [&](const Tensor& in) {
    ++calls;
    return in * in;
  };
  const Tensor y = Checkpoint(square, x);
  EXPECT_EQ(y.item(), 9);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(calls, 1);
}

TEST(Checkpoint, SeveralInputsAndOutputsAndNesting) {
  const Tensor a = Leaf({2}), b = Leaf({5});
  const auto inner = [](const Tensor& x) { return x * x * x; };
  const auto outer = [&](const std::vector<Tensor>& in) {
    const Tensor cubed = Checkpoint(inner, in[0] * in[1]);
    return std::vector<Tensor>{cubed * in[1], in[0] * in[1]};
  };
  const std::vector<Tensor> plain = Grad(outer({a * 1.0, b * 1.0}), {a, b});
  const std::vector<Tensor> checkpointed = Grad(Checkpoint(outer, {a * 1.0, b * 1.0}), {a, b});
  // a^3 b^4 + a b
  EXPECT_EQ(plain[0].item(), 3 * 4 * 625 + 5);
  EXPECT_EQ(checkpointed[0].item(), plain[0].item());
  EXPECT_EQ(checkpointed[1].item(), plain[1].item());
}

TEST(Checkpoint, AGraphThatIsKeptCanBeDifferentiatedTwice) {
  const Tensor x = Leaf({2});
  const Tensor y = Checkpoint([](const Tensor& in) { return in * in * in; }, x * 1.0);
  EXPECT_EQ(Grad({y}, {x}, {.retain_graph = true})[0].item(), 12);
  EXPECT_EQ(Grad({y}, {x})[0].item(), 12);
  EXPECT_NE(ErrorOf([&] { Grad({y}, {x}); }).find("freed"), std::string::npos);
}

// What a function does, by the number of the call.
using Calls = std::function<Tensor(const Tensor&, int)>;

std::string ErrorOfGrad(const Calls& calls) {
  int call = 0;
  const Tensor x = Leaf({1, 2});
  const Tensor y = Checkpoint([&](const Tensor& in) { return calls(in, call++); }, x * 1.0);
  return ErrorOf([&] { Grad({SumAll(y)}, {x}); });
}

TEST(Checkpoint, OtherOperationsTheSecondTimeAreAnError) {
  constexpr char kStart[] = "Checkpoint: the function did other operations the second time: ";
  EXPECT_EQ(ErrorOfGrad([](const Tensor& x, int call) { return call == 0 ? x * x : x * x * x; }),
            std::string(kStart) + "it saved more tensors");
  EXPECT_EQ(ErrorOfGrad([](const Tensor& x, int call) { return call == 0 ? x * x * x : x * x; }),
            std::string(kStart) + "it saved fewer tensors");
  EXPECT_EQ(ErrorOfGrad([](const Tensor& x, int call) {
              const Tensor sum = SumAll(x);
              return call == 0 ? x * x : sum * sum;
            }),
            std::string(kStart) + "saved tensor 0 is [] f64, it was [2] f64");
}

TEST(Checkpoint, TheFunctionMayDifferentiate) {
  const Tensor x = Leaf({1, 2});
  const auto function = [](const Tensor& in) {
    return in * Grad({SumAll(in * in * in)}, {in}, {.create_graph = true})[0];
  };
  // 3 x^3
  const Tensor y = SumAll(Checkpoint(function, x * 1.0));
  EXPECT_EQ(y.item(), 27);
  EXPECT_EQ(Grad({y}, {x})[0].ToVector<double>(), (Values{9, 36}));
}

TEST(Checkpoint, DifferentiatingTheFirstRunInTheSecondIsAnError) {
  Tensor recorded;
  EXPECT_EQ(ErrorOfGrad([&](const Tensor& x, int call) {
              if (call == 0) return recorded = x * x;
              return Grad({SumAll(recorded)}, {x})[0];
            }),
            "Checkpoint: the function did other operations the second time: it differentiates what "
            "the first run recorded");
}

TEST(Checkpoint, AnExceptionInTheSecondRunLeavesEverythingUsable) {
  const Tensor x = Leaf({3});
  bool fails = false;
  const auto cube = [&](const Tensor& in) {
    const Tensor square = in * in;
    if (fails) throw std::runtime_error("out of paper");
    return square * in;
  };
  const Tensor y = Checkpoint(cube, x * 1.0);
  fails = true;
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      Grad({y}, {x}, {.retain_graph = true});
      FAIL() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "out of paper");
    }
    EXPECT_TRUE(GradEnabled());
  }
  fails = false;
  EXPECT_EQ(Grad({y}, {x})[0].item(), 27);
  // Nothing still goes to the checkpoint's frame: an operation keeps what it saves.
  const Tensor z = x * x;
  EXPECT_EQ(Grad({z}, {x})[0].item(), 6);
}

TEST(Checkpoint, ChangesInPlaceAreReported) {
  const Tensor x = Tensor::FromVector<double>({1, 2}, {2}).set_requires_grad(true);
  const Tensor inside = Checkpoint(
      [](const Tensor& v) {
        Tensor h = v + v;
        Tensor y = h * h;
        const NoGrad guard;
        FillInPlace(h, 100);
        return y;
      },
      x);
  EXPECT_THROW(Grad({inside}, {x}, {.grad_outputs = {OnesLike(x)}}), std::invalid_argument);

  Tensor input = x * 1.0;
  const Tensor outside = Checkpoint([](const Tensor& v) { return v * v * 2.0; }, input);
  {
    const NoGrad guard;
    FillInPlace(input, 100);
  }
  EXPECT_THROW(Grad({outside}, {x}, {.grad_outputs = {OnesLike(x)}}), std::invalid_argument);
}

}  // namespace
}  // namespace autograd
