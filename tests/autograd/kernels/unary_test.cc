// The elementwise kernels against the plain formulas in a wider type.
#include "autograd/kernels/unary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/unary_reference.h"

namespace autograd::kernels {
namespace {

constexpr double kParam = 0.75;

// The largest error allowed, in units of the last place of f32 and of f64 (the figures that unary.h
// states, rounded up), plus an absolute one in units of the type's epsilon, for functions that
// approach 0 faster than their argument is exact.
struct Bound {
  double f32, f64, epsilons;
};

Bound BoundOf(UnaryOp op) {
  using enum UnaryOp;
  switch (op) {
    case kExp:
    case kLog:
      return {1.1, 1.1, 0};
    case kExpm1:
    case kLog1p:
    case kElu:
    case kSoftplus:
    case kSin:
    case kCos:
    case kRsqrt:
      return {2, 2, 0};
    case kSelu:
    case kTanh:
    case kSigmoid:
    case kErf:
      return {2.6, 2.6, 0};
    case kTan:
    case kSilu:
      return {3.5, 3.5, 0};
    case kGeluTanh:
    case kGeluErf:
      return {4, 4, 1};
    default:
      return {0.501, 0.501, 0};
  }
}

// |got - want| in units of T's last place at want; infinite for a wrong kind of number or a zero of
// the wrong sign.
template <class T, class W>
double Ulps(T got, W want) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : kWrong;
  const T rounded = static_cast<T>(want);
  if (got == rounded) return std::signbit(got) == std::signbit(rounded) ? 0 : kWrong;
  constexpr T kMax = std::numeric_limits<T>::max();
  // The neighbour of infinity is the largest number.
  if (std::isinf(rounded)) return std::abs(got) == kMax ? 1 : kWrong;
  if (std::isinf(got)) return std::abs(rounded) == kMax ? 1 : kWrong;
  int exponent = 0;
  std::frexp(want, &exponent);
  constexpr int kDigits = std::numeric_limits<T>::digits;
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent) - kDigits;
  return static_cast<double>(std::abs(static_cast<W>(got) - want) / std::ldexp(W(1), exponent));
}

template <class W>
using Reference = W (*)(W x, W param);
template <class W>
using GradReference = W (*)(W dy, W s, W param);

template <class W, int... kOps>
Reference<W> ReferenceOf(UnaryOp op, std::integer_sequence<int, kOps...>) {
  constexpr Reference<W> kAll[] = {UnaryReference<static_cast<UnaryOp>(kOps), W>...};
  return kAll[static_cast<int>(op)];
}

template <class W, int... kOps>
GradReference<W> GradReferenceOf(UnaryOp op, std::integer_sequence<int, kOps...>) {
  constexpr GradReference<W> kAll[] = {UnaryGradReference<static_cast<UnaryOp>(kOps), W>...};
  return kAll[static_cast<int>(op)];
}

constexpr auto kOps = std::make_integer_sequence<int, kNumUnaryOps>();

template <class T>
std::vector<T> SpecialValues() {
  using L = std::numeric_limits<T>;
  std::vector<T> values;
  for (T x : {T(0), T(0.5), T(1), T(1.5), T(2.5), T(20), T(709.78), T(745.13), T(88.72284),
              T(103.97), T(87.3365), L::denorm_min(), L::min(), L::max(), L::infinity(),
              L::quiet_NaN(), L::epsilon()}) {
    values.push_back(x);
    values.push_back(-x);
  }
  return values;
}

// Every 4093rd of the 2^32 patterns: all exponents, about 2000 mantissas each.
std::vector<float> Samples(float) {
  std::vector<float> values = SpecialValues<float>();
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 4093) {
    const auto pattern = static_cast<uint32_t>(bits);
    float x;
    std::memcpy(&x, &pattern, sizeof x);
    values.push_back(x);
  }
  return values;
}

// Patterns at random, and numbers of everyday size.
std::vector<double> Samples(double) {
  std::vector<double> values = SpecialValues<double>();
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t pattern = random();
    double x;
    std::memcpy(&x, &pattern, sizeof x);
    values.push_back(x);
    const double unit = std::ldexp(static_cast<double>(static_cast<int64_t>(pattern)), -63);
    values.push_back(std::ldexp(unit, static_cast<int>(pattern % 24) - 14));
    values.push_back(unit * 760);
  }
  return values;
}

