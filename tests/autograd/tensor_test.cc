#include "autograd/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/shape.h"

namespace autograd {
namespace {

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tensor, UndefinedByDefault) {
  const Tensor x;
  EXPECT_FALSE(x.defined());
  EXPECT_FALSE(x.Detach().defined());
  EXPECT_EQ(Describe(x), "undefined");
}

TEST(Tensor, FromVectorCopies) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Tensor x = Tensor::FromVector(values, {2, 3});
  values[0] = 100;
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(x.strides(), (Strides{3, 1}));
  EXPECT_EQ(x.rank(), 2);
  EXPECT_EQ(x.numel(), 6);
  EXPECT_EQ(x.size(-1), 3);
  EXPECT_EQ(x.dtype(), DType::kF32);
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(x.ToVector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ErrorOf([&] {
              Tensor::FromVector(values, {2, 2});
            }),
            "Tensor: 6 values for shape [2, 2]");
  EXPECT_EQ(ErrorOf([&] { (void)x.size(2); }),
            "Tensor::size: axis 2 is out of range for shape [2, 3]");
}

TEST(Tensor, CopyOfAHandleSharesElements) {
  Tensor x = Zeros({2});
  const Tensor y = x;
  x.mutable_data<float>()[1] = 5;
  EXPECT_TRUE(x.IsSame(y));
  EXPECT_EQ(y.ToVector<float>(), (std::vector<float>{0, 5}));
}

TEST(Tensor, BorrowsAUsersBufferWithoutCopying) {
  std::vector<double> mine = {1, 2, 3, 4};
  int released = 0;
  {
    Tensor view;
    {
      Tensor x = Tensor::FromBuffer(mine.data(), {2, 2}, [&] { ++released; });
      EXPECT_EQ(x.data<double>(), mine.data());
      mine[1] = 20;
      EXPECT_EQ(x.at<double>({0, 1}), 20);
      x.mutable_data<double>()[3] = 40;
      EXPECT_EQ(mine[3], 40);
      view = Transpose(x);
    }
    // A view keeps the buffer.
    EXPECT_EQ(released, 0);
    EXPECT_EQ(view.at<double>({1, 0}), 20);
  }
  EXPECT_EQ(released, 1);
  EXPECT_EQ(ErrorOf([] { Tensor::FromBuffer(static_cast<float*>(nullptr), {2}); }),
            "FromBuffer: null data for shape [2]");
  EXPECT_EQ(Tensor::FromBuffer(static_cast<float*>(nullptr), {0, 2}).numel(), 0);
}

TEST(Tensor, SpanSeesElementsInOrder) {
  const Tensor x = Arange(0, 6);
  EXPECT_EQ(x.span<float>().data(), x.data<float>());
  float sum = 0;
  for (const float value : x.span<float>()) sum += value;
  EXPECT_EQ(sum, 15);
  EXPECT_TRUE(Zeros({0}).span<float>().empty());
  const Tensor columns = Transpose(Reshape(x, {2, 3}));
  EXPECT_EQ(ErrorOf([&] { columns.span<float>(); }),
            "span: the tensor [3, 2] f32 with strides [1, 3] is not contiguous");
  EXPECT_EQ(ErrorOf([&] { x.span<double>(); }),
            "the data of a tensor [6] f32 was asked for as f64");
}

TEST(Tensor, At) {
  const Tensor x = Reshape(Arange(0, 6, 1, DType::kI64), {2, 3});
  EXPECT_EQ(x.at<int64_t>({1, 0}), 3);
  EXPECT_EQ(x.at<int64_t>({-1, -1}), 5);
  EXPECT_EQ(Transpose(x).at<int64_t>({2, 0}), 2);
  EXPECT_EQ(Tensor::Scalar(7.f).at<float>({}), 7);
  EXPECT_EQ(ErrorOf([&] {
              x.at<int64_t>({0, 3});
            }),
            "at: index [0, 3] is not in a tensor [2, 3] i64");
  EXPECT_EQ(ErrorOf([&] { x.at<int64_t>({0}); }), "at: index [0] is not in a tensor [2, 3] i64");
  EXPECT_EQ(ErrorOf([&] {
              x.at<int64_t>({-3, 0});
            }),
            "at: index [-3, 0] is not in a tensor [2, 3] i64");
  EXPECT_EQ(ErrorOf([&] {
              x.at<int32_t>({0, 0});
            }),
            "the data of a tensor [2, 3] i64 was asked for as i32");
}

TEST(Tensor, GoesThroughRowsInALoop) {
  const Tensor x = Reshape(Arange(0, 6), {3, 2});
  std::vector<float> sums;
  for (const Tensor& row : Unbind(x)) {
    EXPECT_EQ(row.shape(), Shape{2});
    sums.push_back(row.at<float>({0}) + row.at<float>({1}));
  }
  EXPECT_EQ(sums, (std::vector<float>{1, 5, 9}));
  EXPECT_EQ(Unbind(x, 1)[1].ToVector<float>(), (std::vector<float>{1, 3, 5}));
  EXPECT_TRUE(Unbind(Zeros({0, 2})).empty());
}

