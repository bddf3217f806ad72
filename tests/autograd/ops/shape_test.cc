#include "autograd/ops/shape.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/index.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/triangle.h"

namespace autograd {
namespace {

using Values = std::vector<double>;

// 0, 1, 2, ... in the given shape.
Tensor Iota(const Shape& shape) {
  Values values(static_cast<size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0);
  return Tensor::FromVector(values, shape);
}

bool SharesStorage(const Tensor& a, const Tensor& b) {
  return a.impl()->storage == b.impl()->storage;
}

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

// d(sum of f(x) * f(x)) / dx, whose graph holds the derivative of the derivative of f too: for an f
// that moves elements it is 2 k x, where k is how often an element appears.
Values SquaredGradient(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  const Tensor leaf = x.Detach().set_requires_grad(true);
  const Tensor y = f(leaf);
  const Tensor dx = Grad({SumTo(y * y, {})}, {leaf}, {.create_graph = true})[0];
  const Tensor ddx = Grad({SumTo(dx, {})}, {leaf})[0];
  Values all = dx.ToVector<double>();
  for (const double value : ddx.ToVector<double>()) all.push_back(value);
  return all;
}

TEST(Reshape, IsAViewWhereStridesAllow) {
  const Tensor x = Iota({2, 3, 4});
  const Tensor y = Reshape(x, {4, -1});
  EXPECT_EQ(y.shape(), (Shape{4, 6}));
  EXPECT_TRUE(SharesStorage(x, y));
  EXPECT_FALSE(x.IsSame(Reshape(x, x.shape())));
  const Tensor transposed = Transpose(x, 0, 1);  // [3, 2, 4]
  EXPECT_TRUE(SharesStorage(x, Reshape(transposed, {3, 2, 2, 2})));
  EXPECT_EQ(Reshape(transposed, {3, 2, 2, 2}).ToVector<double>(), transposed.ToVector<double>());
  const Tensor copied = Reshape(transposed, {6, 4});
  EXPECT_FALSE(SharesStorage(x, copied));
  EXPECT_EQ(copied.ToVector<double>(), transposed.ToVector<double>());
  const Tensor column = Slice(Iota({4, 4}), 1, 0, kEnd, 2);
  EXPECT_TRUE(SharesStorage(column, Reshape(column, {2, 2, 1, 2})));
  EXPECT_EQ(Reshape(column, {2, 2, 1, 2}).ToVector<double>(), column.ToVector<double>());
  EXPECT_EQ(Reshape(column, {8}).ToVector<double>(), (Values{0, 2, 4, 6, 8, 10, 12, 14}));
}

TEST(Reshape, EmptyAndScalar) {
  EXPECT_EQ(Reshape(Zeros({0, 3}), {3, 0, 7}).shape(), (Shape{3, 0, 7}));
  EXPECT_EQ(Reshape(Zeros({1, 1}), {}).shape(), Shape{});
  EXPECT_EQ(Reshape(Zeros({}), {1, -1}).shape(), (Shape{1, 1}));
}

TEST(Reshape, Errors) {
  const Tensor x = Iota({2, 3});
  EXPECT_EQ(ErrorOf([&] {
              Reshape(x, {4, 2});
            }),
            "Reshape: [2, 3] f64 has 6 elements, which do not fit shape [4, 2]");
  for (const Shape& shape : {Shape{-1, -1}, Shape{-1, 4}, Shape{0, -1}, Shape{-2, -3}, Shape{}}) {
    EXPECT_NE(ErrorOf([&] { Reshape(x, shape); }).find("Reshape: "), std::string::npos);
  }
}

TEST(Permute, MovesAxesWithoutCopying) {
  const Tensor x = Iota({2, 3, 4});
  const Tensor y = Permute(x, {2, 0, -2});
  EXPECT_EQ(y.shape(), (Shape{4, 2, 3}));
  EXPECT_TRUE(SharesStorage(x, y));
  EXPECT_EQ(Select(Select(Select(y, 0, 3), 0, 1), 0, 2).item(), 1 * 12 + 2 * 4 + 3);
  EXPECT_EQ(Transpose(Iota({2, 3})).ToVector<double>(), (Values{0, 3, 1, 4, 2, 5}));
  EXPECT_NE(ErrorOf([&] { Permute(x, {0, 1, 1}); }).find("[0, 1, 1]"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Permute(x, {0, 1}); }).find("[2, 3, 4] f64"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Transpose(x, 0, 3); }).find("Transpose: axis 3"), std::string::npos);
}

