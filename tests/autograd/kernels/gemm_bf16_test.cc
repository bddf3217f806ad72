#include "autograd/kernels/gemm_bf16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/gemm_reference.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Values in [-1, 1) from a small linear congruential generator.
std::vector<float> Floats(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
  }
  return values;
}

std::vector<BFloat16> Rounded(const std::vector<float>& x) {
  std::vector<BFloat16> y;
  for (const float value : x) y.push_back(ToBFloat16(value));
  return y;
}

std::vector<BFloat16> Values(int64_t count, uint32_t seed) { return Rounded(Floats(count, seed)); }

double Double(float x) { return x; }
double Double(BFloat16 x) { return ToFloat(x); }

template <class T>
std::vector<double> Doubles(const std::vector<T>& x) {
  std::vector<double> y;
  for (const T value : x) y.push_back(Double(value));
  return y;
}

// A float rounded to the type of C.
template <class C>
C To(float x) {
  if constexpr (sizeof(C) == sizeof(float)) {
    return x;
  } else {
    return ToBFloat16(x);
  }
}

template <class T>
bool SameBytes(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() &&
         (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

// A matrix in memory: element (i, j) is data[i * row_stride + j * col_stride].
struct Layout {
  int64_t row_stride, col_stride;
};
enum class Order { kRows, kColumns, kApart };
constexpr Order kOrders[] = {Order::kRows, Order::kColumns, Order::kApart};

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

template <class T>
std::vector<T> InOrder(const std::vector<T>& x, int64_t rows, int64_t cols, Layout to) {
  const int64_t extent = rows * to.row_stride + cols * to.col_stride + 1;
  std::vector<T> y(static_cast<size_t>(extent));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      y[static_cast<size_t>(i * to.row_stride + j * to.col_stride)] =
          x[static_cast<size_t>(i * cols + j)];
    }
  }
  return y;
}

struct Shape {
  int64_t m, n, k;
};

std::string Name(const Shape& s) {
  return std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k);
}

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = {
      {1, 1, 1},       {1, 1, 7},      {2, 3, 4},      {3, 17, 5},    {5, 16, 3},    {7, 33, 9},
      {13, 31, 8},     {14, 32, 64},   {15, 32, 17},   {16, 16, 16},  {29, 65, 33},  {64, 64, 64},
      {256, 64, 64},   {256, 3, 64},   {256, 64, 3},   {64, 64, 256}, {2, 64, 256},  {1, 200, 70},
      {200, 1, 70},    {1, 64, 600},   {97, 101, 103}, {40, 500, 50}, {20, 40, 513}, {33, 20, 1100},
      {300, 150, 530}, {20, 1030, 40}, {3, 5, 0}};
  return shapes;
}

// The product with C's rows contiguous, `offset` elements into its memory.
template <class C, class B>
std::vector<C> Product(Shape s, const BFloat16* a, Layout la, const B* b, Layout lb,
                       int64_t offset = 0) {
  std::vector<C> c(static_cast<size_t>(s.m * s.n + offset));
  GemmBf16(s.m, s.n, s.k, a, la.row_stride, la.col_stride, b, lb.row_stride, lb.col_stride, 0.0f,
           c.data() + offset, s.n);
  c.erase(c.begin(), c.begin() + offset);
  return c;
}

// On one thread; GemmBf16Threads compares the others with it. The type is that of C.
template <class C>
class GemmBf16Test : public testing::Test {
 protected:
  void SetUp() override { SetNumThreads(1); }
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};
using Types = testing::Types<float, BFloat16>;
TYPED_TEST_SUITE(GemmBf16Test, Types);