// The vector in the middle of Samples is the same for each operation.
template <class T>
const std::vector<T>& AllSamples() {
  static const std::vector<T> samples = Samples(T(0));
  return samples;
}

template <class T, class W>
void CheckValues(UnaryOp op, double ulps, double epsilons) {
  const std::vector<T>& x = AllSamples<T>();
  std::vector<T> y(x.size());
  GetUnary<T>(op)(x.data(), y.data(), static_cast<int64_t>(x.size()), static_cast<T>(kParam));
  const Reference<W> reference = ReferenceOf<W>(op, kOps);
  const double absolute = epsilons * std::numeric_limits<T>::epsilon();
  for (size_t i = 0; i < x.size(); ++i) {
    const W want = reference(x[i], static_cast<W>(kParam));
    if (Ulps<T, W>(y[i], want) <= ulps) continue;
    // A product with a subnormal factor has the factor's absolute error.
    const double smallest = std::numeric_limits<T>::denorm_min();
    const double factor_error = op == UnaryOp::kSilu ? std::abs(double(x[i])) * smallest : 0;
    const auto error = static_cast<double>(std::abs(static_cast<W>(y[i]) - want));
    ASSERT_LE(error, absolute + factor_error)
        << "x = " << x[i] << ", got " << y[i] << ", want " << static_cast<double>(want) << ", "
        << Ulps<T, W>(y[i], want) << " ulps";
  }
}

// Against the largest of 1 and the exact value, where neither overflows.
template <class T, class W>
void CheckGradients(UnaryOp op) {
  std::vector<T> s, dy;
  for (T x : AllSamples<T>()) {
    if (!(std::abs(x) > T(1e6)) && (x == 0 || std::abs(x) > T(1e-8))) s.push_back(x);
    dy.push_back(s.size() % 2 == 0 ? T(-1.25) : T(0.75));
  }
  std::vector<T> dx(s.size());
  GetUnaryGrad<T>(op)(dy.data(), s.data(), dx.data(), static_cast<int64_t>(s.size()),
                      static_cast<T>(kParam));
  const GradReference<W> reference = GradReferenceOf<W>(op, kOps);
  for (size_t i = 0; i < s.size(); ++i) {
    const W want = reference(dy[i], s[i], static_cast<W>(kParam));
    if (Ulps<T, W>(dx[i], want) <= 3 || std::isnan(want)) {
      ASSERT_EQ(std::isnan(want), std::isnan(dx[i])) << s[i];
      continue;
    }
    const double scale = std::max(1.0, static_cast<double>(std::abs(want)));
    ASSERT_LE(static_cast<double>(std::abs(static_cast<W>(dx[i]) - want)),
              4 * scale * std::numeric_limits<T>::epsilon())
        << "s = " << s[i] << ", got " << dx[i] << ", want " << static_cast<double>(want);
  }
}

class UnaryOpTest : public ::testing::TestWithParam<int> {
 protected:
  UnaryOp op() const { return static_cast<UnaryOp>(GetParam()); }
};

TEST_P(UnaryOpTest, F32WithinItsBoundOverTheWholeRange) {
  CheckValues<float, double>(op(), BoundOf(op()).f32, BoundOf(op()).epsilons);
}

TEST_P(UnaryOpTest, F64WithinItsBoundOverTheWholeRange) {
  CheckValues<double, long double>(op(), BoundOf(op()).f64, BoundOf(op()).epsilons);
}

TEST_P(UnaryOpTest, F32Gradients) { CheckGradients<float, double>(op()); }

TEST_P(UnaryOpTest, F64Gradients) { CheckGradients<double, long double>(op()); }

// Operations whose gradient reads x and has a limit at infinity: the others see finite outputs
// only, or swing for ever.
std::vector<int> OpsWithLimits() {
  std::vector<int> ops;
  for (int i = 0; i < kNumUnaryOps; ++i) {
    const UnaryOp op = static_cast<UnaryOp>(i);
    if (!UnaryGradReadsOutput(op) && op != UnaryOp::kSin && op != UnaryOp::kCos) ops.push_back(i);
  }
  return ops;
}

class UnaryOpLimitTest : public UnaryOpTest {};

