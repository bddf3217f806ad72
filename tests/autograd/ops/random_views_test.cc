// Random chains of views, and what copies them, against the elements read one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "autograd/ops/cast.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"

namespace autograd {
namespace {

class RandomViews : public ::testing::TestWithParam<DType> {
 protected:
  int64_t Draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  // A view by one to five random steps of a tensor of distinct values (as far as the dtype goes).
  Tensor DrawView() {
    Shape shape;
    const int64_t rank = Draw(1, 4);
    for (int64_t i = 0; i < rank; ++i) shape.push_back(Draw(0, 9) == 0 ? Draw(0, 1) : Draw(1, 9));
    Tensor x = Reshape(
        Cast(Arange(0, static_cast<double>(shape.numel()), 1, DType::kI64), GetParam()), shape);
    for (int64_t steps = Draw(1, 5); steps > 0 && x.rank() > 0; --steps) x = Step(x);
    return x;
  }

  Tensor Step(const Tensor& x) {
    const int64_t axis = Draw(0, x.rank() - 1), size = x.size(axis);
    switch (Draw(0, 5)) {
      case 0:
        return Transpose(x, axis, Draw(0, x.rank() - 1));
      case 1:
        return Slice(x, axis, Draw(-size, size), Draw(-size, size + 1), Draw(1, 3));
      case 2:
        return size == 0 ? x.Detach() : Select(x, axis, Draw(-size, size - 1));
      case 3:
        return x.rank() < 5 ? Unsqueeze(x, axis) : Squeeze(x);
      case 4: {
        Shape shape = x.shape();
        if (shape.rank() < 5) shape.insert(0, Draw(1, 3));
        return Expand(x, shape);
      }
      default:
        return Slice(x, axis, Draw(0, 1));
    }
  }

  // Another shape of as many elements.
  Shape DrawShape(int64_t numel) {
    if (numel == 0) return {0, 3};
    Shape shape;
    while (numel > 1 && shape.rank() < 7) {
      int64_t factor = Draw(2, 6);
      while (numel % factor != 0) factor = factor < numel ? factor + 1 : numel;
      if (Draw(0, 3) == 0) shape.push_back(1);
      if (shape.rank() < 7) shape.push_back(factor), numel /= factor;
    }
    shape.push_back(numel);
    return shape;
  }

  // Bytes in row-major order, read by strides.
  static std::string Elements(const Tensor& x) {
    const size_t item = ItemSize(x.dtype());
    std::string bytes;
    for (int64_t i = 0; i < x.numel(); ++i) {
      int64_t rest = i, offset = 0;
      for (int axis = x.rank() - 1; axis >= 0; --axis) {
        offset += rest % x.shape()[axis] * x.strides()[axis];
        rest /= x.shape()[axis];
      }
      bytes.append(x.raw<char>() + offset * static_cast<int64_t>(item), item);
    }
    return bytes;
  }

  std::mt19937_64 random_{20240607};
};

TEST_P(RandomViews, ReshapeKeepsTheOrder) {
  for (int i = 0; i < 1000; ++i) {
    const Tensor x = DrawView();
    const Tensor y = Reshape(x, DrawShape(x.numel()));
    ASSERT_TRUE(Elements(y) == Elements(x))
        << x.shape().ToString() << x.strides().ToString() << " to " << y.shape().ToString();
  }
}

TEST_P(RandomViews, CopiesAreDenseAndEqual) {
  for (int i = 0; i < 1000; ++i) {
    const Tensor x = DrawView(), copy = Clone(x);
    EXPECT_TRUE(copy.is_contiguous());
    ASSERT_TRUE(Elements(copy) == Elements(x))
        << x.shape().ToString() << " " << x.strides().ToString();
    ASSERT_TRUE(Elements(Contiguous(x)) == Elements(x));
  }
}

TEST_P(RandomViews, CopyIntoAStridedView) {
  for (int i = 0; i < 500; ++i) {
    const Tensor x = DrawView();
    if (x.rank() == 0) continue;
    // Every other column of a permuted tensor with other elements around it.
    Dims axes, doubled;
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
    std::shuffle(axes.begin(), axes.end(), random_);
    for (const int64_t axis : axes) doubled.push_back(x.size(axis));
    doubled[x.rank() - 1] *= 2;
    const Tensor memory = Zeros(doubled, x.dtype());
    Dims inverse = axes;
    for (int axis = 0; axis < x.rank(); ++axis) inverse[static_cast<int>(axes[axis])] = axis;
    Tensor target = Permute(Slice(memory, -1, 0, kEnd, 2), inverse);
    const Tensor between = Slice(memory, -1, 1, kEnd, 2);
    CopyInPlace(target, x);
    ASSERT_TRUE(Elements(target) == Elements(x));
    ASSERT_TRUE(Elements(between) == Elements(ZerosLike(between)));
  }
}

TEST_P(RandomViews, PartsAndPaddingAreUndone) {
  for (int i = 0; i < 500; ++i) {
    const Tensor x = DrawView();
    if (x.rank() == 0 || x.rank() > 5) continue;
    const int64_t axis = Draw(0, x.rank() - 1);
    ASSERT_TRUE(Elements(Concat(Chunk(x, Draw(1, 4), axis), axis)) == Elements(x));
    if (x.size(axis) > 0) {
      ASSERT_TRUE(Elements(Stack(Unbind(x, axis), axis)) == Elements(x));
    }
    ASSERT_TRUE(Elements(Flip(Flip(x), {})) == Elements(x));
    Dims before = x.shape(), after = x.shape();
    for (int a = 0; a < x.rank(); ++a) before[a] = Draw(0, 2), after[a] = Draw(0, 2);
    Tensor inner = Pad(x, before, after, 1);
    for (int a = 0; a < x.rank(); ++a) inner = Slice(inner, a, before[a], before[a] + x.size(a));
    ASSERT_TRUE(Elements(inner) == Elements(x));
  }
}

INSTANTIATE_TEST_SUITE_P(ItemSizes, RandomViews,
                         ::testing::Values(DType::kU8, DType::kBF16, DType::kF32, DType::kI64),
                         [](const auto& line) { return std::string(DTypeName(line.param)); });

}  // namespace
}  // namespace autograd
