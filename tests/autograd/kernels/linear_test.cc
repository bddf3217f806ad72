#include "autograd/kernels/linear.h"

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

template <class T>
std::vector<T> Values(int64_t count, uint32_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
  }
  return values;
}

// Every path of LinearBackward: few rows, many rows, large weights; and odd sizes.
const LinearSize kSizes[] = {{1, 1, 1},       {5, 3, 2},       {256, 3, 64},   {256, 64, 64},
                             {256, 64, 2},    {33, 17, 19},    {1300, 33, 20}, {2000, 64, 64},
                             {300, 200, 300}, {700, 150, 130}, {0, 3, 4},      {4, 0, 3},
                             {4, 3, 0},       {4, 0, 0}};

std::string Name(const LinearSize& s) {
  return std::to_string(s.rows) + " rows, " + std::to_string(s.in) + " in, " +
         std::to_string(s.out) + " out";
}

template <class T>
struct Problem {
  explicit Problem(const LinearSize& s)
      : size(s),
        x(Values<T>(s.rows * s.in, 1)),
        w(Values<T>(s.in * s.out, 2)),
        b(Values<T>(s.out, 3)),
        dy(Values<T>(s.rows * s.out, 4)) {}

  LinearSize size;
  std::vector<T> x, w, b, dy;
};

template <class T>
void ExpectNear(const std::vector<T>& value, const std::vector<T>& expected, double bound) {
  ASSERT_EQ(value.size(), expected.size());
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(value[i]), static_cast<double>(expected[i]), bound) << i;
  }
}

// Rounding of a sum of `terms` products of at most about 1.
template <class T>
double Bound(int64_t terms) {
  return 64 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
         std::sqrt(static_cast<double>(terms) + 4);
}