// Approached without a NaN from 0 * inf.
TEST_P(UnaryOpLimitTest, GradientsAtInfinityAreTheLimits) {
  const float inf = std::numeric_limits<float>::infinity();
  const float s[2] = {-inf, inf}, dy[2] = {1, 1};
  float dx[2];
  GetUnaryGrad<float>(op())(dy, s, dx, 2, 0.5f);
  EXPECT_FALSE(std::isnan(dx[0]));
  EXPECT_FALSE(std::isnan(dx[1]));
}

INSTANTIATE_TEST_SUITE_P(WithLimits, UnaryOpLimitTest, ::testing::ValuesIn(OpsWithLimits()));

// Each element alone, at each place of a vector, gives the bytes it gives inside a long aligned
// array; nothing outside [0, n) is written; in place is the same.
template <class T>
void CheckTails(UnaryOp op) {
  constexpr int kLong = 200;
  alignas(64) T x[kLong], dy[kLong], y[kLong], dx[kLong];
  std::mt19937 random(2);
  std::uniform_real_distribution<T> uniform(T(-3), T(3));
  for (int i = 0; i < kLong; ++i) x[i] = uniform(random), dy[i] = uniform(random);
  GetUnary<T>(op)(x, y, kLong, T(0.5));
  GetUnaryGrad<T>(op)(dy, x, dx, kLong, T(0.5));
  for (int n = 0; n < 40; ++n) {
    for (int start = 0; start < 3; ++start) {
      const size_t bytes = static_cast<size_t>(n) * sizeof(T);
      T out[kLong], grad[kLong];
      for (T& v : out) v = T(77);
      GetUnary<T>(op)(x + start, out + 1, n, T(0.5));
      EXPECT_EQ(0, std::memcmp(out + 1, y + start, bytes)) << n << " " << start;
      EXPECT_EQ(out[0], T(77));
      EXPECT_EQ(out[n + 1], T(77));
      GetUnaryGrad<T>(op)(dy + start, x + start, grad, n, T(0.5));
      EXPECT_EQ(0, std::memcmp(grad, dx + start, bytes)) << n << " " << start;
      std::memcpy(out, x + start, bytes);
      GetUnary<T>(op)(out, out, n, T(0.5));
      EXPECT_EQ(0, std::memcmp(out, y + start, bytes));
    }
  }
}

TEST_P(UnaryOpTest, SameBytesAtAnyPositionAndInPlace) {
  CheckTails<float>(op());
  CheckTails<double>(op());
}

// All bf16 numbers there are, and tails of every length.
TEST_P(UnaryOpTest, Bf16IsF32RoundedOnce) {
  constexpr int kAll = 0x10000;
  std::vector<BFloat16> x, dy(kAll, ToBFloat16(-1.25f)), y(kAll), dx(kAll);
  std::vector<float> wide_x, wide_dy(kAll, -1.25f), wide_y(kAll), wide_dx(kAll);
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    x.push_back({static_cast<uint16_t>(bits)});
    wide_x.push_back(ToFloat(x.back()));
  }
  GetUnary<float>(op())(wide_x.data(), wide_y.data(), kAll, .5f);
  GetUnaryGrad<float>(op())(wide_dy.data(), wide_x.data(), wide_dx.data(), kAll, .5f);
  int64_t length = 1;
  for (int64_t i = 0; i < kAll; i += length, length = length % 67 + 1) {
    const int64_t n = std::min(length, kAll - i);
    GetUnary<BFloat16>(op())(x.data() + i, y.data() + i, n, .5f);
    GetUnaryGrad<BFloat16>(op())(dy.data() + i, x.data() + i, dx.data() + i, n, .5f);
  }
  const auto same = [](BFloat16 got, float want) {
    return got.bits == ToBFloat16(want).bits || (std::isnan(ToFloat(got)) && std::isnan(want));
  };
  for (size_t i = 0; i < kAll; ++i) {
    ASSERT_TRUE(same(y[i], wide_y[i])) << wide_x[i] << ": " << ToFloat(y[i]) << ", " << wide_y[i];
    ASSERT_TRUE(same(dx[i], wide_dx[i])) << wide_x[i] << ": " << ToFloat(dx[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, UnaryOpTest, ::testing::Range(0, kNumUnaryOps));

}  // namespace
}  // namespace autograd::kernels
