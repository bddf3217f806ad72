#include "autograd/kernels/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "autograd/kernels/gemm_reference.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Values in [-1, 1) from a small linear congruential generator.
template <class T>
std::vector<T> Values(int64_t count, uint32_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
  }
  return values;
}

// A matrix in memory: element (i, j) is data[i * row_stride + j * col_stride].
struct Layout {
  int64_t row_stride, col_stride;
};
enum class Order { kRows, kColumns, kApart };

Layout LayoutOf(Order order, int64_t rows, int64_t cols) {
  switch (order) {
    case Order::kRows:
      return {cols + 3, 1};
    case Order::kColumns:
      return {1, rows + 2};
    case Order::kApart:
      return {2 * cols + 1, 2};
  }
  return {};
}

int64_t Extent(Layout layout, int64_t rows, int64_t cols) {
  return rows * layout.row_stride + cols * layout.col_stride + 1;
}

struct Shape {
  int64_t m, n, k;
};

template <class T>
std::vector<T> InOrder(const std::vector<T>& x, int64_t rows, int64_t cols, Layout to) {
  std::vector<T> y(static_cast<size_t>(Extent(to, rows, cols)));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      y[static_cast<size_t>(i * to.row_stride + j * to.col_stride)] =
          x[static_cast<size_t>(i * cols + j)];
    }
  }
  return y;
}

// Compares every order of A and B with the reference, with a bound on the rounding error of k
// products of at most 1, and checks that what lies between the rows of C is left alone.
template <class T>
void Check(Shape s, T alpha, T beta) {
  SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k) +
               " alpha " + std::to_string(alpha) + " beta " + std::to_string(beta));
  const auto a = Values<T>(s.m * s.k, 1), b = Values<T>(s.k * s.n, 2);
  const int64_t c_stride = s.n + 5;
  const auto before = Values<T>(s.m * c_stride, 3);
  auto expected = before;
  ReferenceGemm(s.m, s.n, s.k, alpha, a.data(), s.k, 1, b.data(), s.n, 1, beta, expected.data(),
                c_stride);
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  const double bound = epsilon * 8 * std::sqrt(static_cast<double>(s.k) + 2) *
                       (std::abs(static_cast<double>(alpha)) + std::abs(static_cast<double>(beta)));
  for (Order a_order : {Order::kRows, Order::kColumns, Order::kApart}) {
    for (Order b_order : {Order::kRows, Order::kColumns, Order::kApart}) {
      const Layout la = LayoutOf(a_order, s.m, s.k), lb = LayoutOf(b_order, s.k, s.n);
      const auto a2 = InOrder(a, s.m, s.k, la), b2 = InOrder(b, s.k, s.n, lb);
      auto c = before;
      for (int64_t i = 0; beta == T(0) && i < s.m; ++i) {
        for (int64_t j = 0; j < s.n; ++j) {
          c[static_cast<size_t>(i * c_stride + j)] = std::numeric_limits<T>::quiet_NaN();
        }
      }
      Gemm(s.m, s.n, s.k, alpha, a2.data(), la.row_stride, la.col_stride, b2.data(), lb.row_stride,
           lb.col_stride, beta, c.data(), c_stride);
      for (int64_t i = 0; i < s.m * c_stride; ++i) {
        const size_t at = static_cast<size_t>(i);
        if (i % c_stride < s.n) {
          ASSERT_NEAR(static_cast<double>(c[at]), static_cast<double>(expected[at]), bound)
              << "at " << i / c_stride << ", " << i % c_stride;
        } else {
          ASSERT_EQ(c[at], before[at]) << "outside of C";
        }
      }
    }
  }
}

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = {
      {1, 1, 1},     {1, 1, 7},     {2, 3, 4},      {3, 17, 5},      {5, 16, 3},    {7, 33, 9},
      {13, 31, 8},   {14, 32, 64},  {15, 32, 17},   {16, 16, 16},    {29, 65, 33},  {64, 64, 64},
      {256, 64, 64}, {256, 3, 64},  {256, 64, 3},   {256, 64, 2},    {256, 2, 64},  {64, 64, 256},
      {64, 3, 256},  {2, 64, 256},  {1, 200, 70},   {200, 1, 70},    {1, 64, 600},  {97, 101, 103},
      {40, 500, 50}, {20, 40, 513}, {33, 20, 1100}, {300, 150, 530}, {60, 700, 90}, {3, 5, 0}};
  return shapes;
}