TEST(Tensor, ItemOfEveryDType) {
  EXPECT_EQ(Tensor::Scalar(1.5f).item(), 1.5);
  EXPECT_EQ(Full({1, 1}, -2.25, DType::kF64).item<float>(), -2.25f);
  EXPECT_EQ(Full({1}, 3.5, DType::kBF16).item(), 3.5);
  EXPECT_EQ(Tensor::Scalar(int32_t{-7}).item<int>(), -7);
  EXPECT_EQ(Tensor::Scalar(int64_t{1} << 40).item<int64_t>(), int64_t{1} << 40);
  EXPECT_EQ(Tensor::Scalar(uint8_t{200}).item<int>(), 200);
  EXPECT_EQ(Tensor::Scalar(true).item<bool>(), true);
  EXPECT_EQ(ErrorOf([] { Zeros({2}).item(); }), "item: wants a tensor of one element, got [2] f32");
  EXPECT_EQ(ErrorOf([] { Zeros({0}).item(); }), "item: wants a tensor of one element, got [0] f32");
  EXPECT_EQ(ErrorOf([] { Tensor().item(); }), "item: wants a tensor of one element, got undefined");
}

TEST(Tensor, LargeIntegersKeepEveryDigit) {
  const int64_t odd = (int64_t{1} << 53) + 1;
  EXPECT_EQ(Tensor::Scalar(odd).item<int64_t>(), odd);
  EXPECT_EQ(Tensor::Scalar(std::numeric_limits<int64_t>::min()).item<int64_t>(),
            std::numeric_limits<int64_t>::min());
}

TEST(Tensor, BoolVectors) {
  const Tensor x = Full({2, 2}, 1, DType::kBool);
  EXPECT_EQ(x.ToVector<bool>(), (std::vector<bool>{true, true, true, true}));
}

TEST(Tensor, VersionsAreSharedByViews) {
  Tensor x = Zeros({2, 3});
  const Tensor view = Transpose(x), other = Zeros({2, 3});
  const uint32_t before = x.version();
  x.mutable_data<float>()[0] = 1;
  EXPECT_EQ(x.version(), before + 1);
  EXPECT_EQ(view.version(), before + 1);
  FillInPlace(x, 2);
  EXPECT_EQ(view.version(), before + 2);
  EXPECT_EQ(other.version(), Zeros({2, 3}).version());
}

TEST(Tensor, GradientsAreForFloatsAndLeaves) {
  Tensor x = Zeros({2}).set_requires_grad(true);
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(x.grad().defined());
  x.set_grad(Ones({2}));
  EXPECT_EQ(x.grad().ToVector<float>(), (std::vector<float>{1, 1}));
  x.set_grad(Tensor());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(ErrorOf([&] { x.set_grad(Ones({3})); }),
            "set_grad: gradient [3] f32 for a tensor [2] f32");
  EXPECT_EQ(ErrorOf([&] { x.mutable_data<float>(); }),
            "mutable_data: the tensor [2] f32 requires gradients; change it in place only under "
            "NoGrad");
  EXPECT_EQ(ErrorOf([] { Zeros({2}, DType::kI64).set_requires_grad(true); }),
            "set_requires_grad: [2] i64 cannot carry gradients; only f32, f64 and bf16 can");
  Tensor view = Reshape(x, {1, 2});
  EXPECT_FALSE(view.is_leaf());
  EXPECT_EQ(ErrorOf([&] { view.set_requires_grad(false); }),
            "set_requires_grad: the tensor of shape [1, 2] was computed by a recorded operation; "
            "use Detach to get a leaf");
  EXPECT_EQ(ErrorOf([&] { view.RegisterHook([](const Tensor& grad) { return grad; }); }),
            "RegisterHook: the tensor [1, 2] f32 is not a leaf that requires gradients");
  EXPECT_FALSE(view.Detach().requires_grad());
  x.set_requires_grad(false);
  EXPECT_FALSE(x.requires_grad());
}

TEST(Tensor, NoGradRecordsNothing) {
  const Tensor x = Zeros({2}).set_requires_grad(true);
  {
    const NoGrad guard;
    EXPECT_FALSE(Reshape(x, {1, 2}).requires_grad());
  }
  EXPECT_TRUE(Reshape(x, {1, 2}).requires_grad());
}

TEST(Tensor, BadShapes) {
  EXPECT_EQ(ErrorOf([] { Tensor::Empty({2, -1}); }), "Empty: negative size in shape [2, -1]");
  EXPECT_NE(ErrorOf([] { Tensor::Empty({int64_t{1} << 62}); }).find("too many elements"),
            std::string::npos);
}

}  // namespace
TEST(Tensor, AnUndefinedOneSaysSo) {
  const auto refuses = [](const std::function<void(Tensor&)>& use) {
    Tensor tensor;
    try {
      use(tensor);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what()).find("undefined") != std::string::npos;
    }
    return false;
  };
  EXPECT_TRUE(refuses([](Tensor& x) { x.shape(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.strides(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.rank(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.size(0); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.numel(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.dtype(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.is_contiguous(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.data<float>(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.mutable_data<float>(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.span<float>(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.item(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.at<float>({0}); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.ToVector<float>(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.requires_grad(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.set_requires_grad(true); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.is_leaf(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.grad(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.set_grad(Tensor()); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.RegisterHook({}); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.version(); }));
  EXPECT_TRUE(refuses([](Tensor& x) { x.MarkChanged("test"); }));
  EXPECT_FALSE(refuses([](Tensor& x) { x.Detach(); }));
}

}  // namespace autograd