// Every shape and order, with a bound on the rounding error of k products of at most 1 in f32 and
// that of the result; what lies between the rows of C is left alone.
TYPED_TEST(GemmBf16Test, EqualsTheReference) {
  using C = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 1), b = Values(s.k * s.n, 2);
    const int64_t stride = s.n + 5;
    std::vector<C> before;
    for (const float value : Floats(s.m * stride, 3)) before.push_back(To<C>(value));
    const auto a64 = Doubles(a), b64 = Doubles(b);
    for (const float beta : {0.0f, 1.0f, -0.75f}) {
      auto expected = Doubles(before);
      ReferenceGemm(s.m, s.n, s.k, 1.0, a64.data(), s.k, 1, b64.data(), s.n, 1, double{beta},
                    expected.data(), stride);
      for (const Order a_order : kOrders) {
        for (const Order b_order : kOrders) {
          const Layout la = LayoutOf(a_order, s.m, s.k), lb = LayoutOf(b_order, s.k, s.n);
          const auto a2 = InOrder(a, s.m, s.k, la), b2 = InOrder(b, s.k, s.n, lb);
          auto c = before;
          for (int64_t i = 0; beta == 0 && i < s.m * s.n; ++i) {
            c[static_cast<size_t>(i / s.n * stride + i % s.n)] =
                To<C>(std::numeric_limits<float>::quiet_NaN());
          }
          GemmBf16(s.m, s.n, s.k, a2.data(), la.row_stride, la.col_stride, b2.data(), lb.row_stride,
                   lb.col_stride, beta, c.data(), stride);
          for (int64_t i = 0; i < s.m * stride; ++i) {
            const size_t at = static_cast<size_t>(i);
            if (i % stride < s.n) {
              const double bound = 1e-6 * std::sqrt(static_cast<double>(s.k) + 2) +
                                   (sizeof(C) == 2 ? std::abs(expected[at]) / 255 : 0);
              ASSERT_NEAR(Double(c[at]), expected[at], bound)
                  << "at " << i / stride << ", " << i % stride << ", beta " << beta;
            } else {
              ASSERT_EQ(Double(c[at]), Double(before[at])) << "outside of C";
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(GemmBf16Test, StridesAndAlignmentDoNotChangeABit) {
  using C = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 4), b = Values(s.k * s.n, 5);
    const auto expected = Product<C>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
    for (const Order a_order : kOrders) {
      for (const Order b_order : kOrders) {
        const Layout la = LayoutOf(a_order, s.m, s.k), lb = LayoutOf(b_order, s.k, s.n);
        const auto a2 = InOrder(a, s.m, s.k, la), b2 = InOrder(b, s.k, s.n, lb);
        ASSERT_TRUE(SameBytes(expected, Product<C>(s, a2.data(), la, b2.data(), lb)));
      }
    }
    for (int64_t offset = 1; offset < 4; ++offset) {
      std::vector<BFloat16> a2(static_cast<size_t>(offset)), b2(static_cast<size_t>(2 * offset));
      a2.insert(a2.end(), a.begin(), a.end());
      b2.insert(b2.end(), b.begin(), b.end());
      ASSERT_TRUE(SameBytes(expected, Product<C>(s, a2.data() + offset, {s.k, 1},
                                                 b2.data() + 2 * offset, {s.n, 1}, offset)));
    }
  }
}

// A weight in f32 counts as its nearest bf16, NaN and infinity included.
TYPED_TEST(GemmBf16Test, FloatsAreRoundedWhenTheyArePacked) {
  using C = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 6);
    auto b = Floats(s.k * s.n, 7);
    if (!b.empty()) b[b.size() / 2] = std::numeric_limits<float>::infinity();
    for (const Order order : kOrders) {
      const Layout lb = LayoutOf(order, s.k, s.n);
      const auto b2 = InOrder(b, s.k, s.n, lb);
      const auto b3 = Rounded(b2);
      ASSERT_TRUE(SameBytes(Product<C>(s, a.data(), {s.k, 1}, b2.data(), lb),
                            Product<C>(s, a.data(), {s.k, 1}, b3.data(), lb)));
    }
  }
}

TYPED_TEST(GemmBf16Test, ARowDoesNotDependOnTheOthers) {
  using C = TypeParam;
  const Shape s = {37, 45, 700};
  const auto a = Values(s.m * s.k, 8), b = Values(s.k * s.n, 9);
  const auto all = Product<C>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
  for (int64_t i = 0; i < s.m; ++i) {
    const auto row = Product<C>({1, s.n, s.k}, a.data() + i * s.k, {s.k, 1}, b.data(), {s.n, 1});
    ASSERT_TRUE(SameBytes(row, std::vector<C>(all.begin() + i * s.n, all.begin() + (i + 1) * s.n)))
        << "row " << i;
  }
}

TYPED_TEST(GemmBf16Test, InfinityAndNanPropagateAsInTheSum) {
  using C = TypeParam;
  const float inf = std::numeric_limits<float>::infinity();
  const Shape s = {20, 40, 31};
  auto a = Values(s.m * s.k, 10), b = Values(s.k * s.n, 11);
  a[3 * 31 + 4] = ToBFloat16(std::numeric_limits<float>::quiet_NaN());
  a[5 * 31 + 6] = ToBFloat16(inf);
  a[7 * 31 + 30] = ToBFloat16(inf);
  b[30 * 40 + 9] = ToBFloat16(0.0f);
  b[30 * 40 + 10] = ToBFloat16(1.0f);
  const auto c = Product<C>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
  for (size_t j = 0; j < 40; ++j) {
    EXPECT_TRUE(std::isnan(Double(c[3 * 40 + j])));
    EXPECT_TRUE(std::isinf(Double(c[5 * 40 + j])));
    EXPECT_TRUE(std::isfinite(Double(c[4 * 40 + j])));
  }
  EXPECT_TRUE(std::isnan(Double(c[7 * 40 + 9])));
  EXPECT_EQ(Double(c[7 * 40 + 10]), inf);
}

TYPED_TEST(GemmBf16Test, EmptyResultsTouchNothing) {
  TypeParam c = To<TypeParam>(5);
  const BFloat16 x = ToBFloat16(2);
  GemmBf16(0, 1, 1, &x, 1, 1, &x, 1, 1, 0.0f, &c, 1);
  GemmBf16(1, 0, 1, &x, 1, 1, &x, 1, 1, 0.0f, &c, 1);
  EXPECT_EQ(Double(c), 5);
}

// x -> x > 0 ? x : parameter x.
void Leak(const float* x, float* y, int64_t n, float parameter) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : parameter * x[i];
}

