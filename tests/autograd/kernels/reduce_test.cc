// The reductions against sums in long double.
#include "autograd/kernels/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace autograd::kernels {
namespace {

// Lengths around every boundary of the vector code, and some long ones.
std::vector<int64_t> Lengths() {
  std::vector<int64_t> lengths;
  for (int64_t n = 0; n <= 70; ++n) lengths.push_back(n);
  for (int64_t n : {127, 128, 500, 511, 513, 1023, 1024, 1025, 4097, 100003}) lengths.push_back(n);
  return lengths;
}

template <class T>
std::vector<T> Normals(int64_t n, unsigned seed, double mean = 0.3) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(mean, 1);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = static_cast<T>(normal(random));
  return x;
}

template <class T>
constexpr double kSumError = sizeof(T) == 4 ? 0x1p-19 : 0x1p-48;

template <class T>
class ReduceTest : public ::testing::Test {
 protected:
  const ReduceKernels<T>& k = GetReduce<T>();
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ReduceTest, Types);

TYPED_TEST(ReduceTest, SumsWithinTheirBound) {
  using T = TypeParam;
  for (int64_t n : Lengths()) {
    const std::vector<T> x = Normals<T>(n, 1), y = Normals<T>(n, 2);
    long double sum = 0, squares = 0, sizes = 0, dot = 0, dot_sizes = 0, difference = 0, exp = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const long double a = x[i], b = y[i];
      sum += a;
      sizes += std::abs(a);
      squares += a * a;
      dot += a * b;
      dot_sizes += std::abs(a * b);
      difference += (a - b) * (a - b);
      exp += std::exp(a - 1);
    }
    auto expect = [&](double got, long double want, long double size) {
      EXPECT_LE(std::abs(static_cast<long double>(got) - want), kSumError<T> * size) << n;
    };
    const T *p = x.data(), *q = y.data();
    expect(this->k.sum(p, n), sum, sizes);
    expect(this->k.sum_squares(p, n), squares, squares);
    expect(this->k.sum_abs(p, n), sizes, sizes);
    expect(this->k.dot(p, q, n), dot, dot_sizes);
    expect(this->k.squared_difference(p, q, n), difference, difference);
    expect(this->k.sum_exp(p, n, T(1)), exp, exp);
  }
}

// A naive f32 sum of 2^24 + ones stays at 2^24; many blocks that cancel lose nothing.
TYPED_TEST(ReduceTest, LongSumsDoNotDegrade) {
  using T = TypeParam;
  std::vector<T> x(1 << 20, T(0.1));
  const double tenth = static_cast<double>(T(0.1));
  EXPECT_NEAR(this->k.sum(x.data(), 1 << 20), tenth * (1 << 20), kSumError<T> * tenth * (1 << 20));
  x[0] = T(1e30);
  x.back() = T(-1e30);
  const double sum = this->k.sum(x.data(), 1 << 20);
  EXPECT_NEAR(sum, tenth * (1 << 20), 0.01 * tenth * (1 << 20));
}

TYPED_TEST(ReduceTest, InfinityAndNan) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity();
  for (int64_t n : {1, 7, 100, 5000}) {
    std::vector<T> x(static_cast<size_t>(n), T(1));
    x[static_cast<size_t>(n / 2)] = inf;
    EXPECT_EQ(this->k.sum(x.data(), n), inf);
    EXPECT_EQ(this->k.max(x.data(), n), inf);
    x[static_cast<size_t>(n / 2)] = std::nan("");
    EXPECT_TRUE(std::isnan(this->k.sum(x.data(), n)));
    EXPECT_TRUE(std::isnan(this->k.max(x.data(), n)));
    EXPECT_TRUE(std::isnan(this->k.min(x.data(), n)));
    EXPECT_EQ(this->k.argmax(x.data(), n), n / 2);
    EXPECT_EQ(this->k.argmin(x.data(), n), n / 2);
    std::fill(x.begin(), x.end(), -inf);
    EXPECT_EQ(this->k.max(x.data(), n), -inf);
    EXPECT_EQ(this->k.argmax(x.data(), n), 0);
  }
}

TYPED_TEST(ReduceTest, Extrema) {
  using T = TypeParam;
  for (int64_t n : Lengths()) {
    if (n == 0) continue;
    // Of few different values, so that the first of several has to be found; all of one sign, so
    // that padding would show.
    for (T offset : {T(-100), T(0), T(100)}) {
      std::vector<T> x = Normals<T>(n, static_cast<unsigned>(n), 0);
      for (T& v : x) v = std::round(v * 4) + offset;
      const auto max = std::max_element(x.begin(), x.end());
      const auto min = std::min_element(x.begin(), x.end());
      EXPECT_EQ(this->k.max(x.data(), n), *max);
      EXPECT_EQ(this->k.min(x.data(), n), *min);
      EXPECT_EQ(this->k.argmax(x.data(), n), max - x.begin());
      EXPECT_EQ(this->k.argmin(x.data(), n), min - x.begin());
    }
  }
}