TEST(SqueezeAndFlatten, Shapes) {
  const Tensor x = Zeros({1, 3, 1, 2});
  EXPECT_EQ(Squeeze(x).shape(), (Shape{3, 2}));
  EXPECT_EQ(Squeeze(x, -2).shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(Unsqueeze(x, -1).shape(), (Shape{1, 3, 1, 2, 1}));
  EXPECT_EQ(Unsqueeze(x, 4).shape(), (Shape{1, 3, 1, 2, 1}));
  EXPECT_EQ(Flatten(x).shape(), Shape{6});
  EXPECT_EQ(Flatten(x, 1).shape(), (Shape{1, 6}));
  EXPECT_EQ(Flatten(x, 0, -2).shape(), (Shape{3, 2}));
  EXPECT_EQ(Flatten(Zeros({})).shape(), Shape{1});
  EXPECT_NE(ErrorOf([&] { Squeeze(x, 1); }).find("Squeeze: axis 1"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Unsqueeze(x, 5); }).find("Unsqueeze: axis 5"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Flatten(x, 2, 1); }).find("Flatten: first axis 2"), std::string::npos);
}

TEST(Contiguous, CopiesOnlyWhatIsNotDense) {
  const Tensor x = Iota({3, 5});
  EXPECT_TRUE(Contiguous(x).IsSame(x));
  const Tensor y = Contiguous(Transpose(x));
  EXPECT_TRUE(y.is_contiguous());
  EXPECT_EQ(y.ToVector<double>(), Transpose(x).ToVector<double>());
}

TEST(ShapeOps, EveryDType) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kBF16, DType::kI32, DType::kI64,
                            DType::kU8, DType::kBool}) {
    const Tensor x = Concat({Ones({2, 1}, dtype), Zeros({2, 2}, dtype)}, 1);
    const Tensor y = Contiguous(Transpose(x));
    EXPECT_EQ(ToString(Select(y, 0, 0)), ToString(Ones({2}, dtype)));
    EXPECT_EQ(ToString(Select(y, 0, 2)), ToString(Zeros({2}, dtype)));
  }
}

TEST(ShapeOps, Derivatives) {
  const Tensor x = Iota({2, 3});
  const Values once = {0, 2, 4, 6, 8, 10, 2, 2, 2, 2, 2, 2};
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Reshape(t, {3, 2}); }, x), once);
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Transpose(t); }, x), once);
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Contiguous(Transpose(t)); }, x), once);
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Slice(t, 1, 0, kEnd, 2); }, x),
            (Values{0, 0, 4, 6, 0, 10, 2, 0, 2, 2, 0, 2}));
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Select(t, 0, -1); }, x),
            (Values{0, 0, 0, 6, 8, 10, 0, 0, 0, 2, 2, 2}));
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return EmbedSlice(t, 1, 9, 2, 3); }, x), once);
  EXPECT_EQ(SquaredGradient(
                [](const Tensor& t) {
                  return Concat({t, Slice(t, 0, 1)}, 0);
                },
                x),
            (Values{0, 2, 4, 12, 16, 20, 2, 2, 2, 4, 4, 4}));
  EXPECT_EQ(SquaredGradient(
                [](const Tensor& t) {
                  return Stack({t, t}, -1);
                },
                x),
            (Values{0, 4, 8, 12, 16, 20, 4, 4, 4, 4, 4, 4}));
  EXPECT_EQ(SquaredGradient([](const Tensor& t) { return Split(t, 2, 1)[1]; }, x),
            (Values{0, 0, 4, 0, 0, 10, 0, 0, 2, 0, 0, 2}));
}