// On one thread; GemmThreads compares the others with it.
template <class T>
class GemmTest : public testing::Test {
 protected:
  void SetUp() override { SetNumThreads(1); }
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmTest, Types);

TYPED_TEST(GemmTest, EqualsTheReferenceForEveryShapeAndOrder) {
  for (const Shape& s : Shapes()) Check<TypeParam>(s, TypeParam(1), TypeParam(0));
}

TYPED_TEST(GemmTest, ScalesAndAdds) {
  for (const Shape& s : Shapes()) {
    Check<TypeParam>(s, TypeParam(1), TypeParam(1));
    Check<TypeParam>(s, TypeParam(2), TypeParam(-0.75));
  }
}

TYPED_TEST(GemmTest, EmptyResultsTouchNothing) {
  using T = TypeParam;
  T c = 5;
  Gemm(0, 1, 1, T(1), &c, 1, 1, &c, 1, 1, T(0), &c, 1);
  Gemm(1, 0, 1, T(1), &c, 1, 1, &c, 1, 1, T(0), &c, 1);
  EXPECT_EQ(c, T(5));
}

// The bytes of a product with C's rows contiguous.
template <class T>
std::vector<T> Product(Shape s, const T* a, Layout la, const T* b, Layout lb, int64_t offset = 0) {
  std::vector<T> c(static_cast<size_t>(s.m * s.n + offset));
  Gemm(s.m, s.n, s.k, T(1), a, la.row_stride, la.col_stride, b, lb.row_stride, lb.col_stride, T(0),
       c.data() + offset, s.n);
  c.erase(c.begin(), c.begin() + offset);
  return c;
}

template <class T>
bool SameBytes(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

TYPED_TEST(GemmTest, StridesAndAlignmentDoNotChangeABit) {
  using T = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k));
    const auto a = Values<T>(s.m * s.k, 4), b = Values<T>(s.k * s.n, 5);
    const auto expected = Product<T>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
    for (Order a_order : {Order::kRows, Order::kColumns, Order::kApart}) {
      for (Order b_order : {Order::kRows, Order::kColumns, Order::kApart}) {
        const Layout la = LayoutOf(a_order, s.m, s.k), lb = LayoutOf(b_order, s.k, s.n);
        const auto a2 = InOrder(a, s.m, s.k, la), b2 = InOrder(b, s.k, s.n, lb);
        ASSERT_TRUE(SameBytes(expected, Product<T>(s, a2.data(), la, b2.data(), lb)));
      }
    }
    for (int64_t offset = 1; offset < 4; ++offset) {
      std::vector<T> a2(static_cast<size_t>(offset)), b2(static_cast<size_t>(2 * offset));
      a2.insert(a2.end(), a.begin(), a.end());
      b2.insert(b2.end(), b.begin(), b.end());
      ASSERT_TRUE(SameBytes(expected, Product<T>(s, a2.data() + offset, {s.k, 1},
                                                 b2.data() + 2 * offset, {s.n, 1}, offset)));
    }
  }
}

class GemmThreads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

TEST_F(GemmThreads, TheirNumberDoesNotChangeABit) {
  const Shape shapes[] = {{256, 64, 64},   {300, 150, 530}, {64, 64, 5000},  {60, 2000, 90},
                          {1000, 40, 700}, {1, 3000, 600},  {30, 30, 40000}, {9000, 2, 300}};
  for (const Shape& s : shapes) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k));
    const auto a = Values<float>(s.m * s.k, 6), b = Values<float>(s.k * s.n, 7);
    SetNumThreads(1);
    const auto expected = Product<float>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
    for (int threads : {2, 3, 16}) {
      SetNumThreads(threads);
      EXPECT_TRUE(SameBytes(expected, Product<float>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1})))
          << threads << " threads";
    }
  }
}

TYPED_TEST(GemmTest, ARowDoesNotDependOnTheOthers) {
  using T = TypeParam;
  const Shape s = {37, 45, 700};
  const auto a = Values<T>(s.m * s.k, 8), b = Values<T>(s.k * s.n, 9);
  const auto all = Product<T>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
  for (int64_t i = 0; i < s.m; ++i) {
    const auto row = Product<T>({1, s.n, s.k}, a.data() + i * s.k, {s.k, 1}, b.data(), {s.n, 1});
    ASSERT_TRUE(SameBytes(row, std::vector<T>(all.begin() + i * s.n, all.begin() + (i + 1) * s.n)))
        << "row " << i;
  }
}