// On one thread; LinearThreads compares the others with it.
template <class T>
class LinearTest : public testing::Test {
 protected:
  void SetUp() override { SetNumThreads(1); }
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(LinearTest, Types);

TYPED_TEST(LinearTest, ForwardIsTheProductThenTheActivation) {
  using T = TypeParam;
  for (const LinearSize& s : kSizes) {
    SCOPED_TRACE(Name(s));
    const Problem<T> p(s);
    std::vector<T> z(static_cast<size_t>(s.rows * s.out)), y(z.size()), pre(z.size());
    for (size_t i = 0; i < z.size(); ++i) z[i] = p.b[i % p.b.size()];
    ReferenceGemm(s.rows, s.out, s.in, T(1), p.x.data(), s.in, 1, p.w.data(), 1, s.in, T(1),
                  z.data(), s.out);
    const auto elu = LinearActivation<T>::Of(UnaryOp::kElu, T(1));
    LinearForward(s, p.x.data(), p.w.data(), p.b.data(), elu, y.data(), pre.data());
    ExpectNear(pre, z, Bound<T>(s.in));
    elu.forward(pre.data(), pre.data(), s.rows * s.out, elu.parameter);
    EXPECT_EQ(pre, y);
    LinearForward(s, p.x.data(), p.w.data(), p.b.data(), {}, y.data(), nullptr);
    ExpectNear(y, z, Bound<T>(s.in));
  }
}

TYPED_TEST(LinearTest, BackwardIsThreeProductsOfTheActivationsGradient) {
  using T = TypeParam;
  for (const LinearSize& s : kSizes) {
    for (const bool activated : {false, true}) {
      SCOPED_TRACE(Name(s) + (activated ? ", silu" : ""));
      const Problem<T> p(s);
      const auto pre = Values<T>(s.rows * s.out, 5);
      const auto activation =
          activated ? LinearActivation<T>::Of(UnaryOp::kSilu) : LinearActivation<T>();
      auto dz = p.dy;
      if (activated) {
        activation.backward(p.dy.data(), pre.data(), dz.data(), s.rows * s.out, T(0));
      }
      std::vector<T> dx(p.x.size()), dw(p.w.size()), db(p.b.size());
      ReferenceGemm(s.rows, s.in, s.out, T(1), dz.data(), s.out, 1, p.w.data(), s.in, 1, T(0),
                    dx.data(), s.in);
      ReferenceGemm(s.out, s.in, s.rows, T(1), dz.data(), 1, s.out, p.x.data(), s.in, 1, T(0),
                    dw.data(), s.in);
      const std::vector<T> ones(static_cast<size_t>(s.rows), T(1));
      ReferenceGemm(s.out, 1, s.rows, T(1), dz.data(), 1, s.out, ones.data(), 1, 1, T(0), db.data(),
                    1);
      std::vector<T> dx2(dx.size(), T(9)), dw2(dw.size(), T(9)), db2(db.size(), T(9));
      LinearBackward(s, p.x.data(), p.w.data(), activation, pre.data(), p.dy.data(), dx2.data(),
                     dw2.data(), db2.data());
      ExpectNear(dx2, dx, Bound<T>(s.out));
      ExpectNear(dw2, dw, Bound<T>(s.rows));
      ExpectNear(db2, db, Bound<T>(s.rows));
    }
  }
}

TYPED_TEST(LinearTest, WhatIsNotWantedIsNotComputed) {
  using T = TypeParam;
  for (const LinearSize& s : kSizes) {
    SCOPED_TRACE(Name(s));
    const Problem<T> p(s);
    const auto relu = LinearActivation<T>::Of(UnaryOp::kRelu);
    const auto y = Values<T>(s.rows * s.out, 6);
    const auto run = [&](T* dx, T* dw, T* db) {
      LinearBackward(s, p.x.data(), p.w.data(), relu, y.data(), p.dy.data(), dx, dw, db);
    };
    std::vector<T> dx(p.x.size()), dw(p.w.size()), db(p.b.size());
    run(dx.data(), dw.data(), db.data());
    for (int wanted = 0; wanted < 8; ++wanted) {
      std::vector<T> dx2(dx.size()), dw2(dw.size()), db2(db.size());
      run((wanted & 1) != 0 ? dx2.data() : nullptr, (wanted & 2) != 0 ? dw2.data() : nullptr,
          (wanted & 4) != 0 ? db2.data() : nullptr);
      EXPECT_EQ(dx2, (wanted & 1) != 0 ? dx : std::vector<T>(dx.size()));
      EXPECT_EQ(dw2, (wanted & 2) != 0 ? dw : std::vector<T>(dw.size()));
      EXPECT_EQ(db2, (wanted & 4) != 0 ? db : std::vector<T>(db.size()));
    }
  }
}

template <class T>
bool SameBytes(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() &&
         (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

class LinearThreads : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

TEST_F(LinearThreads, NeitherTheirNumberNorAlignmentChangesABit) {
  for (const LinearSize& s : kSizes) {
    SCOPED_TRACE(Name(s));
    const Problem<float> p(s);
    const auto elu = LinearActivation<float>::Of(UnaryOp::kElu, 1.0f);
    std::vector<float> y, dx, dw, db;
    for (const int threads : {1, 2, 3, 16}) {
      SetNumThreads(threads);
      // Arrays that start `threads` elements into their memory.
      const auto shifted = [threads](const std::vector<float>& v) {
        std::vector<float> copy(static_cast<size_t>(threads));
        copy.insert(copy.end(), v.begin(), v.end());
        return copy;
      };
      const auto x2 = shifted(p.x), w2 = shifted(p.w), b2 = shifted(p.b), dy2 = shifted(p.dy);
      auto y2 = shifted(p.dy), dx2 = shifted(p.x), dw2 = shifted(p.w), db2 = shifted(p.b);
      LinearForward(s, x2.data() + threads, w2.data() + threads, b2.data() + threads, elu,
                    y2.data() + threads, nullptr);
      LinearBackward(s, x2.data() + threads, w2.data() + threads, elu, y2.data() + threads,
                     dy2.data() + threads, dx2.data() + threads, dw2.data() + threads,
                     db2.data() + threads);
      for (auto* v : {&y2, &dx2, &dw2, &db2}) v->erase(v->begin(), v->begin() + threads);
      if (threads == 1) {
        y = y2;
        dx = dx2;
        dw = dw2;
        db = db2;
      }
      EXPECT_TRUE(SameBytes(y, y2)) << threads;
      EXPECT_TRUE(SameBytes(dx, dx2)) << threads;
      EXPECT_TRUE(SameBytes(dw, dw2)) << threads;
      EXPECT_TRUE(SameBytes(db, db2)) << threads;
    }
  }
}

std::vector<BFloat16> Rounded(const std::vector<float>& x) {
  std::vector<BFloat16> y;
  for (const float value : x) y.push_back(ToBFloat16(value));
  return y;
}

std::vector<float> Widened(const std::vector<BFloat16>& x) {
  std::vector<float> y;
  for (const BFloat16 value : x) y.push_back(ToFloat(value));
  return y;
}

// Within `bound` or a rounding to bf16.
void ExpectNearBf16(const std::vector<BFloat16>& value, const std::vector<float>& expected,
                    double bound) {
  ASSERT_EQ(value.size(), expected.size());
  for (size_t i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(ToFloat(value[i]), expected[i], bound + std::abs(expected[i]) / 250) << i;
  }
}

// The same layer in f32 at the rounded operands is the oracle.
class LinearBf16 : public LinearThreads {
 protected:
  struct Rounding {
    explicit Rounding(const LinearSize& s)
        : x(Rounded(Values<float>(s.rows * s.in, 1))),
          dy(Rounded(Values<float>(s.rows * s.out, 4))),
          saved(Rounded(Values<float>(s.rows * s.out, 5))),
          w(Values<float>(s.in * s.out, 2)),
          b(Values<float>(s.out, 3)),
          rounded_w(Widened(Rounded(w))) {}
    std::vector<BFloat16> x, dy, saved;
    std::vector<float> w, b, rounded_w;
  };
};

TEST_F(LinearBf16, ForwardIsThatInF32Rounded) {
  for (const LinearSize& s : kSizes) {
    SCOPED_TRACE(Name(s));
    const Rounding p(s);
    const auto x = Widened(p.x);
    const auto silu = LinearActivation<float>::Of(UnaryOp::kSilu);
    std::vector<float> y(p.dy.size()), pre(y.size());
    std::vector<BFloat16> y2(y.size()), pre2(y.size());
    LinearForward(s, x.data(), p.rounded_w.data(), p.b.data(), silu, y.data(), pre.data());
    LinearForward(s, p.x.data(), p.w.data(), p.b.data(), silu, y2.data(), pre2.data());
    ExpectNearBf16(y2, y, Bound<float>(s.in));
    ExpectNearBf16(pre2, pre, Bound<float>(s.in));
    LinearForward(s, p.x.data(), p.w.data(), p.b.data(), {}, y2.data(), nullptr);
    EXPECT_TRUE(SameBytes(y2, pre2));
  }
}

TEST_F(LinearBf16, BackwardIsThatInF32OfTheRoundedGradient) {
  for (const LinearSize& s : kSizes) {
    for (const bool activated : {false, true}) {
      SCOPED_TRACE(Name(s) + (activated ? ", silu" : ""));
      const Rounding p(s);
      const auto x = Widened(p.x), saved = Widened(p.saved);
      const auto silu =
          activated ? LinearActivation<float>::Of(UnaryOp::kSilu) : LinearActivation<float>();
      auto dz = Widened(p.dy);
      if (activated) {
        silu.backward(dz.data(), saved.data(), dz.data(), s.rows * s.out, 0.0f);
        dz = Widened(Rounded(dz));
      }
      std::vector<float> dx(x.size()), dw(p.w.size()), db(p.b.size());
      LinearBackward(s, x.data(), p.rounded_w.data(), LinearActivation<float>(), nullptr, dz.data(),
                     dx.data(), dw.data(), db.data());
      std::vector<BFloat16> dx2(dx.size());
      std::vector<float> dw2(dw.size(), 9.0f), db2(db.size(), 9.0f);
      LinearBackward(s, p.x.data(), p.w.data(), silu, p.saved.data(), p.dy.data(), dx2.data(),
                     dw2.data(), db2.data());
      ExpectNearBf16(dx2, dx, Bound<float>(s.out));
      ExpectNear(dw2, dw, Bound<float>(s.rows));
      ExpectNear(db2, db, Bound<float>(s.rows));
      // What is not wanted is not computed, and the rest is the same.
      std::vector<float> dw3(dw.size());
      LinearBackward(s, p.x.data(), p.w.data(), silu, p.saved.data(), p.dy.data(), nullptr,
                     dw3.data(), nullptr);
      EXPECT_TRUE(SameBytes(dw2, dw3));
    }
  }
}

TEST_F(LinearBf16, TheNumberOfThreadsDoesNotChangeABit) {
  for (const LinearSize& s : kSizes) {
    SCOPED_TRACE(Name(s));
    const Rounding p(s);
    const auto silu = LinearActivation<float>::Of(UnaryOp::kSilu);
    std::vector<BFloat16> y(p.dy.size()), dx(p.x.size());
    std::vector<float> dw(p.w.size()), db(p.b.size());
    for (const int threads : {1, 2, 3, 16}) {
      SetNumThreads(threads);
      auto y2 = y, dx2 = dx;
      auto dw2 = dw, db2 = db;
      LinearForward(s, p.x.data(), p.w.data(), p.b.data(), silu, y2.data(), nullptr);
      LinearBackward(s, p.x.data(), p.w.data(), silu, p.saved.data(), p.dy.data(), dx2.data(),
                     dw2.data(), db2.data());
      if (threads == 1) {
        y = y2;
        dx = dx2;
        dw = dw2;
        db = db2;
      }
      EXPECT_TRUE(SameBytes(y, y2)) << threads;
      EXPECT_TRUE(SameBytes(dx, dx2)) << threads;
      EXPECT_TRUE(SameBytes(dw, dw2)) << threads;
      EXPECT_TRUE(SameBytes(db, db2)) << threads;
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