TYPED_TEST(ReduceTest, MeanAndVariance) {
  using T = TypeParam;
  for (double centre : {0.0, 1e4}) {
    for (int64_t n : Lengths()) {
      if (n == 0) continue;
      const std::vector<T> x = Normals<T>(n, 3, centre);
      long double mean = 0, m2 = 0, size = 0;
      for (T v : x) mean += v, size += std::abs(v);
      mean /= static_cast<long double>(n);
      for (T v : x) m2 += (v - mean) * (v - mean);
      double got_mean = 0, got_m2 = 0;
      this->k.mean_m2(x.data(), n, &got_mean, &got_m2);
      EXPECT_NEAR(got_mean, static_cast<double>(mean),
                  kSumError<T> * static_cast<double>(size) / static_cast<double>(n));
      const double spread = static_cast<double>(m2) + 1e-12 * centre * centre;
      EXPECT_NEAR(got_m2, static_cast<double>(m2), 4 * kSumError<T> * spread) << n << " " << centre;
    }
  }
  const std::vector<T> equal(1000, T(1e6 + 0.0625));
  double mean = 0, m2 = 1;
  this->k.mean_m2(equal.data(), 1000, &mean, &m2);
  EXPECT_EQ(m2, 0);
}

TYPED_TEST(ReduceTest, Columns) {
  using T = TypeParam;
  for (int64_t rows : {0, 1, 15, 16, 17, 100}) {
    for (int64_t columns : {1, 3, 8, 15, 16, 33, 64, 70, 129, 600}) {
      const int64_t stride = columns + 3;
      const std::vector<T> x = Normals<T>(rows * stride, 4), z = Normals<T>(rows * stride, 5);
      const size_t size = static_cast<size_t>(columns);
      std::vector<T> sum(size + 1, T(7));
      std::vector<double> partial(size + 1, 7), dot(size + 1, 7);
      this->k.column_sum(x.data(), rows, columns, stride, sum.data());
      this->k.column_sum_partial(x.data(), rows, columns, stride, partial.data());
      this->k.column_dot_partial(x.data(), z.data(), rows, columns, stride, stride, dot.data());
      EXPECT_EQ(sum[size], T(7));
      EXPECT_EQ(partial[size], 7);
      EXPECT_EQ(dot[size], 7);
      for (size_t j = 0; j < size; ++j) {
        long double want = 0, want_dot = 0, sizes = 0;
        for (size_t i = 0; i < static_cast<size_t>(rows); ++i) {
          const long double a = x[i * static_cast<size_t>(stride) + j];
          const long double b = z[i * static_cast<size_t>(stride) + j];
          want += a, want_dot += a * b, sizes += std::abs(a) * (1 + std::abs(b));
        }
        const double allowed = kSumError<T> * static_cast<double>(sizes);
        EXPECT_NEAR(partial[j], static_cast<double>(want), allowed);
        EXPECT_NEAR(sum[j], static_cast<double>(want), allowed);
        EXPECT_NEAR(dot[j], static_cast<double>(want_dot), allowed);
      }
    }
  }
}

template <class T>
std::vector<long double> ExactSoftmax(const T* x, int64_t n, std::vector<long double>* log) {
  std::vector<long double> y(x, x + n);
  const long double max = *std::max_element(y.begin(), y.end());
  long double sum = 0;
  for (long double& v : y) sum += std::exp(v - max);
  log->clear();
  for (long double& v : y) {
    log->push_back(v - max - std::log(sum));
    v = std::exp(log->back());
  }
  return y;
}

TYPED_TEST(ReduceTest, Softmax) {
  using T = TypeParam;
  constexpr double kEps = std::numeric_limits<T>::epsilon();
  for (int64_t columns : {1, 2, 10, 16, 17, 100, 1000}) {
    const int64_t rows = 3;
    std::vector<T> x = Normals<T>(rows * columns, 6), dy = Normals<T>(rows * columns, 7);
    for (T& v : x) v *= 10;
    std::vector<T> y(x.size()), log(x.size()), dx(x.size()), dlog(x.size()), in_place = x;
    this->k.softmax(x.data(), y.data(), rows, columns);
    this->k.softmax(in_place.data(), in_place.data(), rows, columns);
    EXPECT_EQ(in_place, y);
    this->k.log_softmax(x.data(), log.data(), rows, columns);
    this->k.softmax_grad(dy.data(), y.data(), dx.data(), rows, columns);
    this->k.log_softmax_grad(dy.data(), log.data(), dlog.data(), rows, columns);
    for (int64_t row = 0; row < rows; ++row) {
      const auto at = static_cast<size_t>(row * columns);
      std::vector<long double> want_log;
      const auto want = ExactSoftmax(x.data() + at, columns, &want_log);
      long double dot = 0, sum = 0, sizes = 0;
      for (size_t i = 0; i < want.size(); ++i) {
        dot += want[i] * dy[at + i], sum += dy[at + i], sizes += std::abs(dy[at + i]);
      }
      for (size_t i = 0; i < want.size(); ++i) {
        const auto p = static_cast<double>(want[i]);
        EXPECT_NEAR(y[at + i], p, 40 * kEps * p + std::numeric_limits<T>::min());
        const auto q = static_cast<double>(want_log[i]);
        EXPECT_NEAR(log[at + i], q, 4 * kEps * (1 - q));
        EXPECT_NEAR(dx[at + i], static_cast<double>(want[i] * (dy[at + i] - dot)), 40 * kEps);
        EXPECT_NEAR(dlog[at + i], static_cast<double>(dy[at + i] - want[i] * sum),
                    20 * kEps * (1 + static_cast<double>(sizes)));
      }
    }
  }
}