TYPED_TEST(GemmTest, InfinityAndNanPropagateAsInTheSum) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const Shape s = {20, 40, 30};
  auto a = Values<T>(s.m * s.k, 10), b = Values<T>(s.k * s.n, 11);
  a[3 * 30 + 4] = nan;
  a[5 * 30 + 6] = inf;
  a[7 * 30 + 8] = inf;
  b[8 * 40 + 9] = 0;
  b[8 * 40 + 10] = 1;
  const auto c = Product<T>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
  for (size_t j = 0; j < 40; ++j) {
    EXPECT_TRUE(std::isnan(c[3 * 40 + j]));
    EXPECT_TRUE(std::isinf(c[5 * 40 + j]));
    EXPECT_TRUE(std::isfinite(c[4 * 40 + j]));
  }
  EXPECT_TRUE(std::isnan(c[7 * 40 + 9]));
  EXPECT_EQ(c[7 * 40 + 10], inf);
}

// x -> x > 0 ? x : parameter x.
template <class T>
void Leak(const T* x, T* y, int64_t n, T parameter) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] > T(0) ? x[i] : parameter * x[i];
}

TYPED_TEST(GemmTest, TheEpilogueDoesWhatFollowsTheProduct) {
  using T = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k));
    const auto a = Values<T>(s.m * s.k, 14), b = Values<T>(s.k * s.n, 15),
               bias = Values<T>(s.n, 16);
    const auto old = Values<T>(s.m * s.n, 17);
    for (const T beta : {T(0), T(1)}) {
      auto z = old;
      Gemm(s.m, s.n, s.k, T(1), a.data(), s.k, 1, b.data(), s.n, 1, beta, z.data(), s.n);
      for (size_t i = 0; i < z.size(); ++i) z[i] += bias[i % bias.size()];
      std::vector<T> y(z.size());
      Leak(z.data(), y.data(), s.m * s.n, T(0.25));

      for (const bool keep : {false, true}) {
        for (const int64_t gap : {0, 3}) {
          const int64_t stride = s.n + gap;
          std::vector<T> c(static_cast<size_t>(s.m * stride)), pre(c.size());
          for (int64_t i = 0; i < s.m * s.n; ++i) {
            c[static_cast<size_t>(i / s.n * stride + i % s.n)] = old[static_cast<size_t>(i)];
          }
          GemmEpilogue<T> epilogue;
          epilogue.bias = bias.data();
          epilogue.activation = &Leak<T>;
          epilogue.parameter = T(0.25);
          epilogue.pre_activation = keep ? pre.data() : nullptr;
          epilogue.pre_activation_row_stride = stride;
          Gemm(s.m, s.n, s.k, T(1), a.data(), s.k, 1, b.data(), s.n, 1, beta, c.data(), stride,
               epilogue);
          for (int64_t i = 0; i < s.m * s.n; ++i) {
            const size_t at = static_cast<size_t>(i / s.n * stride + i % s.n);
            ASSERT_EQ(c[at], y[static_cast<size_t>(i)]);
            ASSERT_EQ(pre[at], keep ? z[static_cast<size_t>(i)] : T(0));
          }
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, BatchesEqualOneProductAfterTheOther) {
  using T = TypeParam;
  const Shape shapes[] = {{5, 7, 3}, {196, 196, 8}, {20, 33, 64}};
  for (const Shape& s : shapes) {
    const int64_t batch = 9;
    for (const bool share_a : {false, true}) {
      for (const bool share_b : {false, true}) {
        const int64_t a_batch = share_a ? 0 : s.m * s.k, b_batch = share_b ? 0 : s.k * s.n;
        const auto a = Values<T>(batch * s.m * s.k, 12), b = Values<T>(batch * s.k * s.n, 13);
        std::vector<T> c(static_cast<size_t>(batch * s.m * s.n)), expected;
        BatchedGemm(batch, s.m, s.n, s.k, T(1), a.data(), a_batch, s.k, 1, b.data(), b_batch, s.n,
                    1, T(0), c.data(), s.m * s.n, s.n);
        for (int64_t i = 0; i < batch; ++i) {
          const auto one =
              Product<T>(s, a.data() + i * a_batch, {s.k, 1}, b.data() + i * b_batch, {s.n, 1});
          expected.insert(expected.end(), one.begin(), one.end());
        }
        ASSERT_TRUE(SameBytes(expected, c)) << s.m << " " << share_a << share_b;
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