// The sum goes through bias and activation in f32 and is rounded once.
TYPED_TEST(GemmBf16Test, TheEpilogueFollowsInF32) {
  using C = TypeParam;
  for (const Shape& s : Shapes()) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 14), b = Values(s.k * s.n, 15);
    const auto bias = Floats(s.n, 16);
    const auto old = Values(s.m * s.n, 17);
    for (const float beta : {0.0f, 1.0f}) {
      std::vector<float> z;
      for (const BFloat16 value : old) z.push_back(ToFloat(value));
      GemmBf16(s.m, s.n, s.k, a.data(), s.k, 1, b.data(), s.n, 1, beta, z.data(), s.n);
      for (size_t i = 0; i < z.size(); ++i) z[i] += bias[i % bias.size()];
      std::vector<float> y(z.size());
      Leak(z.data(), y.data(), s.m * s.n, 0.25f);
      for (const bool keep : {false, true}) {
        const int64_t stride = s.n + 3;
        std::vector<C> c(static_cast<size_t>(s.m * stride)), pre(c.size());
        for (int64_t i = 0; i < s.m * s.n; ++i) {
          c[static_cast<size_t>(i / s.n * stride + i % s.n)] =
              To<C>(ToFloat(old[static_cast<size_t>(i)]));
        }
        GemmBf16Epilogue<C> epilogue;
        epilogue.bias = bias.data();
        epilogue.activation = &Leak;
        epilogue.parameter = 0.25f;
        epilogue.pre_activation = keep ? pre.data() : nullptr;
        epilogue.pre_activation_row_stride = stride;
        GemmBf16(s.m, s.n, s.k, a.data(), s.k, 1, b.data(), s.n, 1, beta, c.data(), stride,
                 epilogue);
        for (int64_t i = 0; i < s.m * s.n; ++i) {
          const size_t at = static_cast<size_t>(i / s.n * stride + i % s.n);
          const size_t from = static_cast<size_t>(i);
          ASSERT_EQ(Double(c[at]), Double(To<C>(y[from])));
          ASSERT_EQ(Double(pre[at]), keep ? Double(To<C>(z[from])) : 0);
        }
      }
    }
  }
}