TYPED_TEST(ReduceTest, SoftmaxOfInfinities) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T x[10] = {-inf, 0, inf, 0, -inf, -inf, 1, nan, nan, 1};
  T y[10];
  this->k.softmax(x, y, 5, 2);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 1);
  for (int i = 2; i < 10; ++i) EXPECT_TRUE(std::isnan(y[i])) << i;
  this->k.log_softmax(x, y, 1, 2);
  EXPECT_EQ(y[0], -inf);
  EXPECT_EQ(y[1], 0);
}

// The same bytes at any alignment: the order of additions depends on n alone.
TYPED_TEST(ReduceTest, SameBytesAtAnyAlignment) {
  using T = TypeParam;
  for (int64_t n : {5, 40, 1000, 5000}) {
    const std::vector<T> x = Normals<T>(n, 8);
    std::vector<T> moved(x.size() + 16);
    const double want = this->k.sum(x.data(), n);
    std::vector<T> softmax(x.size()), moved_softmax(x.size());
    this->k.softmax(x.data(), softmax.data(), 1, n);
    for (size_t shift = 0; shift < 16; ++shift) {
      std::copy(x.begin(), x.end(), moved.begin() + static_cast<ptrdiff_t>(shift));
      const double got = this->k.sum(moved.data() + shift, n);
      EXPECT_EQ(0, std::memcmp(&got, &want, sizeof got));
      this->k.softmax(moved.data() + shift, moved_softmax.data(), 1, n);
      EXPECT_EQ(moved_softmax, softmax);
    }
  }
}

template <class T>
void CheckIntegers(const IntReduceKernels<T>& k) {
  std::mt19937_64 random(9);
  for (int64_t n : Lengths()) {
    std::vector<T> x(static_cast<size_t>(n));
    uint64_t sum = 0;
    for (T& v : x) {
      v = static_cast<T>(random() % 2 == 0 ? random() : random() % 5);
      sum += static_cast<uint64_t>(v);
    }
    EXPECT_EQ(k.sum(x.data(), n), static_cast<int64_t>(sum));
    if (n == 0) continue;
    const auto max = std::max_element(x.begin(), x.end());
    const auto min = std::min_element(x.begin(), x.end());
    EXPECT_EQ(k.max(x.data(), n), *max);
    EXPECT_EQ(k.min(x.data(), n), *min);
    EXPECT_EQ(k.argmax(x.data(), n), max - x.begin());
    EXPECT_EQ(k.argmin(x.data(), n), min - x.begin());
    if (n % 7 == 0) {
      std::vector<int64_t> columns(7);
      k.column_sum(x.data(), n / 7, 7, 7, columns.data());
      uint64_t total = 0;
      for (int64_t c : columns) total += static_cast<uint64_t>(c);
      EXPECT_EQ(total, sum);
      const size_t last = x.size() - 1;
      if (n == 7) {
        EXPECT_EQ(columns[6], static_cast<int64_t>(x[last]));
      }
    }
  }
}

TEST(ReduceTest, Integers) {
  CheckIntegers(GetReduceTables().i32);
  CheckIntegers(GetReduceTables().i64);
  CheckIntegers(GetReduceTables().u8);
}

TEST(ReduceTest, AnyAndAll) {
  const ReduceTables& k = GetReduceTables();
  EXPECT_FALSE(k.any(nullptr, 0));
  EXPECT_TRUE(k.all(nullptr, 0));
  for (int64_t n : {1, 5, 64, 1024, 1025, 5000}) {
    std::vector<uint8_t> x(static_cast<size_t>(n), 0);
    EXPECT_FALSE(k.any(x.data(), n));
    x.back() = 2;
    EXPECT_TRUE(k.any(x.data(), n));
    EXPECT_EQ(k.all(x.data(), n), n == 1);
    std::fill(x.begin(), x.end(), uint8_t{3});
    EXPECT_TRUE(k.all(x.data(), n));
    x.back() = 0;
    EXPECT_FALSE(k.all(x.data(), n));
  }
}

}  // namespace
}  // namespace autograd::kernels
