// GroupNorm and GroupNormConcat in graphs: the pending gradients they add to.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/memory/allocator.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/norm.h"
#include "autograd/random/philox.h"

namespace autograd {
namespace {

constexpr int64_t kChannels = 24;

// How a norm gets an image: as it is, or behind a node that hides what is pending for it, so that
// the engine adds the gradients.
using Wrap = std::function<Tensor(const Tensor&)>;
Tensor AsItIs(const Tensor& x) { return x; }
Tensor Hidden(const Tensor& x) { return x * 1.0; }

struct Leaves {
  explicit Leaves(const Shape& shape) {
    Generator generator(3);
    x = Randn(shape, generator).set_requires_grad(true);
    weight = Randn({2 * kChannels}, generator).set_requires_grad(true);
    bias = Randn({2 * kChannels}, generator).set_requires_grad(true);
    narrow_weight = Randn({kChannels}, generator).set_requires_grad(true);
  }
  std::vector<Tensor> All() const { return {x, weight, bias, narrow_weight}; }

  Tensor x, weight, bias, narrow_weight;
};

Tensor Norm(const Tensor& x, const Leaves& in) {
  return GroupNorm(x, 8, in.narrow_weight, Tensor(), 1e-5, {Activation::kSilu});
}
Tensor Joined(const Tensor& a, const Tensor& b, const Leaves& in) {
  return GroupNormConcat(a, b, 16, in.weight, in.bias, 1e-5, {Activation::kSilu});
}

// Functions of an inner tensor h. Products between make gradients that nobody else holds.
struct Graph {
  std::string name;
  std::function<Tensor(const Tensor& h, const Leaves& in, const Wrap& wrap)> function;
};
const Graph kGraphs[] = {
    {"residual", [](const Tensor& h, const Leaves& in,
                    const Wrap& wrap) { return h + Norm(wrap(h), in) * .7; }},
    {"residual of itself",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) { return h + Norm(wrap(h), in); }},
    {"a product after",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor normalised = Norm(wrap(h), in);
       return normalised * (h * h);
     }},
    {"a product before",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor square = h * h;
       return square * Norm(wrap(h), in);
     }},
    {"two norms",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor first = Norm(wrap(h), in) * .3, second = Norm(wrap(h), in) * 1.7;
       return h * .1 + (second + first);
     }},
    {"blocks in a row",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor next = h + Norm(wrap(h), in) * .7;
       return next + Norm(wrap(next), in) * 1.3;
     }},
    {"a skip connection",
     [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor deeper = h * h;
       const Tensor y = Joined(wrap(deeper), wrap(h), in);
       return y * Concat({deeper * .5, h * .3}, -1);
     }},
    {"the same twice", [](const Tensor& h, const Leaves& in, const Wrap& wrap) {
       const Tensor y = Joined(wrap(h), wrap(h), in);
       return y * Concat({h * .5, h * .3}, -1);
     }}};

Tensor Loss(const Tensor& y) { return SumTo(y * y, {}); }

// Shared out by samples, and by chunks of one sample.
const Shape kShapes[] = {{5, 4, 4, kChannels}, {1, 60, 60, kChannels}};

TEST(GroupNormPending, GradientsHaveTheBitsOfTheUnfusedSum) {
  for (const Shape& shape : kShapes) {
    for (const Graph& graph : kGraphs) {
      SCOPED_TRACE(graph.name + " " + shape.ToString());
      const Leaves in(shape);
      // With h among them, whose gradient is also handed out.
      const auto gradients = [&](const Wrap& wrap) {
        const Tensor h = in.x * .77;
        std::vector<Tensor> inputs = in.All();
        inputs.push_back(h);
        std::vector<std::vector<float>> values;
        const GradOptions options{.allow_unused = true};
        for (const Tensor& grad : Grad({Loss(graph.function(h, in, wrap))}, inputs, options)) {
          values.push_back(grad.defined() ? grad.ToVector<float>() : std::vector<float>());
        }
        return values;
      };
      EXPECT_EQ(gradients(AsItIs), gradients(Hidden));
    }
  }
}

TEST(GroupNormPending, LeavesAccumulateTheBitsOfTheUnfusedSum) {
  for (const Graph& graph : kGraphs) {
    SCOPED_TRACE(graph.name);
    const auto gradient = [&](const Wrap& wrap) {
      const Leaves in(kShapes[0]);
      for (int pass = 0; pass < 2; ++pass) Backward(Loss(graph.function(in.x, in, wrap)));
      return in.x.grad().ToVector<float>();
    };
    EXPECT_EQ(gradient(AsItIs), gradient(Hidden));
  }
}