class GemmBf16Threads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

TEST_F(GemmBf16Threads, TheirNumberDoesNotChangeABit) {
  // Also a C of many rows whose packed B does not hold all of k.
  const Shape shapes[] = {{256, 64, 64},   {300, 150, 530}, {64, 64, 5000},
                          {60, 2000, 90},  {1000, 40, 700}, {1, 3000, 600},
                          {30, 30, 40000}, {9000, 2, 300},  {200, 130, 40000}};
  for (const Shape& s : shapes) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 6), b = Values(s.k * s.n, 7);
    SetNumThreads(1);
    const auto expected = Product<float>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1});
    for (const int threads : {2, 3, 16}) {
      SetNumThreads(threads);
      EXPECT_TRUE(SameBytes(expected, Product<float>(s, a.data(), {s.k, 1}, b.data(), {s.n, 1})))
          << threads << " threads";
    }
  }
}

TEST_F(GemmBf16Threads, DeepProductsEqualTheReference) {
  const Shape shapes[] = {{30, 30, 40000}, {200, 130, 40000}, {5000, 130, 2000}};
  for (const Shape& s : shapes) {
    SCOPED_TRACE(Name(s));
    const auto a = Values(s.m * s.k, 8), b = Values(s.k * s.n, 9);
    const auto c = Product<float>(s, a.data(), {1, s.m}, b.data(), {s.n, 1});
    const auto a64 = Doubles(a), b64 = Doubles(b);
    // Some rows only, as the reference is slow.
    for (const int64_t i : {int64_t{0}, s.m / 2, s.m - 1}) {
      std::vector<double> row(static_cast<size_t>(s.n));
      ReferenceGemm(1, s.n, s.k, 1.0, a64.data() + i, 1, s.m, b64.data(), s.n, 1, 0.0, row.data(),
                    s.n);
      for (int64_t j = 0; j < s.n; ++j) {
        ASSERT_NEAR(Double(c[static_cast<size_t>(i * s.n + j)]), row[static_cast<size_t>(j)],
                    1e-6 * std::sqrt(static_cast<double>(s.k)));
      }
    }
  }
}

TEST_F(GemmBf16Threads, BatchesEqualOneProductAfterTheOther) {
  const Shape shapes[] = {{5, 7, 3}, {196, 196, 8}, {20, 33, 64}};
  for (const Shape& s : shapes) {
    const int64_t batch = 9;
    for (const bool share_a : {false, true}) {
      for (const bool share_b : {false, true}) {
        const int64_t a_batch = share_a ? 0 : s.m * s.k, b_batch = share_b ? 0 : s.k * s.n;
        const auto a = Values(batch * s.m * s.k, 12), b = Values(batch * s.k * s.n, 13);
        std::vector<BFloat16> c(static_cast<size_t>(batch * s.m * s.n)), expected;
        BatchedGemmBf16(batch, s.m, s.n, s.k, a.data(), a_batch, s.k, 1, b.data(), b_batch, s.n, 1,
                        0.0f, c.data(), s.m * s.n, s.n);
        for (int64_t i = 0; i < batch; ++i) {
          const auto one = Product<BFloat16>(s, a.data() + i * a_batch, {s.k, 1},
                                             b.data() + i * b_batch, {s.n, 1});
          expected.insert(expected.end(), one.begin(), one.end());
        }
        ASSERT_TRUE(SameBytes(expected, c)) << s.m << " " << share_a << share_b;
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
