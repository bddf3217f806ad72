// What the table of operation cases does not say of attention: how much memory it takes, views of
// one product, inputs without gradients, nothing to look at.
#include "autograd/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "autograd/grad.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"

namespace autograd {
namespace {

TEST(Attention, MemoryDoesNotGrowWithTheSquareOfTheTokens) {
  Generator generator(1);
  const Shape shape = {2, 1000, 4, 8};
  std::vector<Tensor> inputs;
  for (int i = 0; i < 3; ++i) {
    inputs.push_back(Randn(shape, generator).set_requires_grad(true));
  }
  const Tensor g = Randn(shape, generator);
  const int64_t before = GetAllocatorStats().bytes_live;
  ResetPeakStats();
  Grad({ScaledDotProductAttention(inputs[0], inputs[1], inputs[2])}, inputs, {.grad_outputs = {g}});
  // The result and three gradients, where the scores alone would be 32 MB.
  EXPECT_LT(GetAllocatorStats().bytes_peak - before, int64_t{4} << 20);
}

TEST(Attention, ReadsViewsOfOneProduct) {
  Generator generator(1);
  const Tensor qkv = Randn({2, 5, 3, 4, 8}, generator);
  std::vector<Tensor> views, copies;
  for (int i = 0; i < 3; ++i) {
    views.push_back(Select(qkv, 2, i));
    copies.push_back(Contiguous(views.back()));
  }
  EXPECT_EQ(ScaledDotProductAttention(views[0], views[1], views[2]).ToVector<float>(),
            ScaledDotProductAttention(copies[0], copies[1], copies[2]).ToVector<float>());
  // Elements of a head that do not lie side by side.
  const Tensor turned = Transpose(Contiguous(Transpose(copies[0], 2, 3)), 2, 3);
  ASSERT_NE(turned.strides()[3], 1);
  EXPECT_EQ(ScaledDotProductAttention(turned, views[1], views[2]).ToVector<float>(),
            ScaledDotProductAttention(copies[0], copies[1], copies[2]).ToVector<float>());
}

TEST(Attention, PackedReadsAndWritesTheBytesOfItsParts) {
  Generator generator(1);
  const Tensor qkv = Randn({2, 50, 3, 4, 8}, generator).set_requires_grad(true);
  const Tensor g = Randn({2, 50, 4, 8}, generator);
  const Tensor y = ScaledDotProductAttentionPacked(qkv);
  const Tensor grad = Grad({y}, {qkv}, {.grad_outputs = {g}})[0];
  ASSERT_EQ(grad.shape(), qkv.shape());
  std::vector<Tensor> parts;
  for (int i = 0; i < 3; ++i) {
    parts.push_back(Contiguous(Select(qkv, 2, i).Detach()).set_requires_grad(true));
  }
  const Tensor of_parts = ScaledDotProductAttention(parts[0], parts[1], parts[2]);
  EXPECT_EQ(y.ToVector<float>(), of_parts.ToVector<float>());
  const std::vector<Tensor> grads = Grad({of_parts}, parts, {.grad_outputs = {g}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Select(grad, 2, i).ToVector<float>(), grads[static_cast<size_t>(i)].ToVector<float>())
        << i;
  }
}

TEST(Attention, Bf16IsNearF32) {
  Generator generator(1);
  const Tensor x = Cast(Randn({2, 50, 3, 4, 8}, generator), DType::kBF16);
  const Tensor g = Cast(Randn({2, 50, 4, 8}, generator), DType::kBF16);
  const Tensor narrow = x.Detach().set_requires_grad(true);
  const Tensor wide = Cast(x, DType::kF32).set_requires_grad(true);
  const Tensor y = ScaledDotProductAttentionPacked(narrow);
  const Tensor wanted = ScaledDotProductAttentionPacked(wide);
  ASSERT_EQ(y.dtype(), DType::kBF16);
  const Tensor grad = Grad({y}, {narrow}, {.grad_outputs = {g}})[0];
  const Tensor wanted_grad = Grad({wanted}, {wide}, {.grad_outputs = {Cast(g, DType::kF32)}})[0];
  ASSERT_EQ(grad.dtype(), DType::kBF16);
  const auto expect_near = [](const Tensor& found, const Tensor& reference) {
    const std::vector<float> a = Cast(found, DType::kF32).ToVector<float>();
    const std::vector<float> b = reference.ToVector<float>();
    for (size_t i = 0; i < a.size(); ++i)
      ASSERT_NEAR(a[i], b[i], 6e-3f * (1 + std::abs(b[i]))) << i;
  };
  expect_near(y, wanted);
  expect_near(grad, wanted_grad);
}

TEST(Attention, PackedWritesItsGradientOnce) {
  Generator generator(1);
  const Tensor qkv = Randn({4, 196, 3, 8, 8}, generator).set_requires_grad(true);
  const Tensor g = Randn({4, 196, 8, 8}, generator);
  const Tensor y = ScaledDotProductAttentionPacked(qkv);
  const int64_t before = GetAllocatorStats().bytes_live;
  ResetPeakStats();
  const Tensor grad = Grad({y}, {qkv}, {.grad_outputs = {g}})[0];
  const int64_t bytes = grad.numel() * int64_t{4};
  EXPECT_LT(GetAllocatorStats().bytes_peak - before, bytes + bytes / 4);
}

TEST(Attention, GradientsOfSomeInputsAreThoseOfAll) {
  Generator generator(1);
  std::vector<Tensor> inputs;
  for (int i = 0; i < 3; ++i) inputs.push_back(Randn({1, 9, 2, 8}, generator));
  const auto gradient = [&](std::vector<int> wanted) {
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs) leaves.push_back(input.Detach());
    for (const int i : wanted) leaves[static_cast<size_t>(i)].set_requires_grad(true);
    Backward(SumTo(ScaledDotProductAttention(leaves[0], leaves[1], leaves[2]), {1, 1, 1, 1}));
    return leaves[1].grad().ToVector<float>();
  };
  EXPECT_EQ(gradient({1}), gradient({0, 1, 2}));
}

TEST(Attention, WithoutKeysTheResultIsZero) {
  const Tensor q = Ones({1, 3, 2, 4}).set_requires_grad(true);
  const Tensor y = ScaledDotProductAttention(q, Ones({1, 0, 2, 4}), Ones({1, 0, 2, 5}));
  EXPECT_EQ(y.ToVector<float>(), std::vector<float>(30, 0));
  Backward(SumTo(y, {}));
  EXPECT_EQ(q.grad().ToVector<float>(), std::vector<float>(24, 0));
}

TEST(Attention, NothingToCompute) {
  const Tensor no_batch = Ones({0, 3, 2, 4}).set_requires_grad(true);
  const Tensor y = ScaledDotProductAttention(no_batch, no_batch, no_batch);
  EXPECT_EQ(y.shape(), (Shape{0, 3, 2, 4}));
  Backward(SumTo(y, {}));
  EXPECT_EQ(no_batch.grad().shape(), (Shape{0, 3, 2, 4}));
  const Tensor no_tokens = Ones({2, 0, 3, 2, 4}).set_requires_grad(true);
  Backward(SumTo(ScaledDotProductAttentionPacked(no_tokens), {}));
  EXPECT_EQ(no_tokens.grad().shape(), (Shape{2, 0, 3, 2, 4}));
  EXPECT_EQ(
      ScaledDotProductAttention(Ones({1, 0, 2, 4}), Ones({1, 5, 2, 4}), Ones({1, 5, 2, 3})).shape(),
      (Shape{1, 0, 2, 3}));
}

}  // namespace
}  // namespace autograd