TEST(Slice, FollowsPython) {
  const Tensor x = Iota({6});
  const auto slice = [&](int64_t start, int64_t stop, int64_t step) {
    const Tensor y = Slice(x, -1, start, stop, step);
    EXPECT_TRUE(SharesStorage(x, y));
    return y.ToVector<double>();
  };
  EXPECT_EQ(slice(1, 4, 1), (Values{1, 2, 3}));
  EXPECT_EQ(slice(-2, kEnd, 1), (Values{4, 5}));
  EXPECT_EQ(slice(0, -1, 2), (Values{0, 2, 4}));
  EXPECT_EQ(slice(1, 100, 4), (Values{1, 5}));
  EXPECT_EQ(slice(-100, 2, 1), (Values{0, 1}));
  EXPECT_EQ(slice(4, 2, 1), Values{});
  EXPECT_EQ(slice(9, kEnd, 1), Values{});
  EXPECT_EQ(slice(2, kEnd, kEnd), Values{2});
  EXPECT_NE(ErrorOf([&] { Slice(x, 0, 0, 6, 0); }).find("Slice: step 0"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { Slice(x, 1, 0); }).find("Slice: axis 1"), std::string::npos);
}

TEST(Select, Errors) {
  EXPECT_EQ(ErrorOf([&] {
              Select(Zeros({2, 3}), 1, 3);
            }),
            "Select: index 3 is out of range for axis 1 of [2, 3] f32");
  EXPECT_NE(ErrorOf([&] {
              Select(Zeros({2, 0}), 1, 0);
            }).find("Select: index 0"),
            std::string::npos);
  EXPECT_EQ(Select(Zeros({2, 0}), 0, 1).shape(), Shape{0});
}

TEST(EmbedSlice, Errors) {
  EXPECT_NE(ErrorOf([&] { EmbedSlice(Zeros({3}), 0, 6, 0, 3); }).find("EmbedSlice: [3] f32"),
            std::string::npos);
  EXPECT_EQ(EmbedSlice(Zeros({3}), 0, 7, 0, 3).shape(), Shape{7});
}

TEST(Concat, JoinsAndSplits) {
  const Tensor x = Iota({3, 4});
  const std::vector<Tensor> parts = SplitSizes(x, {1, 0, 3}, 1);
  EXPECT_TRUE(SharesStorage(x, parts[2]));
  EXPECT_EQ(parts[1].shape(), (Shape{3, 0}));
  EXPECT_EQ(Concat(parts, -1).ToVector<double>(), x.ToVector<double>());
  EXPECT_EQ(Split(x, 3, 1)[1].shape(), (Shape{3, 1}));
  EXPECT_EQ(Split(Zeros({0}), 3).size(), 1u);
  EXPECT_EQ(Chunk(Zeros({5}), 3)[2].shape(), Shape{1});
  EXPECT_EQ(Chunk(Zeros({1}), 3).size(), 3u);
  EXPECT_EQ(Stack({x, x}, 1).shape(), (Shape{3, 2, 4}));
  for (const int64_t axis : {0, 1, 2}) {
    EXPECT_EQ(Select(Stack({x, x * 2.0}, axis), axis, 1).ToVector<double>(),
              (x * 2.0).ToVector<double>());
  }
}