// All in bf16: the sum is rounded once where the norm adds, twice where the engine does.
TEST(GroupNormPending, InBf16TheSumIsNearThatOfF32) {
  for (const Shape& shape : kShapes) {
    const Leaves in(shape);
    const Tensor x = Cast(in.x, DType::kBF16).Detach();
    Generator generator(4);
    const Tensor dy = Cast(Randn(shape, generator), DType::kBF16).Detach();
    const auto gradient = [&](DType dtype) {
      const Tensor h = Cast(x, dtype).Detach().set_requires_grad(true);
      const Tensor given = Cast(dy, dtype);
      // Both outputs' gradients meet at h.
      const Tensor grad = Grad({h, Norm(h, in)}, {h}, {.grad_outputs = {given, given}})[0];
      EXPECT_EQ(grad.dtype(), dtype);
      return Cast(grad, DType::kF32).ToVector<float>();
    };
    const std::vector<float> wanted = gradient(DType::kF32), found = gradient(DType::kBF16);
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_NEAR(found[i], wanted[i], std::abs(wanted[i]) / 256 + 1e-5f) << i;
    }
  }
}

TEST(GroupNormPending, FromTheSecondStepNothingIsAllocated) {
  for (const Graph& graph : kGraphs) {
    SCOPED_TRACE(graph.name);
    const Leaves in(kShapes[1]);
    const auto step = [&] {
      const Tensor h = in.x * .77;
      Backward(Loss(graph.function(h, in, AsItIs)));
      for (Tensor leaf : in.All()) leaf.set_grad(Tensor());
      return GetAllocatorStats().system_allocations;
    };
    const int64_t after_first = step();
    EXPECT_EQ(step(), after_first);
  }
}

// The identity, which notes where the gradient it gets and the one it makes are.
struct Seen {
  const float *got = nullptr, *made = nullptr;
};
class ProbeNode final : public NodeOf<ProbeNode> {
 public:
  static constexpr char kName[] = "TestProbe";
  explicit ProbeNode(Seen* seen) : seen_(seen) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor copy = ctx.grad() * 1.0;
    *seen_ = {ctx.grad().raw<float>(), copy.raw<float>()};
    ctx.SetGrad(0, copy);
  }

 private:
  Seen* seen_;
};
Tensor Probe(const Tensor& x, Seen* seen) {
  return Record<ProbeNode>(x.Detach() * 1.0, {&x}, seen);
}

TEST(GroupNormPending, IsOverwrittenWhereNobodyElseSeesIt) {
  const Leaves in(kShapes[0]);
  Seen of_h, of_other;
  const Tensor h = Probe(in.x, &of_h), normalised = Norm(h, in), other = Probe(h, &of_other);
  Grad({SumTo(normalised * other, {})}, {in.x});
  EXPECT_EQ(of_h.got, of_other.made);
}

TEST(GroupNormPending, IsNotOverwrittenWhereSomebodyHoldsIt) {
  const Leaves in(kShapes[0]);
  const Tensor h = in.x * .77, given = Ones(kShapes[0]);
  Grad({h, Norm(h, in)}, {in.x}, {.grad_outputs = {given, given}});
  EXPECT_EQ(given.ToVector<float>(), Ones(kShapes[0]).ToVector<float>());
}

TEST(GroupNormConcatTest, IsThatOfTheConcatenation) {
  Generator generator(1);
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16}) {
    SCOPED_TRACE(DTypeName(dtype));
    const Tensor a = Cast(Randn({17, 7, 7, 64}, generator), dtype).Detach().set_requires_grad(true);
    const Tensor b = Cast(Randn({17, 7, 7, 32}, generator), dtype).Detach().set_requires_grad(true);
    const DType parameters = dtype == DType::kBF16 ? DType::kF32 : dtype;
    const Tensor weight = Randn({96}, generator, parameters).set_requires_grad(true);
    const Tensor bias = Randn({96}, generator, parameters).set_requires_grad(true);
    const Tensor dy = Cast(Randn({17, 7, 7, 96}, generator), dtype);
    const ActivationSpec silu{Activation::kSilu};
    const Tensor found = GroupNormConcat(a, b, 32, weight, bias, 1e-5, silu);
    const Tensor wanted = GroupNorm(Concat({a, b}, -1), 32, weight, bias, 1e-5, silu);
    const std::vector<Tensor> inputs = {a, b, weight, bias};
    const std::vector<Tensor> found_grads = Grad({found}, inputs, {.grad_outputs = {dy}}),
                              wanted_grads = Grad({wanted}, inputs, {.grad_outputs = {dy}});
    const double bound = dtype == DType::kF64 ? 1e-13 : dtype == DType::kF32 ? 1e-5 : 8e-3;
    const auto expect_near = [&](const Tensor& x, const Tensor& y) {
      ASSERT_EQ(x.shape(), y.shape());
      ASSERT_EQ(x.dtype(), y.dtype());
      const auto left = Cast(x, DType::kF64).ToVector<double>(),
                 right = Cast(y, DType::kF64).ToVector<double>();
      for (size_t i = 0; i < left.size(); ++i) {
        ASSERT_NEAR(left[i], right[i], bound * (1 + std::abs(right[i]))) << i;
      }
    };
    expect_near(found, wanted);
    for (size_t i = 0; i < inputs.size(); ++i) expect_near(found_grads[i], wanted_grads[i]);
    EXPECT_EQ(found_grads[2].dtype(), parameters);
  }
}

}  // namespace
}  // namespace autograd