TEST(Concat, Errors) {
  EXPECT_EQ(ErrorOf([] { Concat({}); }), "Concat: no tensors");
  EXPECT_EQ(ErrorOf([] {
              Concat({Zeros({2, 3}), Zeros({2, 4})}, 0);
            }),
            "Concat: wants tensors of one dtype and of equal sizes but for axis 0, got "
            "[2, 3] f32, [2, 4] f32");
  EXPECT_NE(ErrorOf([] {
              Concat({Zeros({2}), Zeros({2}, DType::kF64)});
            }).find("[2] f64"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] { Concat({Zeros({})}); }).find("Concat: axis 0"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Stack({Zeros({2}), Zeros({3})}); }).find("Stack: "), std::string::npos);
  EXPECT_EQ(ErrorOf([] {
              SplitSizes(Zeros({4}), {1, 2});
            }),
            "Split: sizes [1, 2] do not add up to axis 0 of [4] f32");
  EXPECT_NE(ErrorOf([] { Split(Zeros({4}), 0); }).find("Split: size 0"), std::string::npos);
  EXPECT_NE(ErrorOf([] { Chunk(Zeros({4}), 0); }).find("Chunk: "), std::string::npos);
}

TEST(ShapeOps, UndefinedTensorsAreRefused) {
  const Tensor none, index = Zeros({1}, DType::kI64), x = Ones({2, 2});
  const std::vector<std::pair<std::string, std::function<void()>>> uses = {
      {"Reshape", [&] { Reshape(none, {1}); }},
      {"Permute", [&] { Permute(none, {}); }},
      {"Transpose", [&] { Transpose(none); }},
      {"Squeeze", [&] { Squeeze(none); }},
      {"Squeeze", [&] { Squeeze(none, 0); }},
      {"Unsqueeze", [&] { Unsqueeze(none, 0); }},
      {"Flatten", [&] { Flatten(none); }},
      {"Contiguous", [&] { Contiguous(none); }},
      {"Slice", [&] { Slice(none, 0, 0); }},
      {"Select", [&] { Select(none, 0, 0); }},
      {"EmbedSlice", [&] { EmbedSlice(none, 0, 1, 0); }},
      {"Concat",
       [&] {
         Concat({x, none});
       }},
      {"Stack", [&] { Stack({none}); }},
      {"Split", [&] { Split(none, 1); }},
      {"Split", [&] { SplitSizes(none, {1}); }},
      {"Chunk", [&] { Chunk(none, 1); }},
      {"Unbind", [&] { Unbind(none); }},
      {"Gather", [&] { Gather(x, 0, none); }},
      {"ScatterAdd", [&] { ScatterAdd(x, 0, index, none); }},
      {"IndexSelect", [&] { IndexSelect(none, 0, index); }},
      {"IndexAdd", [&] { IndexAdd(x, 0, none, x); }},
      {"Pad", [&] { Pad(none, {}, {}); }},
      {"Flip", [&] { Flip(none); }},
      {"Sort", [&] { Sort(none); }},
      {"ArgSort", [&] { ArgSort(none); }},
      {"TopK", [&] { TopK(none, 1); }},
      {"Triu", [&] { Triu(none); }},
      {"Tril", [&] { Tril(none); }},
      {"Clone", [&] { Clone(none); }},
  };
  for (const auto& [name, use] : uses) EXPECT_EQ(ErrorOf(use), name + ": a tensor is undefined");
}

TEST(ShapeOps, ForwardMode) {
  const Tensor x = Iota({2, 3}), v = Iota({2, 3}) + 10.0;
  const auto f = [](const std::vector<Tensor>& in) {
    const Tensor& t = in[0];
    return std::vector<Tensor>{Reshape(t, {6}),        Transpose(t),
                               Slice(t, 0, 1),         Select(t, 1, 1),
                               EmbedSlice(t, 0, 4, 1), Contiguous(Transpose(t)),
                               Concat({t, t}, 1),      Concat({Zeros({2, 1}, DType::kF64), t}, 1),
                               Split(t, 1)[1]};
  };
  const auto [outputs, tangents] = Jvp(f, {x}, {v});
  // Linear functions: the tangent of the output is the function of the tangent.
  const std::vector<Tensor> expected = f({v});
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(tangents[i].ToVector<double>(), expected[i].ToVector<double>()) << i;
  }
}

}  // namespace
}  // namespace autograd
